import { ConfigError, readConfig } from '../../server/src/config.ts'
import { postgresPrograms } from './binaries.ts'
import { clusterFault } from './cluster.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { dataDirOf, settingOf, type Environment } from './environment.ts'
import { portFault } from './free-port.ts'
import { localKeys, type StandIns } from './local-keys.ts'
import { databaseUser } from './os-user.ts'
import { loadSecrets, makeSecrets, type Secrets } from './secrets.ts'
import { StartError } from './start-error.ts'
import { twinSettings } from './twin.ts'

/** Checked is what a start that may go on needs. */
export type Checked = { folder: DataFolder; secrets: Secrets }

// Where Postgres, PostgREST and the twin will listen is known only when they run; everything else can be judged before.
const NO_TWIN_YET = { stripe: 'http://127.0.0.1:1', paddle: 'http://127.0.0.1:1', razorpay: 'http://127.0.0.1:1', control: 'http://127.0.0.1:1' }
const NOT_YET_RUNNING = { PARLEY_EMBEDDED: '1', SUPABASE_URL: 'http://127.0.0.1:1', SUPABASE_SERVICE_ROLE_KEY: 'not-yet-known' }

/**
 * checkEmbedded judges all that can keep the embedded stack and the server from starting: the settings, the port, the data
 * folder, which it takes. Throws one {@link StartError} with all faults; then nothing is taken.
 */
export async function checkEmbedded(environment: Environment, standIns: StandIns): Promise<Checked> {
  const faults: string[] = []
  const note = (error: unknown) => {
    if (!(error instanceof StartError)) throw error
    faults.push(error.message)
  }
  let folder: DataFolder | null = null
  let secrets: Secrets | null = null
  try {
    folder = openDataFolder(dataDirOf(environment))
    secrets = await loadSecrets(folder)
    databaseUser(folder.postgres)
    faults.push(...[clusterFault(folder.postgres, postgresPrograms())].filter((fault) => fault !== null))
  } catch (error) {
    note(error)
  }
  const keys = localKeys(standIns, secrets ?? (await makeSecrets()))
  const twin = standIns.payments ? twinSettings(NO_TWIN_YET) : {}
  faults.push(...configFaults({ ...environment, ...keys, ...twin, ...NOT_YET_RUNNING }))
  faults.push(...(await portFaults(environment)))
  if (faults.length === 0 && folder !== null && secrets !== null) return { folder, secrets }
  folder?.release()
  throw new StartError(faultList(faults))
}

/** checkSettings judges the settings and the port alone, for a database of somebody else. Throws one {@link StartError}. */
export async function checkSettings(environment: Environment): Promise<void> {
  const faults = [...configFaults(environment), ...(await portFaults(environment))]
  if (faults.length > 0) throw new StartError(faultList(faults))
}

function configFaults(environment: Environment): string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

async function portFaults(environment: Environment): Promise<string[]> {
  const port = Number(settingOf(environment, 'PORT') ?? 3000)
  // A port that is no port is a fault of the settings.
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return []
  const production = settingOf(environment, 'NODE_ENV') === 'production'
  const fault = await portFault(port, settingOf(environment, 'HOST') ?? (production ? '0.0.0.0' : '127.0.0.1'))
  return fault === null ? [] : [fault]
}

function faultList(faults: string[]): string {
  const [only] = faults
  if (faults.length === 1 && only !== undefined) return only
  return [`Parley cannot start, for ${faults.length} reasons:`, ...faults.map((fault) => `- ${fault}`)].join('\n')
}
