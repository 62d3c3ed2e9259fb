import type { DataPaths } from '../embedded/data-folder.ts'
import { settingOf } from '../embedded/environment.ts'
import type { Environment } from '../embedded/environment.ts'
import { readSecrets } from '../embedded/secrets.ts'
import type { WebhookProcessor } from './delivery.ts'
import { RequestError } from './request-error.ts'

const VARIABLES = {
  stripe: 'STRIPE_WEBHOOK_SECRET',
  paddle: 'PADDLE_WEBHOOK_SECRET',
  razorpay: 'RAZORPAY_WEBHOOK_SECRET'
} as const

/**
 * webhookSecret is the secret the running server verifies with: the first of the environment's list, else the local one
 * that `npm start` has made. @throws {RequestError} when there is neither, {@link StartError} when the file is unusable.
 */
export function webhookSecret(processor: WebhookProcessor, environment: Environment, paths: DataPaths): string {
  const variable = VARIABLES[processor]
  const [given] = (settingOf(environment, variable) ?? '').split(',').map((secret) => secret.trim()).filter((secret) => secret !== '')
  const secret = given ?? readSecrets(paths)?.[`${processor}WebhookSecret`]
  if (secret === undefined) {
    throw new RequestError(
      `There is no secret to sign with: set ${variable}, or DATA_DIR to the folder of a server started with npm start.`
    )
  }
  return secret
}
