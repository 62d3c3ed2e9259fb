import type { Environment } from './config.ts'

/** LOCAL_CLERK_ISSUER is who issues the session tokens that `npm run token` makes. */
export const LOCAL_CLERK_ISSUER = 'https://local.clerk.accounts.dev'

// Secrets the embedded launcher makes are marked `local`; the other words are what examples and tutorials show.
const WELL_KNOWN_SECRET = /^(whsec_|pdl_ntfset_)?(local|test|dev|default|example|demo|dummy|secret|password|change_?me|placeholder|your|x{3,})/i
const MINIMUM_SECRET_LENGTH = 16

/** productionFaults lists what may run at a desk but not in production, for an environment that says it is production. */
export function productionFaults(given: Environment): string[] {
  if (given['NODE_ENV']?.trim() !== 'production') return []
  const faults: string[] = []
  const embedded = given['PARLEY_EMBEDDED']
  if (embedded !== undefined && embedded !== '0' && embedded !== 'false') {
    faults.push(
      'PARLEY_EMBEDDED is set, but the embedded database is not for production: set SUPABASE_URL and ' +
        'SUPABASE_SERVICE_ROLE_KEY, or DATABASE_URL.'
    )
  }
  if (given['CLERK_PUBLISHABLE_KEY']?.startsWith('pk_test_')) {
    faults.push('CLERK_PUBLISHABLE_KEY is a test key: use the pk_live_ key of a production instance.')
  }
  if (given['CLERK_SECRET_KEY']?.startsWith('sk_test_')) {
    faults.push('CLERK_SECRET_KEY is a test key: use the sk_live_ key of a production instance.')
  }
  if (given['CLERK_ISSUER']?.startsWith(LOCAL_CLERK_ISSUER)) {
    faults.push(
      `CLERK_ISSUER is ${LOCAL_CLERK_ISSUER}, whose tokens anyone with the local key can make: leave it out, or name the ` +
        'production instance.'
    )
  }
  if (given['LOCAL_SIGNING_KEY'] !== undefined) {
    faults.push('LOCAL_SIGNING_KEY is set, with which anybody may sign in as anybody: leave it out.')
  }
  if (!given['PUBLIC_URL'] && !given['CLERK_AUTHORIZED_PARTIES']) {
    faults.push(
      'PUBLIC_URL is not set: name the address users see, so that only tokens made for it are accepted (or list ' +
        'CLERK_AUTHORIZED_PARTIES).'
    )
  }
  if (given['SANDBOX_URL'] !== undefined) {
    faults.push('SANDBOX_URL is set, but time cannot be moved and payments cannot be played in production: leave it out.')
  }
  for (const name of ['STRIPE_API_URL', 'PADDLE_API_URL', 'RAZORPAY_API_URL']) {
    if (given[name] !== undefined) faults.push(`${name} is set, but in production payments go to the processor itself: leave it out.`)
  }
  for (const name of ['STRIPE_WEBHOOK_SECRET', 'PADDLE_WEBHOOK_SECRET', 'RAZORPAY_WEBHOOK_SECRET', 'CLERK_WEBHOOK_SECRET']) {
    faults.push(...secretFaults(name, given[name]))
  }
  return faults
}

function secretFaults(name: string, list: string | undefined): string[] {
  const secrets = list?.split(',').map((secret) => secret.trim()) ?? []
  const weak = secrets.some((secret) => secret !== '' && (WELL_KNOWN_SECRET.test(secret) || secret.length < MINIMUM_SECRET_LENGTH))
  return weak ? [`${name} holds a local, well-known or short secret: use the one the sender's dashboard shows.`] : []
}
