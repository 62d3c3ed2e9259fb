import type { Deliveries } from './deliveries.ts'
import { earliest } from './delivery-queue.ts'
import type { Dialect } from './dialect.ts'
import type { TwinWorld } from './world.ts'

/** TimelineOptions: `dialects` are worked through in this order where several have something to do at one time. */
export type TimelineOptions = { world: TwinWorld; dialects: Dialect[]; deliveries: Pick<Deliveries, 'nextDue' | 'deliver'> }

/**
 * Timeline lets time pass. `nextDue` is when the next thing happens by itself, at a dialect or to a webhook. `advanceTo` does
 * all that is due up to a time, step by step, with the clock standing at each, and delivers in between; a running clock
 * then goes on from there. A time that has passed already moves nothing. Calls wait for each other. `stop` ends at the
 * step that is being done.
 */
export type Timeline = { nextDue(): number | null; advanceTo(ms: number): Promise<void>; stop(): Promise<void> }

// More than any honest dialect does at one time: one that never gets done would hang the twin.
const MOST_ROUNDS = 10_000

/** createTimeline makes it. */
export function createTimeline({ world, dialects, deliveries }: TimelineOptions): Timeline {
  const nextDue = (): number | null => earliest([...dialects.map((dialect) => dialect.nextDue()), deliveries.nextDue()])
  let last: Promise<void> = Promise.resolve()
  let isStopped = false

  const runDialects = (): void => {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const due = dialects.filter((dialect) => (dialect.nextDue() ?? Infinity) <= world.nowMs())
      if (due.length === 0) return
      for (const dialect of due) dialect.runDue()
    }
    throw neverDone()
  }

  const neverDone = (): Error => new Error(`The twin does not get done with what is due at ${new Date(world.nowMs()).toISOString()}.`)

  const advance = async (ms: number, askedAtMs: number): Promise<void> => {
    const [beganAtMs, startMs] = [Date.now(), world.nowMs()]
    const endMs = Math.max(ms, startMs)
    let offsetMs = world.offsetMs()
    try {
      // What was left undone while the twin did not run is done now: the clock does not go back for it.
      let rounds = 0
      for (let stepMs: number | null = startMs; stepMs !== null && stepMs <= endMs; stepMs = nextDue()) {
        if (isStopped) throw new Error('The twin was stopped.')
        rounds = stepMs > world.nowMs() ? 0 : rounds + 1
        if (rounds > MOST_ROUNDS) throw neverDone()
        world.hold(Math.max(stepMs, world.nowMs()))
        runDialects()
        await deliveries.deliver()
      }
      world.hold(endMs)
      // The time it took has passed at Parley too, whose clock was moved when this one was asked to.
      offsetMs = Math.max(offsetMs, ms - askedAtMs)
    } catch (error) {
      offsetMs = Math.max(offsetMs, world.nowMs() - beganAtMs)
      throw error
    } finally {
      world.run(offsetMs)
    }
  }

  return {
    nextDue,
    advanceTo(ms) {
      const askedAtMs = Date.now()
      const turn = last.then(() => advance(ms, askedAtMs))
      last = turn.catch(() => undefined)
      return turn
    },
    stop() {
      isStopped = true
      return last
    }
  }
}
