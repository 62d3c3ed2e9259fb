import { type Config, ConfigError, readConfig } from '../../server/src/config.ts'
import { connectedDatabaseUrl } from '../embedded/connected-database.ts'
import { dataPaths } from '../embedded/data-folder.ts'
import { dataDirOf, type Environment } from '../embedded/environment.ts'
import { localKeys, standInsFor } from '../embedded/local-keys.ts'
import { readRunState } from '../embedded/run-state.ts'
import { readSecrets } from '../embedded/secrets.ts'
import { StartError } from '../embedded/start-error.ts'
import { twinSettings } from '../embedded/twin.ts'

/**
 * commandConfig is the configuration the running server has, for a command that does the server's work beside it: the same
 * database, the same processors, the offline twin where that one plays them. Throws {@link StartError} with what is missing.
 */
export function commandConfig(environment: Environment): Config {
  const paths = dataPaths(dataDirOf(environment))
  const [state, secrets] = [readRunState(paths), readSecrets(paths)]
  const local = secrets === null ? {} : localKeys(standInsFor(environment), secrets)
  const twin = state?.twin && standInsFor(environment).payments ? twinSettings(state.twin) : {}
  try {
    return readConfig({
      ...environment,
      ...local,
      ...twin,
      ...(state === null ? {} : { PARLEY_EMBEDDED: '1' }),
      // Not through PostgREST: a command has no need of the server's way.
      SUPABASE_URL: '',
      SUPABASE_SERVICE_ROLE_KEY: '',
      DATABASE_URL: connectedDatabaseUrl(environment, 'server')
    })
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message, { cause: error })
    throw error
  }
}
