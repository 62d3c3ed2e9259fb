import { randomBytes } from 'node:crypto'
import { serviceRoleKey, startPostgrest, type Postgrest } from '../../embedded/postgrest.ts'
import type { Ground } from '../ground.ts'
import type { ServerProcess } from '../server-process.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'
import { type BadModel, startBadModel } from './bad-model.ts'

/** Transport is how a server reaches its database. */
export type Transport = 'pg' | 'PostgREST'

/**
 * House is one server whose every part can be taken away. `database` is the way to Postgres, of the server itself or of its
 * PostgREST; `api` the way from the server to what it asks: Postgres, or PostgREST. `killPostgrest` ends that at once,
 * `startPostgrest` starts it again at the same place and resolves when it is ready.
 */
export type House = {
  transport: Transport
  server: ServerProcess
  model: BadModel
  database: TcpProxy
  api: TcpProxy
  killPostgrest(): Promise<void>
  startPostgrest(): Promise<void>
  stop(): Promise<void>
}

const POSTGREST_POOL = 10

/** startHouse starts a server that reaches Postgres, PostgREST and its model through proxies. */
export async function startHouse(ground: Ground, transport: Transport): Promise<House> {
  const model = await startBadModel()
  const database = await startTcpProxy(ground.postgresPort)
  const stops: (() => Promise<void>)[] = [() => model.stop(), () => database.stop()]
  const databaseUrl = Object.assign(new URL(ground.serverUrl), { port: String(database.port) }).href
  const answering = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'key-of-the-model', MODEL: 'model', LOG_LEVEL: 'error' }
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end()
  }
  if (transport === 'pg') {
    const server = await ground.startServer({ environment: { DATABASE_URL: databaseUrl, ...answering } })
    stops.push(() => server.kill())
    const none = (): Promise<void> => Promise.reject(new Error('There is no PostgREST in this house.'))
    return { transport, server, model, database, api: database, killPostgrest: none, startPostgrest: none, stop }
  }
  const jwtSecret = randomBytes(32).toString('hex')
  const start = (port?: number): Promise<Postgrest> =>
    startPostgrest({
      databaseUrl, jwtSecret, schemas: 'api', pool: POSTGREST_POOL, log: () => undefined, ...(port !== undefined && { port })
    })
  let postgrest = await start()
  stops.push(() => postgrest.stop())
  const api = await startTcpProxy(postgrest.port)
  stops.push(() => api.stop())
  const server = await ground.startServer({
    environment: {
      SUPABASE_URL: `http://127.0.0.1:${api.port}`,
      SUPABASE_SERVICE_ROLE_KEY: serviceRoleKey(jwtSecret),
      SUPABASE_REST_PATH: '/',
      // Given to it by the ground for the other transport.
      DATABASE_URL: '',
      ...answering
    }
  })
  stops.push(() => server.kill())
  return {
    transport,
    server,
    model,
    database,
    api,
    async killPostgrest() {
      process.kill(postgrest.pid, 'SIGKILL')
      await postgrest.ended
    },
    async startPostgrest() {
      postgrest = await start(postgrest.port)
    },
    stop
  }
}
