import { LOCAL_CLERK_ISSUER } from '../../server/src/config-production.ts'
import { settingOf, type Environment } from './environment.ts'
import type { Secrets } from './secrets.ts'

// Clerk's format: the base64 of the host of its frontend API and a dollar sign.
const LOCAL_PUBLISHABLE_KEY = `pk_test_${Buffer.from(`${new URL(LOCAL_CLERK_ISSUER).host}$`).toString('base64')}`

/**
 * StandIns tells which parts run on local keys: the sign-in, the webhooks of each sender, and all payments, which the
 * offline twin then plays (beside the embedded database only).
 */
export type StandIns = { signIn: boolean; stripe: boolean; paddle: boolean; razorpay: boolean; clerkWebhooks: boolean; payments: boolean }

// A key of any processor, and what only goes with one.
const PAYMENT_SETTINGS = [
  'STRIPE_SECRET_KEY', 'STRIPE_API_URL', 'PADDLE_API_KEY', 'PADDLE_API_URL',
  'RAZORPAY_KEY_ID', 'RAZORPAY_KEY_SECRET', 'RAZORPAY_API_URL', 'SANDBOX_URL'
]

/**
 * standInsFor tells which parts the environment leaves to local keys. In production none is: there a gap
 * is a fault.
 */
export function standInsFor(environment: Environment): StandIns {
  const isLeftOut = (...names: string[]) => names.every((name) => settingOf(environment, name) === undefined)
  const allowed = settingOf(environment, 'NODE_ENV') !== 'production'
  return {
    signIn: allowed && isLeftOut('CLERK_SECRET_KEY', 'CLERK_PUBLISHABLE_KEY', 'CLERK_JWT_KEY'),
    stripe: allowed && isLeftOut('STRIPE_WEBHOOK_SECRET'),
    paddle: allowed && isLeftOut('PADDLE_WEBHOOK_SECRET'),
    razorpay: allowed && isLeftOut('RAZORPAY_WEBHOOK_SECRET'),
    clerkWebhooks: allowed && isLeftOut('CLERK_WEBHOOK_SECRET'),
    payments: allowed && isLeftOut(...PAYMENT_SETTINGS)
  }
}

/** localKeys returns the variables that switch these stand-ins on. */
export function localKeys(standIns: StandIns, secrets: Secrets): Record<string, string> {
  const signIn = {
    CLERK_PUBLISHABLE_KEY: LOCAL_PUBLISHABLE_KEY,
    CLERK_SECRET_KEY: 'sk_test_local',
    CLERK_JWT_KEY: secrets.clerk.publicKey,
    LOCAL_SIGNING_KEY: secrets.clerk.privateKey
  }
  return {
    ...(standIns.signIn ? signIn : {}),
    ...(standIns.stripe ? { STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret } : {}),
    ...(standIns.paddle ? { PADDLE_WEBHOOK_SECRET: secrets.paddleWebhookSecret } : {}),
    ...(standIns.razorpay ? { RAZORPAY_WEBHOOK_SECRET: secrets.razorpayWebhookSecret } : {}),
    ...(standIns.clerkWebhooks ? { CLERK_WEBHOOK_SECRET: secrets.clerkWebhookSecret } : {})
  }
}
