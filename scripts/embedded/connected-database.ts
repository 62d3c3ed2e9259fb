import { dataPaths } from './data-folder.ts'
import { databaseUrl, type Login } from './database-urls.ts'
import { dataDirOf, settingOf, type Environment } from './environment.ts'
import { readRunState } from './run-state.ts'
import { readSecrets } from './secrets.ts'
import { StartError } from './start-error.ts'

/**
 * connectedDatabaseUrl is the connection string of the database that commands speak of: DATABASE_URL, else the running
 * embedded one, as that login. Throws {@link StartError} when there is neither.
 */
export function connectedDatabaseUrl(environment: Environment, login: Login): string {
  const given = settingOf(environment, 'DATABASE_URL')
  if (given !== undefined) return given
  const paths = dataPaths(dataDirOf(environment))
  const state = readRunState(paths)
  const secrets = readSecrets(paths)
  if (state !== null && secrets !== null) return databaseUrl(login, state.postgres.port, secrets)
  if (settingOf(environment, 'SUPABASE_URL') !== undefined) {
    throw new StartError('SUPABASE_URL names a project, but this needs its connection string: set DATABASE_URL to it.')
  }
  throw new StartError(
    `No embedded database runs on ${paths.folder}: run \`npm start\` first, or set DATA_DIR to the folder of the one that runs.`
  )
}
