import { databaseUrl, type Login } from './database-urls.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { keepRunning, type Kept } from './keep-running.ts'
import { databaseUser } from './os-user.ts'
import { startPostgres } from './postgres.ts'
import { postgrestAvailable, serviceRoleKey, startPostgrest } from './postgrest.ts'
import { prepareDatabase } from './prepare-database.ts'
import { identify, type ProcessIdentity } from './process-identity.ts'
import { readLeftState, removeRunState, writeRunState, type RunState } from './run-state.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { StartError } from './start-error.ts'
import { endProcess } from './stop-child.ts'

/**
 * StackOptions: `log` takes progress lines; `httpPort` is noted in `run.json` for other commands; `settings` go to
 * Postgres; `folder` is the data folder when the caller has opened it; `signal` gives up a start still under way.
 */
export type StackOptions = {
  dataDir: string
  log: (line: string) => void
  httpPort?: number
  settings?: Record<string, string>
  folder?: DataFolder
  signal?: AbortSignal
}

/**
 * EmbeddedStack is a running Postgres and, where npm has one for this machine, PostgREST; each is started again when it
 * ends by itself, and `gaveUp` resolves with a sentence when that does not help. `noteTwin` adds the twin to `run.json`.
 * `stop` ends PostgREST, then Postgres, and gives the data folder back (safe to repeat).
 */
export type EmbeddedStack = {
  ownerUrl: string
  serverUrl: string
  operatorUrl: string
  postgrestUrl: string | null
  serviceRoleKey: string
  secrets: Secrets
  gaveUp: Promise<string>
  noteTwin(urls: NonNullable<RunState['twin']>): void
  stop(): Promise<void>
}

/**
 * startEmbeddedStack starts both on free ports of 127.0.0.1 with the data of `dataDir`, migrated. What a killed run left
 * is cleaned up first. Throws {@link StartError} with one sentence; then nothing is left running.
 */
export async function startEmbeddedStack(options: StackOptions): Promise<EmbeddedStack> {
  const folder = options.folder ?? openDataFolder(options.dataDir)
  const running: Kept[] = []
  const stop = async () => {
    // The last one started is the first to end: PostgREST never sees its database go.
    for (const part of running.toReversed()) await part.stop()
    removeRunState(folder)
    folder.release()
  }
  try {
    return { ...(await startParts(options, folder, running)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startParts(options: StackOptions, folder: DataFolder, running: Kept[]): Promise<Omit<EmbeddedStack, 'stop'>> {
  const { log, signal } = options
  const secrets = await loadSecrets(folder)
  const left = readLeftState(folder)
  if (left?.postgrest) await endProcess(left.postgrest.process, ['SIGTERM', 'SIGKILL'], 3_000)

  const state: { postgres?: RunState['postgres']; postgrest: RunState['postgrest']; twin: RunState['twin'] } = { postgrest: null, twin: null }
  const launcher = identityOf(process.pid)
  const note = () => {
    const { postgres, postgrest, twin } = state
    if (postgres) writeRunState(folder, { launcher, httpPort: options.httpPort ?? null, postgres, postgrest, twin })
  }
  const startDatabase = async (port?: number) => {
    const started = await startPostgres({
      dataDir: folder.postgres,
      superuserPassword: secrets.passwords.superuser,
      settings: options.settings ?? {},
      log,
      ...(port === undefined ? {} : { port })
    })
    state.postgres = { process: identityOf(started.pid), port: started.port }
    note()
    return started
  }
  const postgres = await startDatabase()
  running.push(keepRunning('Postgres', postgres, () => startDatabase(postgres.port), log))
  signal?.throwIfAborted()
  await prepareDatabase({ url: postgres.url, secrets, secretsFile: folder.secrets, log })
  signal?.throwIfAborted()

  const url = (login: Login) => databaseUrl(login, postgres.port, secrets)
  const startApi = async (port?: number) => {
    const started = await startPostgrest({
      databaseUrl: url('postgrest'),
      jwtSecret: secrets.postgrestJwt,
      schemas: 'api',
      user: databaseUser(folder.postgres),
      logFile: folder.postgrestLog,
      log,
      ...(port === undefined ? {} : { port })
    })
    state.postgrest = { process: identityOf(started.pid), url: started.url }
    note()
    return started
  }
  const postgrest = postgrestAvailable() ? await startApi() : null
  if (postgrest !== null) running.push(keepRunning('PostgREST', postgrest, () => startApi(postgrest.port), log))
  signal?.throwIfAborted()
  return {
    ownerUrl: url('owner'),
    serverUrl: url('server'),
    operatorUrl: url('operator'),
    postgrestUrl: postgrest?.url ?? null,
    serviceRoleKey: serviceRoleKey(secrets.postgrestJwt),
    secrets,
    gaveUp: Promise.race(running.map((part) => part.gaveUp)),
    noteTwin: (urls) => {
      state.twin = urls
      note()
    }
  }
}

function identityOf(pid: number): ProcessIdentity {
  const identity = identify(pid)
  if (identity === null) throw new StartError(`Process ${pid} ended while it was being started.`)
  return identity
}
