import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Ground } from '../ground.ts'
import type { Random } from '../../twin/random.ts'
import type { Caller } from './caller.ts'
import { endBackends, type Gate, type Hold, hold, untilGone } from './gates.ts'
import type { Instance, Lane } from './instances.ts'
import type { Room } from './rooms.ts'
import type { StripeStandIn } from './stripe-stand-in.ts'
import type { Trace } from './traces.ts'

/**
 * Ending is what the database does after the server was killed: the connection dies with it, so that the transaction is
 * rolled back; the statement goes on, mostly to its end, because nobody tells Postgres; or it had been committed and only
 * its answer was still on the way.
 */
export const ENDINGS = ['the connection dies', 'the statement goes on', 'the answer is withheld'] as const
export type Ending = (typeof ENDINGS)[number]

/** Tally is what was killed where, and what was found afterwards that should not be. */
export type Tally = { kills: Map<string, number>; violations: string[] }

/** Scene is all that a point needs: the lane whose server is killed, and a name no other scene has. */
export type Scene = {
  ground: Ground
  pool: Pool
  caller: Caller
  lane: Lane
  room: Room
  stripe: StripeStandIn
  random: Random
  name: string
  tally: Tally
}

/**
 * Held is a request on its way to a gate; `send` makes it through that server and answers whether it was acknowledged, `trace`
 * is what it left: `before` where its transaction was rolled back, `after` where it was committed.
 */
export type Held = {
  point: string
  gate: Gate
  subject: string
  ending: Ending
  send: (instance: Instance) => Promise<boolean>
  trace: () => Promise<Trace>
  before: Trace
  after: Trace
}

// Postgres gives a statement up after 5 s: on a machine that is busy with other things a held one may come to that, and is
// rolled back. One that was older than this when its gate was opened, or whose gate took this long, may be either: never a part.
const SURE_MS = 2_000
const REPEAT_AFTER_MS = 20

/** Elsewhere is thrown when another server than the one to be killed came to the gate: its own job had its turn just then. */
export class Elsewhere extends Error {}

const MOST_TRIES = 5

/** untilHere tries again, with another number, while the work was done {@link Elsewhere}. */
export async function untilHere(work: (number: number) => Promise<void>): Promise<void> {
  for (let number = 1; ; number += 1) {
    try {
      return await work(number)
    } catch (error) {
      if (!(error instanceof Elsewhere) || number === MOST_TRIES) throw error
    }
  }
}

/**
 * killHeld lets a request come to its gate, kills the server that stands there, lets the database end as `ending` says, and
 * answers the trace. It notes one that is not as it must be: never a part. Throws {@link Elsewhere}.
 */
export async function killHeld({ ground, pool, lane, tally }: Scene, held: Held): Promise<Trace> {
  const { point, gate, subject, ending, trace, before, after } = held
  const instance = await lane.current()
  let wasSure = true
  const gateHold = await hold(pool, ground.databaseUrl, gate, subject)
  try {
    let isComing = true
    const sent = repeatWhile(() => isComing, () => held.send(instance))
    const name = await gateHold.untilWaiting().finally(() => (isComing = false))
    if (name !== instance.name) throw new Elsewhere(`${name} came to the gate "${gate}" of ${subject}, not ${instance.name}.`)
    if (ending === 'the answer is withheld') {
      instance.proxy.set('mute')
      wasSure = await openGate(gateHold)
      await until(pool, async () => (await trace()) === after || !wasSure, `"${gate}" of ${subject} to be committed`)
    }
    await lane.kill()
    if (ending === 'the connection dies') await endBackends(pool, name)
    await gateHold.release()
    await sent
    await untilGone(pool, name)
  } finally {
    await gateHold.release()
  }
  // Left alone, a statement may be at its end when Postgres notices that nobody listens, or not: never a part of it.
  const isOpen = ending === 'the statement goes on' || !wasSure
  const expected = ending === 'the connection dies' ? [before] : isOpen ? [before, after] : [after]
  return judgeTrace(tally, `${point}, ${ending}`, { subject, trace, expected })
}

/** openGate opens it and answers whether the statement that stood there was sure to have time left. */
async function openGate(gateHold: Hold): Promise<boolean> {
  const begunAtMs = performance.now()
  const isYoung = await gateHold.isYoung(SURE_MS)
  await gateHold.release()
  return isYoung && performance.now() - begunAtMs < SURE_MS
}

/** countKill counts a kill at a point. */
export function countKill({ kills }: Tally, point: string): void {
  kills.set(point, (kills.get(point) ?? 0) + 1)
}

/** judgeTrace counts a kill, notes a trace that is none of those expected, and answers it. */
export async function judgeTrace(
  tally: Tally,
  point: string,
  { subject, trace, expected }: { subject: string; trace: () => Promise<Trace>; expected: readonly Trace[] }
): Promise<Trace> {
  countKill(tally, point)
  const found = await trace()
  if (!expected.includes(found)) tally.violations.push(`${point}: ${subject} left ${found}, not ${expected.join(' or ')}`)
  return found
}

/**
 * repeatWhile sends until it is acknowledged, and answers whether it was: a busy server may be late for its own limits and
 * answer 503 before what is to be killed has begun.
 */
export async function repeatWhile(isWanted: () => boolean, send: () => Promise<boolean>): Promise<boolean> {
  for (;;) {
    if (await send()) return true
    if (!isWanted()) return false
    await pause(REPEAT_AFTER_MS)
  }
}

const WAIT_LIMIT_MS = 120_000

/** until asks again and again. Throws Error when it did not come true within 120 s. */
export async function until(pool: Pool, isTrue: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_LIMIT_MS
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`Waited ${WAIT_LIMIT_MS / 1000} s for ${what}.`)
    await pool.query('select pg_sleep(0.004)')
  }
}
