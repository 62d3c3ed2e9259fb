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
  if (config.embedded && config.stripe.secretKey === null && config.paddle.apiKey === null) {
    standIns.push(
      'Payments: only signed test webhooks arrive. Set STRIPE_SECRET_KEY or PADDLE_API_KEY, and the webhook secrets, for real ones.'
    )
  }
  return standIns
}
