import { Client } from 'pg'
import type { Ground } from '../ground.ts'
import type { House, Transport } from './house.ts'

/**
 * Situation is one way in which the database is away. `begin` makes it so and resolves with what ends it; that resolves when
 * the part is back, with the time (of performance.now()) at which it was. `extent` and `mayLose` as in judge.ts. `pressure` is
 * how many calls more are needed at the same time; `passes`: it ends by itself, and is not kept up for longer.
 */
export type Situation = {
  name: string
  extent: 'whole' | 'partly'
  mayLose: boolean
  pressure: number
  passes: boolean
  begin(house: House, ground: Ground): Promise<() => Promise<number>>
}

const CUT_EVERY_MS = 40
// More than the pool of a server or a PostgREST has connections.
const PRESSURE = 30
const FILLER = 'filler'
const LOSE_WITHIN_MS = 1_000

const away = { extent: 'whole', mayLose: false, pressure: 0, passes: false } as const

/** ALWAYS are the situations of both transports. */
const ALWAYS: readonly Situation[] = [
  {
    ...away,
    name: 'half-open: nobody answers, nobody is told',
    async begin({ api }) {
      api.set('silence')
      return async () => {
        // What was open stays as it was, as when the other side has long forgotten it.
        api.strand()
        api.set('pass')
        return performance.now()
      }
    }
  },
  {
    ...away,
    name: 'answers are lost, the work is done',
    mayLose: true,
    async begin({ api }) {
      api.set('mute')
      return async () => {
        api.strand()
        api.set('pass')
        return performance.now()
      }
    }
  },
  {
    ...away,
    name: 'answers are lost from the middle of calls on',
    extent: 'partly',
    mayLose: true,
    begin: loseWhatWaits
  },
  {
    ...away,
    name: 'connections cut in the middle of calls',
    extent: 'partly',
    mayLose: true,
    async begin({ api }) {
      const timer = setInterval(() => api.cut(), CUT_EVERY_MS)
      return async () => {
        clearInterval(timer)
        return performance.now()
      }
    }
  },
  {
    ...away,
    name: 'Postgres out of reach',
    async begin({ database }) {
      database.set('refuse')
      database.cut()
      return async () => {
        database.set('pass')
        return performance.now()
      }
    }
  },
  {
    ...away,
    name: 'pool exhausted by calls that wait for a lock',
    extent: 'partly',
    // A lock that comes free just when a caller was told to come again, before Postgres has noticed that the caller is gone.
    mayLose: true,
    pressure: PRESSURE,
    async begin(_house, ground) {
      const holder = await ground.connect()
      await holder.query('begin; lock table app.accounts, app.counters, app.webhook_events in access exclusive mode')
      return async () => {
        await holder.query('rollback')
        const backMs = performance.now()
        await holder.end()
        return backMs
      }
    }
  },
  { ...away, name: 'Postgres at max_connections', begin: fillConnections },
  {
    ...away,
    name: 'Postgres crashed and started again',
    // Only while it is down; it comes back by itself, in the middle of the calls.
    extent: 'partly',
    mayLose: true,
    passes: true,
    async begin(_house, ground) {
      const back = ground.crashPostgres().then(() => performance.now())
      return () => back
    }
  }
]

const POSTGREST_ONLY: readonly Situation[] = [
  {
    ...away,
    name: 'PostgREST killed and started again',
    async begin(house) {
      await house.killPostgrest()
      return async () => {
        await house.startPostgrest()
        return performance.now()
      }
    }
  },
  {
    ...away,
    name: 'half-open behind PostgREST',
    // What waited in the line arrives when it is cut, and is done.
    mayLose: true,
    async begin({ database }) {
      database.set('silence')
      return async () => {
        // As its TCP would after a while: a PostgREST that is never told keeps its dead connections for ever.
        database.cut()
        database.set('pass')
        return performance.now()
      }
    }
  }
]

const SHORT = {
  pg: ['half-open: nobody answers, nobody is told', 'Postgres out of reach'],
  PostgREST: ['PostgREST killed and started again', 'Postgres out of reach']
}

/** situationsOf are the situations of a transport; the short dose leaves out those that take long. */
export function situationsOf(transport: Transport, short: boolean): Situation[] {
  const all = transport === 'pg' ? [...ALWAYS] : [...ALWAYS, ...POSTGREST_ONLY]
  return short ? all.filter(({ name }) => SHORT[transport].includes(name)) : all
}

/**
 * loseWhatWaits lets calls come as far as their reservation, where they wait for a lock; then no answer comes back any more,
 * and the lock is free: what they asked for is done, and nobody hears of it.
 */
async function loseWhatWaits({ api }: House, ground: Ground): Promise<() => Promise<number>> {
  const [holder, looker] = [await ground.connect(), await ground.connect()]
  await holder.query('begin; lock table app.usage_reservations in exclusive mode')
  const lose = async (): Promise<void> => {
    for (const endMs = performance.now() + LOSE_WITHIN_MS; performance.now() < endMs; ) {
      const { rowCount } = await looker.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'parley_server'`
      )
      if (rowCount !== null && rowCount > 0) break
      await looker.query('select pg_sleep(0.01)')
    }
    api.set('mute')
    await holder.query('rollback')
    await Promise.all([holder.end(), looker.end()])
  }
  const losing = lose()
  return async () => {
    await losing
    api.strand()
    api.set('pass')
    return performance.now()
  }
}

/** fillConnections takes the connections of the house away, and then every one Postgres has for others than superusers. */
async function fillConnections({ database }: House, ground: Ground): Promise<() => Promise<number>> {
  database.set('refuse')
  database.cut()
  const looker = await ground.connect()
  const others = async (): Promise<number> => {
    const { rows } = await looker.query<{ others: number }>(
      `select count(*)::int as others from pg_stat_activity where usename = 'parley_server' and application_name <> $1`,
      [FILLER]
    )
    return rows[0]?.others ?? 0
  }
  // One that ended a moment later would make room again.
  while ((await others()) > 0) await looker.query('select pg_sleep(0.02)')
  const fillers: Client[] = []
  // One refusal may be due to a session that is just ending.
  for (let refusals = 0; refusals < 5; ) {
    const client = new Client({ connectionString: ground.serverUrl, application_name: FILLER })
    client.on('error', () => undefined)
    try {
      await client.connect()
      fillers.push(client)
      refusals = 0
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== '53300') throw error
      refusals += 1
      await looker.query('select pg_sleep(0.02)')
    }
  }
  database.set('pass')
  return async () => {
    // Its place, too, would be one for the house.
    await Promise.all([...fillers, looker].map((client) => client.end()))
    return performance.now()
  }
}
