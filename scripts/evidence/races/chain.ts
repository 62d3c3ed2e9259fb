import type { History, LedgerRow, Window } from './history.ts'
import { nameOf, type Operation, operationKey, type Report } from './operations.ts'

/** Step is one move of a counter: from `before` to `after`. It happened between `earliestMs` and `latestMs`. */
export type Step = { operation: Operation | null; before: number; after: number; earliestMs: number; latestMs: number }

/**
 * Chain is the life of one counter, in the order of the ledger's ids, which are drawn while the counter is locked. The state
 * after k steps is `states[k]`; it can have been the counter's from `since[k]` to `until[k]`: not before all k steps were
 * begun, nor after a later step was answered.
 */
export type Chain = { accountId: string; metric: string; window: Window; steps: Step[]; states: number[]; since: number[]; until: number[] }

/** chainKey names the chain of a counter. */
export function chainKey(accountId: string, metric: string, window: Window): string {
  return `${accountId} ${metric} ${window}`
}

/**
 * chainsOf builds the chain of every counter from the ledger, and reports rows that no call asked for or that came twice,
 * and counters that are not the sum of their rows.
 */
export function chainsOf(history: History, operations: Map<string, Operation>, report: Report): Map<string, Chain> {
  const groups = Map.groupBy(history.ledger, ({ accountId, metric, window }) => chainKey(accountId, metric, window))
  const seen = new Set<Operation>()
  const chains = new Map<string, Chain>()
  for (const [key, rows] of groups) {
    const matched = rows.map((row) => ({ row, operation: match(row, operations, seen, report) }))
    const [first] = rows
    if (first !== undefined) chains.set(key, toChain(first, matched))
  }
  for (const counter of history.counters) {
    const key = chainKey(counter.accountId, counter.metric, counter.window)
    const chain = chains.get(key) ?? toChain(counter, [])
    const sum = chain.states.at(-1)
    if (sum !== counter.used) report('ledger', `counter ${key} is ${counter.used}, its ledger sums to ${sum}`)
    chains.set(key, chain)
  }
  const counted = new Set(history.counters.map(({ accountId, metric, window }) => chainKey(accountId, metric, window)))
  for (const key of chains.keys()) if (!counted.has(key)) report('ledger', `the ledger of ${key} has no counter`)
  return chains
}

function match(row: LedgerRow, operations: Map<string, Operation>, seen: Set<Operation>, report: Report): Operation | null {
  const told = `a ledger row of ${row.amount} ${row.metric} of ${row.accountId} (${row.label})`
  const operation = operations.get(operationKey(row.amount > 0 ? 'take' : 'give', row.accountId, row.label ?? ''))
  if (row.label === null || operation === undefined || operation.metric !== row.metric) {
    report('ledger', `${told} belongs to no call`)
    return null
  }
  if (seen.has(operation)) report('ledger', `${nameOf(operation)} has two ledger rows`)
  seen.add(operation)
  if (operation.answer?.allowed === false) report('ledger', `${nameOf(operation)} was refused, and has a ledger row`)
  if (operation.kind === 'take' && operation.amount !== row.amount) report('ledger', `${told} is of ${nameOf(operation)}`)
  return operation
}

function toChain(
  { accountId, metric, window }: { accountId: string; metric: string; window: Window },
  matched: { row: LedgerRow; operation: Operation | null }[]
): Chain {
  const states = [0]
  const since = [-Infinity]
  for (const [index, { row, operation }] of matched.entries()) {
    states.push((states[index] ?? 0) + row.amount)
    since.push(Math.max(since[index] ?? -Infinity, operation?.startMs ?? -Infinity))
  }
  const until = Array.from({ length: matched.length + 1 }, () => Infinity)
  for (let index = matched.length - 1; index >= 0; index -= 1) {
    until[index] = Math.min(until[index + 1] ?? Infinity, matched[index]?.operation?.endMs ?? Infinity)
  }
  const steps = matched.map(({ operation }, index) => ({
    operation,
    before: states[index] ?? 0,
    after: states[index + 1] ?? 0,
    earliestMs: since[index + 1] ?? -Infinity,
    latestMs: until[index] ?? Infinity
  }))
  return { accountId, metric, window, steps, states, since, until }
}
