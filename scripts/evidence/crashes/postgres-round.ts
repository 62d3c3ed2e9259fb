import { seededRandom } from '../../twin/random.ts'
import type { SuiteOptions } from '../suite.ts'
import { type Gate, hold } from './gates.ts'
import { until } from './kills.ts'
import type { Service, World } from './world.ts'

/** Recoveries are the milliseconds from the end of Postgres until every server was ready and had something acknowledged again. */
export type Recoveries = { tookMs: number[]; heldCount: number }

const HELD: readonly Gate[] = ['delivery, after the insert', 'delivery, after the effect', 'charge, after the effect']
const MOST_ACKNOWLEDGEMENTS = 60

/**
 * crashPostgres ends Postgres (SIGQUIT) so many times under load, the servers staying: after a seeded number of
 * acknowledgements, each third time while a transaction is held at a point.
 */
export async function crashPostgres(world: World, service: Service, name: string, times: number, { seed, progress }: SuiteOptions): Promise<Recoveries> {
  const { ground, pool, caller, tally } = world
  const random = seededRandom(`${seed} ${name}`)
  const recoveries: Recoveries = { tookMs: [], heldCount: 0 }
  const pids = await pidsOf(service)
  for (let time = 0; time < times; time += 1) {
    await caller.acknowledgements(1 + Math.floor(random.next() * MOST_ACKNOWLEDGEMENTS))
    const letGo = time % 3 === 0 ? await holdOne(world, service, `${name}_${time}`, HELD[Math.floor(random.next() * HELD.length)]) : null
    if (letGo !== null) recoveries.heldCount += 1
    await ground.crashPostgres()
    const endedAtMs = performance.now()
    world.lastEndAtMs = endedAtMs
    await letGo?.()
    await until(pool, () => isEveryoneBack(service), 'every server to be ready again')
    await caller.acknowledgements(service.lanes.length)
    recoveries.tookMs.push(performance.now() - endedAtMs)
    progress(`crashes: Postgres ended ${time + 1} times`)
  }
  if ((await pidsOf(service)).join() !== pids.join()) tally.violations.push('a server ended with Postgres')
  return recoveries
}

/** holdOne has a request stand at a gate; what it answers lets go, and repeats the request until it is acknowledged. */
async function holdOne({ ground, pool, caller }: World, { lanes }: Service, name: string, gate: Gate | undefined): Promise<(() => Promise<void>) | null> {
  const [first] = lanes
  if (first === undefined || gate === undefined) return null
  const accountId = `${name}_held`
  const sending = gate.startsWith('charge')
    ? caller.charge(accountId, 'api_calls', 7, `key_${name}`)
    : caller.delivery({ processor: 'stripe', accountId, event: 'created', plan: 'starter', place: 1, id: `evt_${name}` })
  const held = await hold(pool, ground.databaseUrl, gate, 'key' in sending.note ? sending.note.key : sending.note.inboxId)
  const done = sending.untilDone(first.lane)
  await held.untilWaiting()
  return async () => {
    await held.release()
    await done
  }
}

async function pidsOf({ lanes }: Service): Promise<number[]> {
  return Promise.all(lanes.map(async ({ lane }) => (await lane.current()).server.pid))
}

async function isEveryoneBack({ lanes }: Service): Promise<boolean> {
  for (const { lane } of lanes) {
    const response = await fetch(`${(await lane.current()).url}/readyz`).catch(() => null)
    await response?.body?.cancel()
    if (response?.status !== 200) return false
  }
  return true
}
