import { join } from 'node:path'
import { z } from 'zod'
import { type BillingConfig, billingFaults, toBilling } from './config-billing.ts'
import * as read from './config-values.ts'
import { LOCAL_CLERK_ISSUER, productionFaults } from './config-production.ts'

/** Environment is where settings come from; an empty string counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** DatabaseConfig: `restPath` is where PostgREST answers below `url`. */
export type DatabaseConfig =
  | { transport: 'postgrest'; url: string; serviceRoleKey: string; restPath: string }
  | { transport: 'pg'; url: string }

/**
 * ClerkConfig: `jwtKey` is a public key in PEM and makes verification need no network; `local` means Parley's own key. With
 * `localSigningKey`, the private one (PEM), anybody may sign in as anybody: for a desk.
 */
export type ClerkConfig = {
  publishableKey: string
  secretKey: string
  jwtKey: string | null
  issuer: string
  authorizedParties: string[]
  webhookSecrets: string[]
  local: boolean
  localSigningKey: string | null
}

/**
 * ModelConfig: without a key or an endpoint of its own, answers are quotations from the documents. `names` are the models
 * a chatbot may choose among; the first, `name`, answers for those that chose none.
 */
export type ModelConfig =
  | { kind: 'extractive' }
  | { kind: 'openai-compatible'; baseUrl: string; apiKey: string | null; name: string; names: string[] }

/** Config is every setting of the server, checked. Secrets are in it: it is never logged. */
export type Config = BillingConfig & {
  production: boolean
  embedded: boolean
  host: string
  port: number
  dataDirectory: string | null
  /** clientDirectory holds the built web client; without it only the API is served. */
  clientDirectory: string
  publicUrl: string | null
  database: DatabaseConfig
  clerk: ClerkConfig
  model: ModelConfig
  trustProxyHops: number
  logLevel: LogLevel | null
  metricsToken: string | null
  rateLimits: { accountPerMinute: number; addressPerMinute: number; visitorMessagesPerMinute: number; newVisitsPerHour: number }
  drainTimeoutSeconds: number
}

/** LogLevel names follow pino. */
export type LogLevel = (typeof read.LOG_LEVELS)[number]

/** ConfigError holds one sentence per fault, all of them; a sentence names the variable and never a secret's value. */
export class ConfigError extends Error {
  readonly faults: string[]
  constructor(faults: string[]) {
    const number = faults.length === 1 ? 'a fault' : `${faults.length} faults`
    super(`The configuration has ${number}:\n${faults.map((fault) => `- ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

const LOCAL_CLERK_SECRET = 'sk_test_local'
const BUILT_CLIENT = join(import.meta.dirname, '..', '..', 'client', 'dist')

const schema = z.object({
  NODE_ENV: read.text.optional(),
  PARLEY_EMBEDDED: read.flag,
  PORT: read.wholeNumber(0, 65_535).default(3000),
  HOST: read.text.optional(),
  DATA_DIR: read.text.optional(),
  CLIENT_DIR: read.text.optional(),
  PUBLIC_URL: read.origin.optional(),
  DATABASE_URL: read.postgresUrl.optional(),
  SUPABASE_URL: read.webUrl.optional(),
  SUPABASE_SERVICE_ROLE_KEY: read.text.optional(),
  SUPABASE_REST_PATH: read.path.optional(),
  CLERK_PUBLISHABLE_KEY: read.publishableKey.optional(),
  CLERK_SECRET_KEY: read.prefixed('sk_test_', 'sk_live_').optional(),
  CLERK_JWT_KEY: read.publicKey.optional(),
  CLERK_ISSUER: read.origin.optional(),
  CLERK_AUTHORIZED_PARTIES: read.listOf(read.origin).optional(),
  LOCAL_SIGNING_KEY: read.privateKey.optional(),
  CLERK_WEBHOOK_SECRET: read.listOf(read.prefixed('whsec_')).default([]),
  OPENAI_BASE_URL: read.webUrl.optional(),
  OPENAI_API_KEY: read.text.optional(),
  MODEL: read.listOf(read.text).optional(),
  STRIPE_WEBHOOK_SECRET: read.listOf(read.text).default([]),
  STRIPE_SECRET_KEY: read.prefixed('sk_', 'rk_').optional(),
  STRIPE_API_URL: read.webUrl.optional(),
  PADDLE_WEBHOOK_SECRET: read.listOf(read.text).default([]),
  PADDLE_API_KEY: read.text.optional(),
  PADDLE_ENVIRONMENT: read.oneOf('production', 'sandbox').default('sandbox'),
  PADDLE_API_URL: read.webUrl.optional(),
  RAZORPAY_WEBHOOK_SECRET: read.listOf(read.text).default([]),
  RAZORPAY_KEY_ID: read.prefixed('rzp_').optional(),
  RAZORPAY_KEY_SECRET: read.text.optional(),
  RAZORPAY_ACCOUNT_ID: read.prefixed('acc_').optional(),
  RAZORPAY_API_URL: read.webUrl.optional(),
  CHECKOUT_PROCESSOR: read.oneOf('stripe', 'paddle', 'razorpay').optional(),
  SANDBOX_URL: read.origin.optional(),
  TRUST_PROXY: read.wholeNumber(0, 10).default(0),
  LOG_LEVEL: read.oneOf(...read.LOG_LEVELS).optional(),
  METRICS_TOKEN: read.text.min(16, 'is shorter than 16 characters; choose a longer one').optional(),
  RATE_LIMIT_ACCOUNT_PER_MINUTE: read.wholeNumber(1, 1_000_000).default(600),
  RATE_LIMIT_ADDRESS_PER_MINUTE: read.wholeNumber(1, 1_000_000).default(1200),
  RATE_LIMIT_VISITOR_MESSAGES_PER_MINUTE: read.wholeNumber(1, 1_000_000).default(60),
  RATE_LIMIT_NEW_VISITS_PER_HOUR: read.wholeNumber(1, 1_000_000).default(30),
  DRAIN_TIMEOUT_SECONDS: read.wholeNumber(0, 3600).default(20)
})

/** Settings are the variables by name, each checked by itself. */
export type Settings = z.output<typeof schema>

/** SETTING_NAMES are all variables the server reads; `.env.example` explains each. */
export const SETTING_NAMES: readonly string[] = Object.keys(schema.shape)

/**
 * readConfig checks the environment and throws {@link ConfigError} with all faults at once. Variables that belong together
 * are checked together; in production everything that is only meant for a desk is refused.
 */
export function readConfig(environment: Environment): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''))
  const parsed = schema.safeParse(given)
  const single = parsed.success ? [] : parsed.error.issues.map(read.describe)
  // What belongs together is judged by what is present, so that these faults come along with the others.
  const faults = [...single, ...pairFaults(given), ...billingFaults(given), ...productionFaults(given)]
  if (!parsed.success || faults.length > 0) throw new ConfigError([...new Set(faults)])
  return toConfig(parsed.data)
}

function pairFaults(given: Environment): string[] {
  const faults: string[] = []
  const pair = (one: string, other: string): void => {
    if ((given[one] === undefined) === (given[other] === undefined)) return
    const [present, missing] = given[one] === undefined ? [other, one] : [one, other]
    faults.push(`${missing} is not set although ${present} is: set both or neither.`)
  }
  pair('SUPABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY')
  pair('CLERK_PUBLISHABLE_KEY', 'CLERK_SECRET_KEY')
  pair('RAZORPAY_KEY_ID', 'RAZORPAY_KEY_SECRET')
  if (!given['CLERK_PUBLISHABLE_KEY'] && !given['CLERK_SECRET_KEY']) {
    faults.push(
      'CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY are not set: copy both from the Clerk dashboard, or run "npm start", ' +
        'which brings a local key.'
    )
  }
  if (!given['DATABASE_URL'] && !given['SUPABASE_URL'] && !given['SUPABASE_SERVICE_ROLE_KEY']) {
    faults.push(
      'No database is configured: set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY, or DATABASE_URL, or run "npm start", ' +
        'which brings its own.'
    )
  }
  if (given['LOCAL_SIGNING_KEY'] && given['CLERK_SECRET_KEY'] !== LOCAL_CLERK_SECRET) {
    faults.push('LOCAL_SIGNING_KEY is set although Clerk signs people in: leave it out.')
  }
  const endpoint = ['OPENAI_API_KEY', 'OPENAI_BASE_URL'].find((name) => given[name] !== undefined)
  if (endpoint && !given['MODEL']) faults.push(`MODEL is not set although ${endpoint} is: name the model to use there.`)
  if (!endpoint && given['MODEL']) {
    faults.push('MODEL is set, but neither OPENAI_API_KEY nor OPENAI_BASE_URL is: set one of them, or leave MODEL out.')
  }
  return faults
}

function toConfig(settings: Settings): Config {
  const production = settings.NODE_ENV === 'production'
  return {
    production,
    embedded: settings.PARLEY_EMBEDDED,
    host: settings.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: settings.PORT,
    dataDirectory: settings.DATA_DIR ?? null,
    clientDirectory: settings.CLIENT_DIR ?? BUILT_CLIENT,
    publicUrl: settings.PUBLIC_URL ?? null,
    database: toDatabase(settings),
    clerk: toClerk(settings),
    model: toModel(settings),
    ...toBilling(settings),
    trustProxyHops: settings.TRUST_PROXY,
    logLevel: settings.LOG_LEVEL ?? null,
    metricsToken: settings.METRICS_TOKEN ?? null,
    rateLimits: {
      accountPerMinute: settings.RATE_LIMIT_ACCOUNT_PER_MINUTE,
      addressPerMinute: settings.RATE_LIMIT_ADDRESS_PER_MINUTE,
      visitorMessagesPerMinute: settings.RATE_LIMIT_VISITOR_MESSAGES_PER_MINUTE,
      newVisitsPerHour: settings.RATE_LIMIT_NEW_VISITS_PER_HOUR
    },
    drainTimeoutSeconds: settings.DRAIN_TIMEOUT_SECONDS
  }
}

function toDatabase(settings: Settings): DatabaseConfig {
  const { SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: serviceRoleKey } = settings
  if (url !== undefined && serviceRoleKey !== undefined) {
    // The embedded PostgREST answers at the root, without Supabase's gateway in front of it.
    const restPath = settings.SUPABASE_REST_PATH ?? (settings.PARLEY_EMBEDDED ? '/' : '/rest/v1')
    return { transport: 'postgrest', url, serviceRoleKey, restPath }
  }
  return { transport: 'pg', url: required(settings.DATABASE_URL) }
}

function toClerk(settings: Settings): ClerkConfig {
  const publishable = required(settings.CLERK_PUBLISHABLE_KEY)
  const secretKey = required(settings.CLERK_SECRET_KEY)
  const issuer = settings.CLERK_ISSUER ?? `https://${publishable.frontendApi}`
  const desk = settings.NODE_ENV === 'production' ? [] : [`http://localhost:${settings.PORT}`, `http://127.0.0.1:${settings.PORT}`]
  return {
    publishableKey: publishable.key,
    secretKey,
    jwtKey: settings.CLERK_JWT_KEY ?? null,
    issuer,
    authorizedParties: settings.CLERK_AUTHORIZED_PARTIES ?? [...desk, ...(settings.PUBLIC_URL ? [settings.PUBLIC_URL] : [])],
    webhookSecrets: settings.CLERK_WEBHOOK_SECRET,
    local: issuer === LOCAL_CLERK_ISSUER || secretKey === LOCAL_CLERK_SECRET,
    localSigningKey: settings.LOCAL_SIGNING_KEY ?? null
  }
}

function toModel(settings: Settings): ModelConfig {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl } = settings
  if (apiKey === undefined && baseUrl === undefined) return { kind: 'extractive' }
  const names = required(settings.MODEL)
  return {
    kind: 'openai-compatible',
    baseUrl: baseUrl ?? 'https://api.openai.com/v1',
    apiKey: apiKey ?? null,
    name: required(names[0]),
    names
  }
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('readConfig lets no configuration pass without this value.')
  return value
}
