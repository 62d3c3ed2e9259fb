import { type Check, startFinding } from '../suite.ts'
import { type AccountState, keyOfSubscription, type Reference, windowAt } from './reference-account.ts'
import type { SubscriptionState } from './reference.ts'
import type { Seen } from './seen.ts'

type AccountRow = Seen['accounts'][number]
type Facts = Record<string, string | number | boolean | null>

/** judgeWindows: a period opens once, by the event that tells it first in its processor's order. */
export function judgeWindows({ windows }: Seen, reference: Reference): Check {
  const finding = startFinding('a period opens once, by the first event that tells it')
  const found = Map.groupBy(windows, (row) => keyOfSubscription({ source: row.processor, subscriptionId: row.subscription_id }))
  for (const [key, { opened, accountId }] of reference.subscriptions) {
    const rows = found.get(key) ?? []
    found.delete(key)
    finding.tried(opened.length)
    const theirs = opened.map(({ startMs, endMs, openedBy }) => [accountId, startMs, endMs, openedBy].join(' ')).toSorted()
    const ours = rows.map((row) => [row.account_id, row.window_start, row.window_end, row.opened_by].join(' ')).toSorted()
    const [missing] = theirs.filter((line) => !ours.includes(line))
    const [beyond] = ours.filter((line) => !theirs.includes(line))
    if (ours.length !== theirs.length || missing !== undefined) {
      finding.violation(
        `${key} has ${ours.length} windows, not ${theirs.length}; missing: ${missing ?? 'none'}; beyond: ${beyond ?? 'none'}`
      )
    }
  }
  for (const key of found.keys()) finding.violation(`${key} has a window and is not known to the model`)
  return finding.check((tried) => `${tried} periods`, 'the same starts, ends and openers as the model has')
}

/** judgeSubscriptions compares the stored state of each subscription with the model's. */
export function judgeSubscriptions({ subscriptions }: Seen, reference: Reference): Check {
  const finding = startFinding('each subscription is as the reference model has it')
  const rows = new Map(
    subscriptions.map((row) => [keyOfSubscription({ source: row.processor, subscriptionId: row.subscription_id }), row])
  )
  for (const [key, state] of reference.subscriptions) {
    finding.tried()
    const row = rows.get(key)
    rows.delete(key)
    if (row === undefined) {
      finding.violation(`${key} is not there`)
      continue
    }
    const isInForce = reference.accounts.get(state.accountId)?.inForce === key
    const ours = {
      account: row.account_id,
      status: row.status,
      plan: row.plan,
      start: row.period_start,
      end: row.period_end,
      cancels: row.cancels_at,
      'past due since': row.past_due_since,
      'in force': row.in_force,
      'suspended by': row.suspended_by,
      'as of': row.as_of_event_id
    }
    compare(finding.violation, key, ours, subscriptionFacts(state, isInForce))
  }
  for (const key of rows.keys()) finding.violation(`${key} is not known to the model`)
  return finding.check((tried) => `${tried} subscriptions`, tally(subscriptions.map(({ status }) => status)))
}

function subscriptionFacts(state: SubscriptionState, isInForce: boolean): Facts {
  return {
    account: state.accountId,
    status: state.status,
    plan: state.plan,
    start: state.period?.startMs ?? null,
    end: state.period?.endMs ?? null,
    cancels: state.cancelsAtMs,
    'past due since': state.pastDueSinceMs,
    'in force': isInForce,
    'suspended by': state.suspendedBy,
    'as of': state.asOfEventId
  }
}

/** judgeAccounts compares each account's plan, status, grace, anchor and running window with the model's. */
export function judgeAccounts({ accounts }: Seen, reference: Reference): Check {
  const finding = startFinding('each account is as the reference model has it')
  const rows = new Map(accounts.map((row) => [row.account_id, row]))
  for (const [accountId, state] of reference.accounts) {
    finding.tried()
    const row = rows.get(accountId)
    rows.delete(accountId)
    if (row === undefined) finding.violation(`${accountId} is not there`)
    else compare(finding.violation, accountId, rowFacts(row), accountFacts(state, row))
  }
  for (const row of rows.values()) finding.violation(`${row.account_id} is not known to the model`)
  return finding.check((tried) => `${tried} accounts`, tally(accounts.map(({ granted_plan: plan }) => plan)))
}

function rowFacts(row: AccountRow): Facts {
  return {
    'granted plan': row.granted_plan,
    'plan ends': row.plan_ends_at,
    anchor: row.anchor,
    'counts from': row.counts_from,
    closed: row.closed_at,
    plan: row.plan,
    status: row.status,
    'window start': row.window_start,
    'window end': row.window_end
  }
}

/** accountFacts: of the row it takes nothing but when the account was made and when it was looked at. */
function accountFacts(state: AccountState, { created_at: createdAtMs, now: nowMs }: AccountRow): Facts {
  const anchorMs = state.anchorMs ?? createdAtMs
  const countsFromMs = state.countsFromMs ?? createdAtMs
  const window = windowAt(anchorMs, state.offsetMs, Math.max(nowMs, countsFromMs))
  const isOver = state.planEndsAtMs !== null && state.planEndsAtMs <= nowMs
  return {
    'granted plan': state.plan,
    'plan ends': state.planEndsAtMs,
    anchor: anchorMs,
    'counts from': countsFromMs,
    closed: state.closedAtMs,
    plan: isOver ? 'free' : state.plan,
    status: state.shown?.status ?? 'none',
    'window start': window.startMs,
    'window end': window.endMs
  }
}

function compare(violation: (sentence: string) => void, name: string, ours: Facts, theirs: Facts): void {
  const differing = Object.keys(theirs).filter((fact) => ours[fact] !== theirs[fact])
  if (differing.length === 0) return
  violation(`${name}: ${differing.map((fact) => `${fact} is ${ours[fact] ?? 'none'}, not ${theirs[fact] ?? 'none'}`).join('; ')}`)
}

function tally(words: readonly string[]): string {
  return [...Map.groupBy(words, (word) => word)]
    .map(([word, all]) => `${all.length} ${word}`)
    .toSorted()
    .join(', ')
}
