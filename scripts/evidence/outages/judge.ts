import { type Finding, startFinding } from '../suite.ts'

/** ANSWER_LIMIT_MS is how soon a caller must hear that a part is away, RECOVERY_LIMIT_MS how soon all is well once it is back. */
export const ANSWER_LIMIT_MS = 2_000
export const RECOVERY_LIMIT_MS = 5_000

/** CALLS are what is asked of the server in every situation: reading, charging, answering, creating, taking in, probing. */
export const CALLS = [
  'usage read', 'usage taken', 'answer streamed', 'answer as JSON', 'chatbot made', 'webhook', 'readyz', 'livez'
] as const
export type CallName = (typeof CALLS)[number]

/**
 * Note is what the client knows of one call. `status` is 0 when the connection broke or nothing came for 30 s; `fault` is the
 * code of the error in the middle of a stream; `key` makes it safe to repeat, and is the event's id of a webhook.
 */
export type Note = {
  call: CallName
  key: string | null
  status: number
  milliseconds: number
  hasRetryAfter: boolean
  isProblem: boolean
  fault: string | null
}

/** Ledger is what one account was charged: per key how often, how it stands in all, and what is still open. */
export type Ledger = {
  charged: Record<string, number>
  counters: Record<string, number>
  sums: Record<string, number>
  openReservations: number
  unsettledMs: number
}

/**
 * Seen is one situation, from its first call to the repetition of those that failed. `extent`: whether every call that needs
 * the database must fail, or some may get through. `mayLose`: whether work can be done there whose answer is lost. `after` is
 * the ledger once the part is back, `repeated` when every failed call was asked again with its key.
 */
export type Seen = {
  name: string
  extent: 'whole' | 'partly'
  mayLose: boolean
  during: Note[]
  recoveries: { call: CallName; milliseconds: number }[]
  later: Note[]
  after: Ledger
  repeated: Ledger
  brokenInvariants: string[]
}

/** Findings are the guarantees of the suite about parts that are away. */
export type Findings = Record<'answers' | 'closed' | 'charges' | 'recovery' | 'afterwards', Finding>

/** startFindings begins the checks. */
export function startFindings(): Findings {
  return {
    answers: startFinding('while the database is away: 503 with Retry-After within 2 s, and /livez answers'),
    closed: startFinding('never fail-open: what was granted during an outage is charged, once'),
    charges: startFinding('nothing charged for nothing: a call answered 503 has cost nothing, and repeated with its key costs once'),
    recovery: startFinding('all calls work again within 5 s of the part being back'),
    afterwards: startFinding('afterwards no reservation is open, counter = ledger = what was granted, all invariants hold')
  }
}

/** METERED is what each call that costs takes one unit, or `units`, of. */
export const METERED: Partial<Record<CallName, { metric: string; units: number }>> = {
  'usage taken': { metric: 'api_calls', units: 3 },
  'answer streamed': { metric: 'messages', units: 1 },
  'answer as JSON': { metric: 'messages', units: 1 },
  'chatbot made': { metric: 'chatbots', units: 1 }
}

/** isGranted tells whether the caller was told that it was done. */
export function isGranted({ status, fault }: Note): boolean {
  return status >= 200 && status < 300 && fault === null
}

/** judge compares what the client noted with what the database holds; `patience` stretches every time limit. */
export function judge(seen: Seen, findings: Findings, patience = 1): void {
  for (const note of seen.during) judgeAnswer(seen, note, findings.answers, ANSWER_LIMIT_MS * patience)
  judgeKeys(seen, findings)
  for (const { call, milliseconds } of seen.recoveries) {
    findings.recovery.tried()
    if (milliseconds <= RECOVERY_LIMIT_MS * patience) continue
    findings.recovery.violation(`${seen.name}: ${call} worked only ${Math.round(milliseconds)} ms after the part was back`)
  }
  judgeLedger(seen, findings.afterwards, RECOVERY_LIMIT_MS * patience)
}

function judgeAnswer({ name, extent }: Seen, note: Note, finding: Finding, limitMs: number): void {
  const { call, status, milliseconds } = note
  const what = note.fault === null ? String(status) : `${status} with ${note.fault}`
  const took = `${name}: ${call} answered ${what} after ${Math.round(milliseconds)} ms`
  finding.tried()
  if (call === 'livez') {
    if (status !== 200 || milliseconds > limitMs) finding.violation(`${took}, although the process lives`)
    return
  }
  if (status === 503) {
    if (milliseconds > limitMs) finding.violation(took)
    if (!note.hasRetryAfter || !note.isProblem) finding.violation(`${took}, without Retry-After or a problem`)
    return
  }
  const mayGetThrough = extent === 'partly' && status >= 200 && status < 300
  if (!mayGetThrough) finding.violation(`${took} instead of 503`)
}

function judgeKeys({ name, mayLose, during, later, after, repeated }: Seen, { closed, charges }: Findings): void {
  const keys = new Map<string, Note[]>()
  for (const note of [...during, ...later]) {
    if (note.key !== null) keys.set(note.key, [...(keys.get(note.key) ?? []), note])
  }
  for (const [key, notes] of keys) {
    const { call } = notes[0] ?? { call: '' }
    const early = notes.filter((note) => during.includes(note))
    const times = after.charged[key] ?? 0
    const isGrantedEarly = early.some(isGranted)
    closed.tried()
    if (isGrantedEarly && times !== 1) {
      closed.violation(`${name}: ${call} was granted (${key}) and is charged ${times} times`)
    }
    charges.tried()
    // An answer that broke off after its first word is charged or not, as far as it came; the ledger below adds up either way.
    const isUnanswered = early.length > 0 && early.every(({ status }) => status === 503)
    if (isUnanswered && times > 0 && !mayLose) {
      charges.violation(`${name}: ${call} was answered 503 (${key}) and is charged ${times} times`)
    }
    const last = notes.at(-1)?.status ?? 0
    const timesInTheEnd = repeated.charged[key] ?? 0
    if (timesInTheEnd !== 1) {
      const repetition = `repeated with its key (${key}) and last answered ${last}`
      charges.violation(`${name}: ${call}, ${repetition}, is charged ${timesInTheEnd} times`)
    }
  }
}

function judgeLedger({ name, during, later, repeated, brokenInvariants }: Seen, finding: Finding, limitMs: number): void {
  finding.tried()
  for (const broken of brokenInvariants) finding.violation(`${name}: ${broken}`)
  const { openReservations, unsettledMs } = repeated
  if (openReservations > 0) finding.violation(`${name}: ${openReservations} reservations are still open`)
  if (unsettledMs > limitMs) {
    finding.violation(`${name}: the last reservation was settled only after ${Math.round(unsettledMs)} ms`)
  }
  const notes = [...during, ...later]
  for (const metric of new Set(Object.values(METERED).map((each) => each.metric))) {
    const metered = notes.filter(({ call }) => METERED[call]?.metric === metric)
    const units = new Map(metered.map(({ call, key }) => [key, METERED[call]?.units ?? 0]))
    const owed = [...units.values()].reduce((sum, unit) => sum + unit, 0)
    const [counter, ledger] = [repeated.counters[metric] ?? 0, repeated.sums[metric] ?? 0]
    if (counter === owed && ledger === owed) continue
    finding.violation(`${name}: granted ${owed} ${metric}, the counter says ${counter}, the ledger ${ledger}`)
  }
}
