import { z } from 'zod'
import { AnswerUnknown } from '../../server/src/billing/processor.ts'
import { reconcile } from '../../server/src/billing/reconcile.ts'
import { type Faults, NO_FAULTS } from '../twin/faults.ts'
import { PROCESSORS } from '../twin/processors.ts'
import { seededRandom } from '../twin/random.ts'
import { type AccountFacts, readFacts } from './accounts.ts'
import { type Actor, type Deed, pick } from './actor.ts'
import { OUTSIDE_DEEDS } from './outside-deeds.ts'
import { OWNER_DEEDS } from './owner-deeds.ts'
import type { Stage } from './stage.ts'

/** LifeOptions: `months` pass for `accounts` accounts; `onStep` is told what happened, with the share of the time that has passed. */
export type LifeOptions = { seed: string; accounts: number; months: number; startMs: number; onStep(step: Step): void }

/** Step is one thing that happened in a life. */
export type Step = { number: number; at: string; accountId: string; name: string; outcome: string; share: number }

/** Violation is a promise that did not hold, in a sentence, at a step. */
export class Violation extends Error {
  readonly step: Step | null
  constructor(message: string, step: Step | null, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'Violation'
    this.step = step
  }
}

const DAY_MS = 86_400_000
const MONTH_MS = 30.4375 * DAY_MS

/**
 * liveLives lets time pass in uneven steps, and between them lets accounts do something, or something be done to them, with
 * webhooks and answers lost on the way. After each step every invariant of `npm run doctor` must hold. Returns the number
 * of steps, and of deliveries that were made good by the comparisons with the processors on the way. Throws {@link Violation}.
 */
export async function liveLives(stage: Stage, options: LifeOptions): Promise<{ steps: number; corrections: number }> {
  const random = seededRandom(`${options.seed} lives`).next
  const endMs = options.startMs + options.months * MONTH_MS
  // About one deed a week for each account.
  const meanStepMs = (7 * DAY_MS) / options.accounts
  let number = 0
  let corrections = 0
  for (let nowMs = options.startMs; nowMs < endMs; ) {
    number += 1
    setFaults(stage, random)
    // Most steps are short; some pass by a renewal, its retries and the end of a grace at once.
    nowMs += Math.round(-Math.log(1 - random()) * meanStepMs * (random() < 0.02 ? 20 : 1))
    const accountId = `user_${1 + Math.floor(random() * options.accounts)}`
    const share = Math.min(1, (nowMs - options.startMs) / (endMs - options.startMs))
    const step: Step = { number, at: new Date(nowMs).toISOString(), accountId, name: 'time passes', outcome: '', share }
    try {
      await stage.moveTo(nowMs)
      const facts = await readFacts(stage.owner, accountId)
      const deed = draw([...OWNER_DEEDS, ...OUTSIDE_DEEDS], facts, random)
      step.name = deed.name
      step.outcome = await deed.run({ accountId, facts, stage, random, call: callerFor(stage, accountId) })
      if (random() < 0.7) await stage.twin.deliver()
      if (random() < 0.1) corrections += await compare(stage, pick(random, PROCESSORS))
    } catch (error) {
      throw error instanceof Violation ? error : new Violation(error instanceof Error ? error.message : String(error), step, { cause: error })
    }
    options.onStep(step)
    await demandInvariants(stage, step)
  }
  return { steps: number, corrections }
}

// The hourly comparison, now and then; it too meets lost answers, and then goes on the next time.
async function compare(stage: Stage, name: (typeof PROCESSORS)[number]): Promise<number> {
  const { db, processors } = stage.server.parts
  const processor = processors.find((candidate) => candidate.name === name)
  if (processor === undefined) return 0
  try {
    return (await reconcile(db, processor, { since: null, dryRun: false })).corrections
  } catch (error) {
    if (error instanceof AnswerUnknown) return 0
    throw error
  }
}

/** demandInvariants asks the database which invariants do not hold. Throws {@link Violation} with the first examples. */
export async function demandInvariants(stage: Stage, step: Step | null): Promise<void> {
  const { rows } = await stage.owner.query('select name, violations, example from api.check_invariants() where violations > 0')
  const broken = z.array(z.object({ name: z.string(), violations: z.coerce.number<string>(), example: z.string() })).parse(rows)
  if (broken.length === 0) return
  throw new Violation(broken.map(({ name, violations, example }) => `not so: ${name} (${violations}): ${example}`).join('\n'), step)
}

function setFaults(stage: Stage, random: () => number): void {
  for (const processor of PROCESSORS) {
    const bad: Partial<Faults> =
      random() < 0.5
        ? {}
        : {
            duplicateRate: random() * 0.4,
            lossRate: random() < 0.3 ? random() * 0.3 : 0,
            ackLossRate: random() * 0.2,
            loseAnswers: random() < 0.3 ? random() * 0.4 : 0,
            failBefore: random() < 0.2 ? random() * 0.3 : 0,
            shuffle: pick(random, ['none', 'group', 'all'] as const)
          }
    Object.assign(stage.twin.faults[processor], NO_FAULTS, bad)
  }
}

function draw(deeds: readonly Deed[], facts: AccountFacts, random: () => number): Deed {
  const weights = deeds.map((deed) => deed.weight(facts))
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [place, deed] of deeds.entries()) {
    left -= weights[place] ?? 0
    if (left < 0) return deed
  }
  throw new Error('No deed is possible.')
}

function callerFor(stage: Stage, accountId: string): Actor['call'] {
  const api = stage.api(accountId)
  return async (method, path, body) => {
    const answer = await api(method, path, body)
    // 503 says that a processor did not answer and that it may be tried again; any other 5xx is a fault of ours.
    if (answer.status >= 500 && answer.status !== 503) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer
  }
}
