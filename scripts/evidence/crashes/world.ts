import { join } from 'node:path'
import { Pool } from 'pg'
import { type Ground, startGround } from '../ground.ts'
import type { SuiteOptions } from '../suite.ts'
import { seededRandom } from '../../twin/random.ts'
import { allDone } from './all-done.ts'
import { Caller } from './caller.ts'
import { type Drained, drain } from './drain.ts'
import { installGates } from './gates.ts'
import { Lane, startHatchery } from './instances.ts'
import type { Tally } from './kills.ts'
import { type Load, startLoad } from './load.ts'
import { emptyNotes } from './notes.ts'
import { openRoom, type Room } from './rooms.ts'
import { startSlowModel } from './slow-model.ts'
import { startStripeStandIn, type StripeStandIn } from './stripe-stand-in.ts'

/** World is one run: its database with gates, its callers and their notes, and what was killed so far. */
export type World = {
  ground: Ground
  pool: Pool
  caller: Caller
  tally: Tally
  drains: Drained[]
  modelUrl: string
  stripe: StripeStandIn
  /** lastEndAtMs is when Postgres was last ended (performance.now). */
  lastEndAtMs: number
  stop(): Promise<void>
}

/** LoadedLane is a lane with the room of its questions and its load. */
export type LoadedLane = { lane: Lane; room: Room; load: Load; name: string }

/**
 * Service is several servers on one database under load, and a lane of workers. `settle` stops the load, drains, and asks again
 * what could not be answered before (`left` are such questions of others).
 */
export type Service = {
  lanes: LoadedLane[]
  worker: Lane
  settle(left: readonly (() => Promise<unknown>)[]): Promise<void>
  stop(): Promise<void>
}

/** openWorld starts the database and the model. */
export async function openWorld(): Promise<World> {
  const ground = await startGround()
  const model = await startSlowModel()
  const stripe = await startStripeStandIn()
  const pool = new Pool({ connectionString: ground.databaseUrl, max: 12 })
  // Postgres is ended on purpose.
  pool.on('error', () => undefined)
  await installGates(pool)
  return {
    ground,
    pool,
    caller: new Caller(ground, emptyNotes()),
    tally: { kills: new Map(), violations: [] },
    drains: [],
    modelUrl: model.baseUrl,
    stripe,
    lastEndAtMs: 0,
    async stop() {
      await pool.end()
      await model.stop()
      await stripe.stop()
      await ground.stop()
    }
  }
}

const LANES = 3
const SHORT_LANES = 2

/**
 * openService starts its servers under load. The workers, whose jobs do not pause, take part in the draining only in a short
 * dose: in a full one the servers' own jobs, with their own pauses, must do it.
 */
export async function openService(world: World, name: string, { seed, short }: SuiteOptions): Promise<Service> {
  const { ground, pool, caller, drains } = world
  const laneCount = short ? SHORT_LANES : LANES
  const environment = {
    OPENAI_BASE_URL: world.modelUrl,
    OPENAI_API_KEY: 'sk-none',
    MODEL: 'slow-model',
    STRIPE_SECRET_KEY: 'sk_test_stand_in',
    STRIPE_API_URL: world.stripe.url,
    // Says that no real processor is behind the key, whose servers refuse a clock that was moved.
    SANDBOX_URL: world.stripe.url
  }
  const servers = startHatchery(ground, { kind: `${name} server`, warm: short ? 0 : laneCount, environment })
  const program = join(import.meta.dirname, 'eager-worker.ts')
  const workers = startHatchery(ground, { kind: `${name} worker`, warm: 0, environment, program })
  const loads: Load[] = []
  const stop = async (): Promise<void> => {
    await Promise.allSettled(loads.map((load) => load.stop()))
    await workers.stop()
    await servers.stop()
  }
  try {
    const worker = new Lane(workers)
    const lanes = await Promise.all(
      Array.from({ length: laneCount }, async (_, index): Promise<LoadedLane> => {
        const own = `${name}_lane_${index}`
        const lane = new Lane(servers)
        const room = await openRoom(caller, lane, `${own}_talk`)
        const load = startLoad({ caller, lane, room, name: own, random: seededRandom(`${seed} ${own} load`) })
        loads.push(load)
        return { lane, room, load, name: own }
      })
    )
    return {
      lanes,
      worker,
      async settle(left) {
        await allDone(loads.map((load) => load.stop()))
        if (!short) await workers.stop()
        const lastEndAtMs = Math.max(world.lastEndAtMs, worker.lastKillAtMs, ...lanes.map(({ lane }) => lane.lastKillAtMs))
        drains.push(await drain(pool, lanes.map(({ lane }) => lane), lastEndAtMs))
        for (const { lane, load } of lanes) for (const question of load.unanswered) await question.untilDone(lane)
        for (const ask of left) await ask()
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}
