import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { ConfigError, type Environment, readConfig } from '../../src/config.ts'

const publishableKey = (kind: 'test' | 'live', host: string): string => `pk_${kind}_${Buffer.from(`${host}$`).toString('base64')}`

const desk: Environment = {
  DATABASE_URL: 'postgresql://server:secret@127.0.0.1:5432/parley',
  CLERK_PUBLISHABLE_KEY: publishableKey('test', 'local.clerk.accounts.dev'),
  CLERK_SECRET_KEY: 'sk_test_local'
}

const production: Environment = {
  NODE_ENV: 'production',
  SUPABASE_URL: 'https://abc.supabase.co',
  SUPABASE_SERVICE_ROLE_KEY: 'service-role-key',
  CLERK_PUBLISHABLE_KEY: publishableKey('live', 'clerk.example.com'),
  CLERK_SECRET_KEY: 'sk_live_0123456789',
  PUBLIC_URL: 'https://chat.example.com'
}

const RAZORPAY = { RAZORPAY_KEY_ID: 'rzp_test_1', RAZORPAY_KEY_SECRET: 'secret' }
const TWIN = {
  STRIPE_SECRET_KEY: 'sk_test_offline_twin',
  STRIPE_API_URL: 'http://127.0.0.1:4101',
  PADDLE_API_KEY: 'pdl_sdbx_apikey_offline_twin',
  PADDLE_API_URL: 'http://127.0.0.1:4102',
  ...RAZORPAY,
  RAZORPAY_API_URL: 'http://127.0.0.1:4103',
  SANDBOX_URL: 'http://127.0.0.1:4100'
}

function faultsOf(environment: Environment): string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('readConfig', () => {
  test('fills in what is left out', () => {
    const config = readConfig(desk)
    expect(config).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      database: { transport: 'pg', url: desk['DATABASE_URL'] },
      model: { kind: 'extractive' },
      trustProxyHops: 0,
      rateLimits: { accountPerMinute: 600, addressPerMinute: 1200 },
      drainTimeoutSeconds: 20,
      metricsToken: null
    })
    expect(config.clerk).toMatchObject({ issuer: 'https://local.clerk.accounts.dev', local: true, jwtKey: null })
    expect(config.clerk.authorizedParties).toEqual(['http://localhost:3000', 'http://127.0.0.1:3000'])
  })

  test('takes an empty string for not set', () => {
    expect(readConfig({ ...desk, PORT: '', HOST: ' ', OPENAI_API_KEY: '', SUPABASE_URL: '' }).port).toBe(3000)
  })

  test('tells all faults at once, each naming its variable', () => {
    const faults = faultsOf({
      PORT: '70000',
      DATABASE_URL: 'mysql://x',
      SUPABASE_URL: 'https://abc.supabase.co',
      CLERK_SECRET_KEY: 'wrong',
      TRUST_PROXY: 'yes',
      LOG_LEVEL: 'loud',
      OPENAI_API_KEY: 'sk-1',
      PUBLIC_URL: 'https://chat.example.com/path'
    })
    for (const name of ['PORT', 'DATABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY', 'CLERK_PUBLISHABLE_KEY', 'CLERK_SECRET_KEY', 'TRUST_PROXY', 'LOG_LEVEL', 'MODEL', 'PUBLIC_URL']) {
      expect(faults.filter((fault) => fault.includes(name))).not.toEqual([])
    }
    for (const fault of faults) expect(fault).toMatch(/^[A-Z].*\.$/)
  })

  test('never repeats the value of a secret', () => {
    const secret = 'topsecretvalue'
    const message = (() => {
      try {
        readConfig({
          DATABASE_URL: `mysql://user:${secret}@host/db`,
          CLERK_SECRET_KEY: secret,
          CLERK_PUBLISHABLE_KEY: secret,
          CLERK_JWT_KEY: secret,
          STRIPE_SECRET_KEY: secret,
          METRICS_TOKEN: 'short',
          NODE_ENV: 'production',
          STRIPE_WEBHOOK_SECRET: 'whsec_local_topsecretvalue'
        })
        return ''
      } catch (error) {
        return String(error)
      }
    })()
    expect(message).toContain('STRIPE_SECRET_KEY')
    expect(message).not.toContain(secret)
    expect(message).not.toContain('short\n')
  })

  test('reports a missing database and missing sign-in keys with what to do', () => {
    expect(faultsOf({})).toEqual([expect.stringContaining('npm start'), expect.stringContaining('npm start')])
  })

  test('prefers Supabase, and knows where the embedded PostgREST answers', () => {
    const supabase = { SUPABASE_URL: 'http://127.0.0.1:5000/', SUPABASE_SERVICE_ROLE_KEY: 'key' }
    expect(readConfig({ ...desk, ...supabase }).database).toEqual({
      transport: 'postgrest',
      url: 'http://127.0.0.1:5000',
      serviceRoleKey: 'key',
      restPath: '/rest/v1'
    })
    expect(readConfig({ ...desk, ...supabase, PARLEY_EMBEDDED: '1' }).database).toMatchObject({ restPath: '/' })
  })

  test('reads a PEM key with escaped line ends and refuses a private one', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
    })
    expect(readConfig({ ...desk, CLERK_JWT_KEY: publicKey.replaceAll('\n', '\\n') }).clerk.jwtKey).toBe(publicKey.trim())
    expect(faultsOf({ ...desk, CLERK_JWT_KEY: privateKey })).toEqual([expect.stringContaining('CLERK_JWT_KEY')])
  })

  test('lists authorized parties and rotated webhook secrets by comma', () => {
    const config = readConfig({
      ...desk,
      CLERK_AUTHORIZED_PARTIES: 'https://a.example, https://b.example',
      STRIPE_WEBHOOK_SECRET: 'whsec_new,whsec_old'
    })
    expect(config.clerk.authorizedParties).toEqual(['https://a.example', 'https://b.example'])
    expect(config.stripe.webhookSecrets).toEqual(['whsec_new', 'whsec_old'])
    expect(faultsOf({ ...desk, CLERK_AUTHORIZED_PARTIES: 'https://a.example,b.example' })).toEqual([
      expect.stringContaining('CLERK_AUTHORIZED_PARTIES (entry 2)')
    ])
  })

  test('uses a language model where an endpoint is named, which may need no key', () => {
    expect(readConfig({ ...desk, OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', MODEL: 'small' }).model).toEqual({
      kind: 'openai-compatible',
      names: ['small'],
      baseUrl: 'http://127.0.0.1:11434/v1',
      apiKey: null,
      name: 'small'
    })
    expect(faultsOf({ ...desk, MODEL: 'small' })).toEqual([expect.stringContaining('OPENAI_API_KEY')])
  })
})

describe('payments', () => {
  test('are with nobody when nothing is set', () => {
    expect(readConfig(desk)).toMatchObject({
      stripe: { webhookSecrets: [], secretKey: null, apiUrl: null },
      paddle: { webhookSecrets: [], apiKey: null, apiUrl: null },
      razorpay: { webhookSecrets: [], keyId: null, keySecret: null, accountId: null, apiUrl: null },
      clerk: { webhookSecrets: [] },
      checkoutProcessor: null,
      sandboxUrl: null
    })
  })

  test('of each processor have their keys, their address and their secrets', () => {
    const config = readConfig({
      ...desk,
      ...TWIN,
      RAZORPAY_WEBHOOK_SECRET: 'new, old',
      RAZORPAY_ACCOUNT_ID: 'acc_1',
      CLERK_WEBHOOK_SECRET: 'whsec_new,whsec_old'
    })
    expect(config).toMatchObject({
      stripe: { secretKey: TWIN.STRIPE_SECRET_KEY, apiUrl: TWIN.STRIPE_API_URL },
      paddle: { apiKey: TWIN.PADDLE_API_KEY, environment: 'sandbox', apiUrl: TWIN.PADDLE_API_URL },
      razorpay: { webhookSecrets: ['new', 'old'], keyId: 'rzp_test_1', keySecret: 'secret', accountId: 'acc_1', apiUrl: TWIN.RAZORPAY_API_URL },
      clerk: { webhookSecrets: ['whsec_new', 'whsec_old'] },
      sandboxUrl: TWIN.SANDBOX_URL
    })
  })

  test.each([
    ['Stripe before the others', {}, 'stripe'],
    ['Paddle without Stripe', { STRIPE_SECRET_KEY: '', STRIPE_API_URL: '' }, 'paddle'],
    ['Razorpay alone', { STRIPE_SECRET_KEY: '', STRIPE_API_URL: '', PADDLE_API_KEY: '', PADDLE_API_URL: '' }, 'razorpay'],
    ['the one that is chosen', { CHECKOUT_PROCESSOR: 'razorpay' }, 'razorpay']
  ])('new customers pay at %s', (_what, change, name) => {
    expect(readConfig({ ...desk, ...TWIN, ...change }).checkoutProcessor).toBe(name)
  })

  const REFUSALS: [what: string, environment: Environment, faults: RegExp[]][] = [
    ['half of Razorpay', { RAZORPAY_KEY_ID: 'rzp_test_1' }, [/^RAZORPAY_KEY_SECRET is not set/]],
    ['an address without a key', { PADDLE_API_URL: 'http://127.0.0.1:1' }, [/^PADDLE_API_KEY is not set although PADDLE_API_URL is/]],
    ['a checkout without a key', { CHECKOUT_PROCESSOR: 'paddle' }, [/^CHECKOUT_PROCESSOR is paddle, but PADDLE_API_KEY is not set/]],
    ['a checkout at nobody', { CHECKOUT_PROCESSOR: 'adyen' }, [/^CHECKOUT_PROCESSOR is none of stripe, paddle, razorpay/]],
    ['a live Stripe key beside the twin', { ...TWIN, STRIPE_SECRET_KEY: 'sk_live_1' }, [/^STRIPE_SECRET_KEY is a live key/]],
    ['a restricted live key', { ...TWIN, STRIPE_SECRET_KEY: 'rk_live_1' }, [/^STRIPE_SECRET_KEY is a live key/]],
    ['a live Paddle key beside the twin', { ...TWIN, PADDLE_API_KEY: 'pdl_live_apikey_1' }, [/^PADDLE_API_KEY is a live key/]],
    ['a live Razorpay key beside the twin', { ...TWIN, RAZORPAY_KEY_ID: 'rzp_live_1' }, [/^RAZORPAY_KEY_ID is a live key/]],
    ['a live key and the clock', { STRIPE_SECRET_KEY: 'sk_live_1', SANDBOX_URL: 'http://127.0.0.1:1' }, [/^STRIPE_SECRET_KEY is a live key.* leave SANDBOX_URL out/]],
    ['a test key of the real Stripe and the clock', { ...TWIN, STRIPE_API_URL: '' }, [/^STRIPE_SECRET_KEY is a key of the real API.*SANDBOX_URL/]],
    ['a test key of the real Stripe, named, and the clock', { ...TWIN, STRIPE_API_URL: 'https://api.stripe.com' }, [/^STRIPE_API_URL is not on this machine.*SANDBOX_URL/]],
    ['an old key of the real Paddle, named, and the clock', { ...TWIN, PADDLE_API_KEY: 'a1b2c3', PADDLE_API_URL: 'https://api.paddle.com' }, [/^PADDLE_API_URL is not on this machine/]],
    ['a real Razorpay and the clock', { ...TWIN, RAZORPAY_API_URL: 'https://api.razorpay.com' }, [/^RAZORPAY_API_URL is not on this machine/]],
    ['a host that only begins like this machine', { ...TWIN, STRIPE_API_URL: 'http://127.0.0.1.example.com' }, [/^STRIPE_API_URL is not on this machine/]],
    ['a twin elsewhere', { ...TWIN, SANDBOX_URL: 'http://twin.example.com' }, [/^SANDBOX_URL is not on this machine/]],
    ['a webhook secret that is none of Clerk', { CLERK_WEBHOOK_SECRET: 'secret' }, [/^CLERK_WEBHOOK_SECRET/]],
    ['a key that is none of Razorpay', { ...RAZORPAY, RAZORPAY_KEY_ID: 'key' }, [/^RAZORPAY_KEY_ID/]]
  ]
  test.each(REFUSALS)('%s is a fault', (_what, environment, faults) => {
    expect(faultsOf({ ...desk, ...environment })).toEqual(faults.map((fault) => expect.stringMatching(fault)))
  })

  test('the twin itself is none, by any name of this machine, nor is a proxy without a clock', () => {
    expect(faultsOf({ ...desk, ...TWIN })).toEqual([])
    expect(faultsOf({ ...desk, ...TWIN, STRIPE_API_URL: 'http://localhost:4101', PADDLE_API_URL: 'http://[::1]:4102' })).toEqual([])
    expect(faultsOf({ ...desk, STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_API_URL: 'https://proxy.example.com' })).toEqual([])
  })
})

describe('production', () => {
  test('starts with keys of its own, open to the network', () => {
    expect(readConfig(production)).toMatchObject({ production: true, host: '0.0.0.0', clerk: { local: false } })
    expect(readConfig(production).clerk.authorizedParties).toEqual(['https://chat.example.com'])
  })

  test.each([
    ['the embedded database', { PARLEY_EMBEDDED: '1' }, 'PARLEY_EMBEDDED'],
    ['a test publishable key', { CLERK_PUBLISHABLE_KEY: publishableKey('test', 'x.clerk.accounts.dev') }, 'CLERK_PUBLISHABLE_KEY'],
    ['a test secret key', { CLERK_SECRET_KEY: 'sk_test_local' }, 'CLERK_SECRET_KEY'],
    ['the local issuer', { CLERK_ISSUER: 'https://local.clerk.accounts.dev' }, 'CLERK_ISSUER'],
    ['a local webhook secret', { STRIPE_WEBHOOK_SECRET: 'whsec_local_0123456789abcdef0123' }, 'STRIPE_WEBHOOK_SECRET'],
    ['a local secret of Razorpay', { RAZORPAY_WEBHOOK_SECRET: 'local_0123456789abcdef0123' }, 'RAZORPAY_WEBHOOK_SECRET'],
    ['a short secret of Razorpay', { RAZORPAY_WEBHOOK_SECRET: '12345' }, 'RAZORPAY_WEBHOOK_SECRET'],
    ['a local secret of Clerk', { CLERK_WEBHOOK_SECRET: 'whsec_local_0123456789abcdef0123' }, 'CLERK_WEBHOOK_SECRET'],
    ['a sandbox', { SANDBOX_URL: 'http://127.0.0.1:4100' }, 'SANDBOX_URL'],
    ['another Stripe', { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_API_URL: 'http://127.0.0.1:4101' }, 'STRIPE_API_URL'],
    ['another Paddle', { PADDLE_API_KEY: 'key', PADDLE_API_URL: 'http://127.0.0.1:4102' }, 'PADDLE_API_URL'],
    ['another Razorpay', { ...RAZORPAY, RAZORPAY_API_URL: 'http://127.0.0.1:4103' }, 'RAZORPAY_API_URL'],
    ['a local secret among others', { PADDLE_WEBHOOK_SECRET: 'pdl_ntfset_01hx0123456789abcdef,secret' }, 'PADDLE_WEBHOOK_SECRET'],
    ['no address to accept tokens for', { PUBLIC_URL: '' }, 'PUBLIC_URL']
  ])('refuses %s', (_what, change, name) => {
    expect(faultsOf({ ...production, ...change })).toEqual([expect.stringMatching(new RegExp(`^${name} `))])
  })

  test('refuses to start without a database', () => {
    expect(faultsOf({ ...production, SUPABASE_URL: '', SUPABASE_SERVICE_ROLE_KEY: '' })).toEqual([
      expect.stringContaining('No database is configured')
    ])
  })
})
