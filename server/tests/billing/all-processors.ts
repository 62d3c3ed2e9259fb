import { PROCESSOR_KEYS } from '../../src/config-billing.ts'
import { readConfig } from '../../src/config.ts'
import type { Processor } from '../../src/billing/processor.ts'
import { createProcessors } from '../../src/server.ts'

const KEYS: Record<string, string> = {
  STRIPE_SECRET_KEY: 'sk_test_of_the_tests',
  PADDLE_API_KEY: 'pdl_sdbx_apikey_of_the_tests',
  RAZORPAY_KEY_ID: 'rzp_test_ofTheTests',
  RAZORPAY_KEY_SECRET: 'of_the_tests'
}

/** allProcessors are what the server makes of a configuration that has the key of every processor it knows. */
export function allProcessors(): Processor[] {
  const without = PROCESSOR_KEYS.filter((key) => KEYS[key] === undefined)
  if (without.length > 0) throw new Error(`Give ${without.join(', ')} a value here: a new processor must pass the contract.`)
  const config = readConfig({
    DATABASE_URL: 'postgresql://unused@127.0.0.1:1/unused',
    CLERK_PUBLISHABLE_KEY: `pk_test_${Buffer.from('local.clerk.accounts.dev$').toString('base64')}`,
    CLERK_SECRET_KEY: 'sk_test_local',
    ...KEYS
  })
  return createProcessors(config)
}
