import { Client } from 'pg'
import { buildClientWhenStale } from '../client/built-client.ts'
import { applyMigrations, MigrationError } from '../database/apply.ts'
import { banner } from './banner.ts'
import { checkEmbedded, checkSettings } from './check-environment.ts'
import { dataPaths, openDataFolder } from './data-folder.ts'
import { dataDirOf, loadEnvironment, settingOf, type Environment } from './environment.ts'
import { watchInterruption, type Interruption } from './interruption.ts'
import { localKeys, standInsFor, type StandIns } from './local-keys.ts'
import { loadSecrets, readSecrets, type Secrets } from './secrets.ts'
import { startEmbeddedStack, type EmbeddedStack } from './stack.ts'
import { StartError } from './start-error.ts'
import { startEmbeddedTwin, twinSettings, type TwinPlace } from './twin.ts'
import { watchParent } from './watch-parent.ts'
import type * as Server from '../../server/src/main.ts'
import type { Twin } from '../twin/twin.ts'

/**
 * startParley is `npm start`: the embedded stack, unless the environment names a database, and the server in this same
 * process. It resolves when the server answers, or when a signal ended the start. Throws {@link StartError}.
 */
export async function startParley(): Promise<void> {
  const environment = loadEnvironment()
  const interruption = watchInterruption()
  watchParent(() => {
    // Whoever ended npm may have sent us the signal too; a second one would cut the drain short.
    if (!interruption.came()) process.kill(process.pid, 'SIGTERM')
  })
  const isGiven = ['DATABASE_URL', 'SUPABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY'].some((name) => settingOf(environment, name) !== undefined)
  await (isGiven ? startOnGivenDatabase(environment, interruption) : startEmbedded(environment, interruption))
}

async function startEmbedded(environment: Environment, interruption: Interruption): Promise<void> {
  const standIns = standInsFor(environment)
  const { folder, secrets } = await checkEmbedded(environment, standIns)
  const httpPort = Number(settingOf(environment, 'PORT') ?? 3000)
  const server = importServer()
  const client = beginClient()
  let stack: EmbeddedStack
  let twin: Twin | null
  try {
    stack = await startEmbeddedStack({ dataDir: folder.folder, folder, httpPort, log: say, signal: interruption.signal })
    twin = standIns.payments ? await startTwinBeside(stack, { environment, folder, httpPort }) : null
  } catch (error) {
    if (interruption.signal.aborted) process.exit(0)
    throw error
  }
  await client
  let broken = false
  void stack.gaveUp.then((sentence) => {
    console.error(sentence)
    broken = true
    process.kill(process.pid, 'SIGTERM')
  })
  const { main } = await server
  await main(
    { ...environment, ...localKeys(standIns, secrets), ...(twin === null ? {} : twinSettings(twin.urls)), ...addressOf(stack) },
    {
      banner: banner({ environment, standIns, dataFolder: folder.folder, embedded: true }),
      onStopped: async () => {
        await twin?.stop()
        await stack.stop()
        if (broken) process.exit(1)
      }
    }
  )
  // Webhooks go out once there is somebody to take them.
  twin?.begin()
  passOn(interruption)
}

// A twin that cannot start leaves no database running behind it.
async function startTwinBeside(stack: EmbeddedStack, at: Omit<TwinPlace, 'stack' | 'log'>): Promise<Twin> {
  try {
    return await startEmbeddedTwin({ stack, ...at, log: say })
  } catch (error) {
    await stack.stop()
    throw error
  }
}

async function startOnGivenDatabase(environment: Environment, interruption: Interruption): Promise<void> {
  const standIns = standInsFor(environment)
  const dataFolder = dataDirOf(environment)
  const keys = await keysFor(standIns, dataFolder)
  await checkSettings({ ...environment, ...keys })
  const server = importServer()
  const client = beginClient()
  const databaseUrl = settingOf(environment, 'DATABASE_URL')
  if (databaseUrl !== undefined) await migrate(databaseUrl)
  await client
  const { main } = await server
  await main({ ...environment, ...keys }, { banner: banner({ environment, standIns, dataFolder, embedded: false }) })
  passOn(interruption)
}

// The database starts meanwhile. Without a client there is still the API: the reason is said, and the start goes on.
async function beginClient(): Promise<void> {
  try {
    await buildClientWhenStale(say)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
  }
}

function importServer(): Promise<typeof Server> {
  const server = import('../../server/src/main.ts')
  // It is awaited later; a failure before that must not count as unhandled.
  server.catch(() => undefined)
  return server
}

function addressOf(stack: EmbeddedStack): Record<string, string> {
  const embedded = { PARLEY_EMBEDDED: '1' }
  if (stack.postgrestUrl === null) return { ...embedded, DATABASE_URL: stack.serverUrl }
  return { ...embedded, SUPABASE_URL: stack.postgrestUrl, SUPABASE_SERVICE_ROLE_KEY: stack.serviceRoleKey }
}

async function keysFor(standIns: StandIns, dataDir: string): Promise<Record<string, string>> {
  // The twin, which has no part in this, needs no secret of its own.
  if (!Object.values({ ...standIns, payments: false }).includes(true)) return {}
  return localKeys(standIns, readSecrets(dataPaths(dataDir)) ?? (await makeSecretsIn(dataDir)))
}

async function makeSecretsIn(dataDir: string): Promise<Secrets> {
  const folder = openDataFolder(dataDir)
  try {
    return await loadSecrets(folder)
  } finally {
    folder.release()
  }
}

async function migrate(connectionString: string): Promise<void> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await applyMigrations(client, { log: say })
  } catch (error) {
    if (error instanceof MigrationError) throw new StartError(error.message, { cause: error })
    // What the driver says (refused, wrong password, unknown database) never holds the password.
    const reason = error instanceof Error ? error.message || error.constructor.name : String(error)
    throw new StartError(`The database of DATABASE_URL cannot be used: ${reason}.`, { cause: error })
  } finally {
    await client.end().catch(() => undefined)
  }
}

// From here on the server handles signals; one that came during its start is handed over.
function passOn(interruption: Interruption): void {
  if (interruption.handOver()) process.kill(process.pid, 'SIGTERM')
}

function say(line: string): void {
  console.log(line)
}
