import type { Answer, Call } from './history.ts'

/** Fault is what a violation is one of; each has its guarantee in races.ts. */
export type Fault = 'quota' | 'refusal' | 'chain' | 'ledger' | 'plan' | 'repeat'
export type Report = (fault: Fault, sentence: string) => void

/**
 * Operation is what the calls with one request id come to: decided once, between `startMs` and `endMs`. Without an answer it
 * may have happened at any time since its start, or never.
 */
export type Operation = {
  label: string
  kind: 'take' | 'give'
  accountId: string
  metric: string
  amount: number
  startMs: number
  endMs: number
  answer: Answer | null
}

/** operationKey finds the operation a ledger row is of. */
export function operationKey(kind: 'take' | 'give', accountId: string, label: string): string {
  return `${kind} ${accountId} ${label}`
}

/** operationsOf brings calls together by request id, and reports ids that were decided twice or answered differently. */
export function operationsOf(calls: Call[], report: Report): Map<string, Operation> {
  const groups = Map.groupBy(calls, ({ kind, accountId, label }) => operationKey(kind, accountId, label))
  const operations = new Map<string, Operation>()
  for (const [key, group] of groups) {
    const operation = toOperation(group, report)
    if (operation !== null) operations.set(key, operation)
  }
  return operations
}

function toOperation(group: Call[], report: Report): Operation | null {
  const [one] = group
  if (one === undefined) return null
  const answers = group.flatMap(({ answer }) => answer ?? [])
  const deciding = group.filter(({ answer }) => answer?.replayed === false)
  const [decided] = deciding
  if (deciding.length > 1) report('repeat', `${nameOf(one)} was decided ${deciding.length} times`)
  const answer = decided?.answer ?? answers[0] ?? null
  const other = answer === null ? undefined : answers.find((each) => !isSame(each, answer))
  if (other !== undefined) report('repeat', `${nameOf(one)} got ${JSON.stringify(answer)} and ${JSON.stringify(other)}`)
  return {
    label: one.label,
    kind: one.kind,
    accountId: one.accountId,
    metric: one.metric,
    amount: one.amount,
    // It was decided for one of them; only where all tell whether it was they is it known for which.
    startMs: decided !== undefined && answers.every(({ replayed }) => replayed !== null) ? decided.startMs : smallest(group.map(({ startMs }) => startMs)),
    // Whoever hears of a decision first proves that it was made.
    endMs: smallest(group.map((call) => (call.answer === null ? Infinity : call.endMs))),
    answer
  }
}

/** nameOf tells which operation a sentence is about. */
export function nameOf({ kind, label, accountId, metric, amount }: Omit<Operation, 'startMs' | 'endMs' | 'answer'>): string {
  return `${kind} ${label} of ${amount} ${metric} by ${accountId}`
}

/** mostOf is how much a give-back may give: of a charge no more than that took. */
export function mostOf(operation: Operation, operations: Map<string, Operation>): number {
  const charge = operations.get(operationKey('take', operation.accountId, operation.label))
  if (charge === undefined) return operation.amount
  return charge.answer?.allowed === false ? 0 : Math.min(operation.amount, charge.amount)
}

function isSame(one: Answer, other: Answer): boolean {
  return (
    one.allowed === other.allowed && one.used === other.used && one.quota === other.quota && one.resetsAtMs === other.resetsAtMs &&
    (one.plan === other.plan || one.plan === null || other.plan === null)
  )
}

function smallest(numbers: number[]): number {
  return numbers.reduce((least, each) => Math.min(least, each), Infinity)
}
