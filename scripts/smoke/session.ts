import { randomBytes } from 'node:crypto'
import type { DataPaths } from '../embedded/data-folder.ts'
import { settingOf, type Environment } from '../embedded/environment.ts'
import { readSecrets } from '../embedded/secrets.ts'
import { signSessionToken } from '../../server/src/sandbox/session-token.ts'
import { StartError } from '../embedded/start-error.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * freshSession signs in a user nobody has seen, `smoke_<random>`, with the local key of the data folder. Throws
 * {@link StartError} where Clerk issues the tokens, or where there is no such key.
 */
export function freshSession(url: URL, environment: Environment, paths: DataPaths): string {
  if (settingOf(environment, 'CLERK_SECRET_KEY') !== undefined) {
    throw new StartError('CLERK_SECRET_KEY is set, so Clerk issues the session tokens: give one of a fresh user with --token.')
  }
  const secrets = readSecrets(paths)
  if (secrets === null) {
    throw new StartError(
      `${paths.folder} holds no local key to sign in with: set DATA_DIR to the folder of a server started with npm start, or ` +
        'give a session token of a fresh user with --token.'
    )
  }
  return signSessionToken(secrets.clerk.privateKey, {
    userId: `smoke_${randomBytes(6).toString('hex')}`,
    organization: null,
    operator: false,
    authorizedParty: LOOPBACK.has(url.hostname) ? `http://localhost:${url.port || '80'}` : url.origin,
    expiresInSeconds: 600
  })
}
