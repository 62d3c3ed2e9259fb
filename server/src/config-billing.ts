import type { ProcessorName } from './billing/billing-event.ts'
import type { Environment, Settings } from './config.ts'

/**
 * BillingConfig: what each processor needs; `apiUrl` null is the real API, another one the offline twin or a proxy.
 * `checkoutProcessor` is who new customers pay at, null where no API key is set. `sandboxUrl` is where the twin and its
 * clock are driven.
 */
export type BillingConfig = {
  stripe: { webhookSecrets: string[]; secretKey: string | null; apiUrl: string | null }
  paddle: { webhookSecrets: string[]; apiKey: string | null; environment: 'production' | 'sandbox'; apiUrl: string | null }
  razorpay: { webhookSecrets: string[]; keyId: string | null; keySecret: string | null; accountId: string | null; apiUrl: string | null }
  checkoutProcessor: ProcessorName | null
  sandboxUrl: string | null
}

// In the order in which the first one with a key becomes the checkout's.
const PROCESSORS = [
  { name: 'stripe', key: 'STRIPE_SECRET_KEY', apiUrl: 'STRIPE_API_URL' },
  { name: 'paddle', key: 'PADDLE_API_KEY', apiUrl: 'PADDLE_API_URL' },
  { name: 'razorpay', key: 'RAZORPAY_KEY_ID', apiUrl: 'RAZORPAY_API_URL' }
] as const satisfies readonly { name: ProcessorName; key: keyof Settings; apiUrl: keyof Settings }[]

/** PROCESSOR_KEYS are the settings that switch the calls to each processor on. */
export const PROCESSOR_KEYS: readonly string[] = PROCESSORS.map(({ key }) => key)

// What the processors' keys for real money begin with.
const LIVE_KEY = /^(sk_live_|rk_live_|pdl_live_|rzp_live_)/

/**
 * billingFaults lists what does not go together: keys without their other half, and anything real beside the sandbox. Where a
 * clock can be moved, all there is to pay at must be on this machine: a twin elsewhere cannot be told from a processor.
 */
export function billingFaults(given: Environment): string[] {
  const faults: string[] = []
  const sandbox = given['SANDBOX_URL'] === undefined ? [] : ['SANDBOX_URL']
  if (isElsewhere(given['SANDBOX_URL'])) {
    faults.push('SANDBOX_URL is not on this machine, where the offline twin runs: use an address like http://127.0.0.1:4100, or leave it out.')
  }
  for (const { key, apiUrl } of PROCESSORS) {
    if (given[key] === undefined) {
      if (given[apiUrl] !== undefined) faults.push(`${key} is not set although ${apiUrl} is: set both or neither.`)
      continue
    }
    const [beside] = [...(given[apiUrl] === undefined ? [] : [apiUrl]), ...sandbox]
    if (LIVE_KEY.test(given[key].trim()) && beside !== undefined) {
      faults.push(`${key} is a live key, which must not meet the offline twin: leave ${beside} out, or use a test key.`)
    } else if (given[apiUrl] === undefined && sandbox.length > 0) {
      faults.push(`${key} is a key of the real API, beside which no clock may be moved: leave SANDBOX_URL out, or set ${apiUrl}.`)
    } else if (sandbox.length > 0 && isElsewhere(given[apiUrl])) {
      faults.push(`${apiUrl} is not on this machine, and beside a real API no clock may be moved: leave SANDBOX_URL out, or name the twin's address.`)
    }
  }
  const chosen = PROCESSORS.find(({ name }) => name === given['CHECKOUT_PROCESSOR']?.trim())
  if (chosen !== undefined && given[chosen.key] === undefined) {
    faults.push(`CHECKOUT_PROCESSOR is ${chosen.name}, but ${chosen.key} is not set: set it, or choose a processor that has its key.`)
  }
  return faults
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

// What is no URL at all is a fault of its own.
function isElsewhere(url: string | undefined): boolean {
  const address = url?.trim()
  return address !== undefined && URL.canParse(address) && !LOOPBACK.test(new URL(address).hostname)
}

/** hasRealKeys: whether an API key is configured that opens more than the offline twin. */
export function hasRealKeys({ stripe, paddle, razorpay, sandboxUrl }: BillingConfig): boolean {
  return sandboxUrl === null && [stripe.secretKey, paddle.apiKey, razorpay.keyId].some((key) => key !== null)
}

/** toBilling takes the processors' settings out of the checked ones. */
export function toBilling(settings: Settings): BillingConfig {
  return {
    stripe: {
      webhookSecrets: settings.STRIPE_WEBHOOK_SECRET,
      secretKey: settings.STRIPE_SECRET_KEY ?? null,
      apiUrl: settings.STRIPE_API_URL ?? null
    },
    paddle: {
      webhookSecrets: settings.PADDLE_WEBHOOK_SECRET,
      apiKey: settings.PADDLE_API_KEY ?? null,
      environment: settings.PADDLE_ENVIRONMENT,
      apiUrl: settings.PADDLE_API_URL ?? null
    },
    razorpay: {
      webhookSecrets: settings.RAZORPAY_WEBHOOK_SECRET,
      keyId: settings.RAZORPAY_KEY_ID ?? null,
      keySecret: settings.RAZORPAY_KEY_SECRET ?? null,
      accountId: settings.RAZORPAY_ACCOUNT_ID ?? null,
      apiUrl: settings.RAZORPAY_API_URL ?? null
    },
    checkoutProcessor: settings.CHECKOUT_PROCESSOR ?? PROCESSORS.find(({ key }) => settings[key] !== undefined)?.name ?? null,
    sandboxUrl: settings.SANDBOX_URL ?? null
  }
}
