import type { Config } from './config.ts'

/** listStandIns names the parts that are not the real ones, one sentence each with what makes them real; for people. */
export function listStandIns(config: Config): string[] {
  const standIns: string[] = []
  if (config.embedded) {
    standIns.push('Database: an embedded Postgres. Set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY, or DATABASE_URL, for your own.')
  }
  if (config.clerk.local) {
    standIns.push('Sign-in: a local key signs session tokens (npm run token). Set CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY for Clerk.')
  }
  if (config.model.kind === 'extractive') {
    standIns.push('Model: answers are quotations from the documents. Set OPENAI_API_KEY and MODEL for a language model.')
  }
  if (config.sandboxUrl !== null) {
    const pages = [config.stripe.apiUrl, config.paddle.apiUrl, config.razorpay.apiUrl].filter((url) => url !== null)
    standIns.push(
      `Payments: the offline twin plays Stripe, Paddle and Razorpay (pages at ${pages.join(', ')}; npm run twin, npm run clock). ` +
        'Set STRIPE_SECRET_KEY, PADDLE_API_KEY or RAZORPAY_KEY_ID, and the webhook secret, for real ones.'
    )
  } else if (config.embedded && config.checkoutProcessor === null) {
    standIns.push(
      'Payments: only signed test webhooks arrive. Set STRIPE_SECRET_KEY, PADDLE_API_KEY or RAZORPAY_KEY_ID, and the webhook ' +
        'secrets, for real ones.'
    )
  }
  return standIns
}
