import { type Check, startFinding } from '../suite.ts'
import { keyOf, type StormEvent } from './facts.ts'
import { judgeEffects } from './judge-effects.ts'
import { judgeAccounts, judgeSubscriptions, judgeWindows } from './judge-state.ts'
import type { Reference } from './reference-account.ts'
import type { Seen } from './seen.ts'
import type { Sent } from './send.ts'

/** LONGEST_ACK_MS: Paddle and Razorpay stop waiting after 5 s. */
export const LONGEST_ACK_MS = 4_000

/** Storm is all there is to judge by: what happened, what senders know, what the database holds, and what it must come to. */
export type Storm = {
  events: readonly StormEvent[]
  sent: Sent
  seen: Seen
  reference: Reference
  drainSeconds: number
  description: string
  /** patience stretches the time limits (1). */
  patience?: number
}

/** judge compares them. It is pure. */
export function judge(storm: Storm): Check[] {
  const { seen, reference } = storm
  return [
    judgeAcknowledged(storm),
    judgeInbox(storm),
    judgeAnswers(storm),
    judgeDrained(storm),
    judgeEffects(storm.events, seen),
    judgeWindows(seen, reference),
    judgeSubscriptions(seen, reference),
    judgeAccounts(seen, reference),
    judgeLedger(storm),
    judgeInvariants(storm)
  ]
}

function judgeAcknowledged({ events, sent, seen, description }: Storm): Check {
  const finding = startFinding('every delivery answered with 2xx is in the inbox')
  for (const key of sent.acknowledged.keys()) {
    finding.tried()
    if (!seen.inbox.has(key)) finding.violation(`${key} was acknowledged and is not in the inbox`)
  }
  for (const event of events) {
    if (!sent.acknowledged.has(keyOf(event))) finding.violation(`${keyOf(event)} was never acknowledged`)
  }
  const { unread, unheard } = sent.lost
  const total = [...sent.times.values()].reduce((sum, times) => sum + times, 0)
  return finding.check(
    () => description,
    `${total} sent, with ${unread + unheard} repeated for a lost acknowledgement and ${sent.unavailable} for a 503`
  )
}

function judgeInbox({ events, sent, seen }: Storm): Check {
  const finding = startFinding('an event is one row of the inbox, however often it comes')
  const known = new Set(events.map(keyOf))
  for (const id of seen.doubled) finding.violation(`${id} is there twice`)
  let again = 0
  for (const [key, { deliveries }] of seen.inbox) {
    finding.tried()
    const [least, most] = [sent.acknowledged.get(key) ?? 0, sent.times.get(key) ?? 0]
    if (!known.has(key)) finding.violation(`${key} is in the inbox and never happened`)
    else if (deliveries < least || deliveries > most) {
      finding.violation(`${key} counts ${deliveries} deliveries, ${most} were sent and ${least} acknowledged`)
    }
    again += deliveries - 1
  }
  return finding.check((tried) => `${tried} rows`, `${again} deliveries came to a row that was there`)
}

function judgeAnswers({ sent, patience = 1 }: Storm): Check {
  const limitMs = LONGEST_ACK_MS * patience
  const finding = startFinding(`a good delivery is answered with 2xx or 503, within ${LONGEST_ACK_MS / 1000} s`)
  finding.tried(sent.ackMs.length)
  for (const { event, status } of sent.refusals) finding.violation(`${event} was answered ${status}`)
  for (const what of sent.unanswered) finding.violation(`${what}, without an answer`)
  for (const what of sent.givenUp) finding.violation(`${what} was sent again in vain`)
  for (const ms of sent.ackMs) if (ms >= limitMs) finding.violation(`an acknowledgement took ${ms.toFixed(0)} ms`)
  const sorted = Float64Array.from(sent.ackMs).sort()
  const at = (share: number): string => `${(sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(0)} ms`
  const rate = (sent.ackMs.length / sent.seconds).toFixed(0)
  return finding.check(
    (tried) => `${tried} acknowledgements`,
    `${rate} a second; p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`
  )
}

function judgeDrained({ events, seen, drainSeconds }: Storm): Check {
  const finding = startFinding('nothing is left failed, dead or waiting')
  let waited = 0
  for (const event of events) {
    finding.tried()
    const row = seen.inbox.get(keyOf(event))
    const wanted = event.told.kind === 'ignored' ? 'ignored' : 'processed'
    if (row !== undefined && row.status !== wanted) {
      finding.violation(
        `${keyOf(event)} (${event.told.kind}) is ${row.status}, not ${wanted}: ${row.lastError ?? 'without an error'}`
      )
    }
    if (row?.waited === true) waited += 1
  }
  return finding.check(
    (tried) => `${tried} events`,
    `${waited} waited for what makes their account known; drained ${drainSeconds.toFixed(1)} s after the last answer`
  )
}

function judgeLedger({ seen: { ledger } }: Storm): Check {
  const finding = startFinding('webhooks leave the ledger and its counters alone')
  finding.tried(ledger.rows)
  if (ledger.before !== ledger.after) finding.violation('the ledger or a counter is not what it was before')
  return finding.check((tried) => `${tried} rows of usage`, 'the same bytes before and after')
}

function judgeInvariants({ seen }: Storm): Check {
  const finding = startFinding('all invariants of the database hold (api.check_invariants)')
  for (const { name, violations, example } of seen.invariants) {
    finding.tried()
    if (violations > 0) finding.violation(`${name}: ${violations} times, such as ${example ?? 'nothing'}`)
  }
  return finding.check((tried) => `${tried} invariants`, 'asked once all was drained')
}
