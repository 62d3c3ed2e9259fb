import { type Chain, chainKey, chainsOf, type Step } from './chain.ts'
import type { History } from './history.ts'
import { type Law, toLaw } from './law.ts'
import { type Fault, mostOf, nameOf, type Operation, operationsOf, type Report } from './operations.ts'
import { judgeRefusals, type Placed } from './refusals.ts'

/** Violation is one thing that must not have happened. */
export type Violation = { fault: Fault; sentence: string }

/**
 * judge decides whether a history could have come from counters that are asked one after the other: each operation at one
 * moment between its begin and its answer, by the plan and window in force at that moment. It is exact for counters (every
 * charge has its place in the ledger, every refusal is tried at every moment of its life), and knows of a plan no more than
 * the span in which it can have been in force.
 *
 * - `quota`: granted beyond it · `refusal`: refused, though it fitted at every moment of its life
 * - `chain`: an answer's numbers, or its time, do not follow from what was before
 * - `ledger`: calls, ledger rows and counters do not belong together · `plan`: decided by a plan or window not in force
 * - `repeat`: one request id with two decisions
 */
export function judge(history: History): Violation[] {
  const violations: Violation[] = []
  const report: Report = (fault, sentence) => violations.push({ fault, sentence })
  const operations = operationsOf(history.calls, report)
  const chains = chainsOf(history, operations, report)
  const law = toLaw(history)
  const written = new Set([...chains.values()].flatMap(({ steps }) => steps.map(({ operation }) => operation)))
  const unwritten = [...operations.values()].filter((operation) => operation.answer !== null && !written.has(operation))
  for (const operation of unwritten) {
    if (operation.kind === 'take' && operation.answer?.allowed) report('ledger', `${nameOf(operation)} was granted, and has no ledger row`)
  }
  const placed = Map.groupBy(judgeRefusals(unwritten, chains, law, operations, report), ({ chain }) => chain)
  for (const chain of chains.values()) {
    for (const step of within(chain.steps, placed.get(chain) ?? [])) judgeStep(step, chain, law, operations, report)
  }
  return violations
}

/**
 * within narrows when steps can have happened by what others saw: a step after the last state that explains a refusal came
 * after that refusal was asked for, one before the first such state came before it was answered.
 */
function within(steps: Step[], placed: Placed[]): Step[] {
  const after = steps.map(() => -Infinity)
  const before = steps.map(() => Infinity)
  for (const { first, last, startMs, endMs } of placed) {
    if (last < steps.length) after[last] = Math.max(after[last] ?? -Infinity, startMs)
    if (first > 0) before[first - 1] = Math.min(before[first - 1] ?? Infinity, endMs)
  }
  for (let index = 1; index < steps.length; index += 1) after[index] = Math.max(after[index] ?? -Infinity, after[index - 1] ?? -Infinity)
  for (let index = steps.length - 2; index >= 0; index -= 1) before[index] = Math.min(before[index] ?? Infinity, before[index + 1] ?? Infinity)
  return steps.map((step, index) => ({
    ...step,
    earliestMs: Math.max(step.earliestMs, after[index] ?? -Infinity),
    latestMs: Math.min(step.latestMs, before[index] ?? Infinity)
  }))
}

function judgeStep(step: Step, chain: Chain, law: Law, operations: Map<string, Operation>, report: Report): void {
  const { operation, before, after } = step
  if (after < 0) report('chain', `counter ${chainKey(chain.accountId, chain.metric, chain.window)} fell to ${after}`)
  if (operation === null) return
  const name = nameOf(operation)
  if (step.earliestMs > step.latestMs) report('chain', `${name} stands in the ledger at a place outside of its life`)
  if (operation.kind === 'give' && before - after !== Math.min(before, mostOf(operation, operations))) {
    report('chain', `${name} found ${before} and left ${after}`)
  }
  const { answer } = operation
  if (answer === null) return
  if (answer.used !== after) report('chain', `${name} was told ${answer.used}, the ledger makes it ${after}`)

  const inForce = law.versions(chain.accountId, step.earliestMs, step.latestMs)
  if (operation.kind === 'give') {
    if (!inForce.some((version) => version.plan === answer.plan)) report('plan', `${name} was told of plan ${answer.plan}, not in force then`)
    return
  }
  const agreeing = inForce.filter(
    (version) => law.windowOf(version, chain.metric) === chain.window && law.agrees(version, chain.metric, answer)
  )
  if (agreeing.length === 0) report('plan', `${name} was granted by ${JSON.stringify(answer)}, not in force then`)
  const quotas = inForce.filter((version) => law.windowOf(version, chain.metric) === chain.window).map((version) => law.quota(version, chain.metric))
  if (quotas.length > 0 && quotas.every((quota) => quota !== null && after > quota)) {
    report('quota', `${name} was granted: ${after} used of ${Math.max(...quotas.map(Number))}`)
  }
}
