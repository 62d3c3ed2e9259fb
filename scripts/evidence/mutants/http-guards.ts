import { type Mutant, pure, unit } from './mutant.ts'

const SESSION = 'server/src/http/session.ts'

/** HTTP_GUARDS decide who may ask for what, from where, how often, and what is told. */
export const HTTP_GUARDS: Mutant[] = [
  {
    id: 'session-issuer',
    guard: 'a session token of another issuer is refused',
    file: SESSION,
    find: 'iss !== clerk.issuer || ',
    replace: '',
    tests: [unit('http/session')]
  },
  {
    id: 'session-authorized-party',
    guard: 'a session token made for another party is refused',
    file: SESSION,
    find: '!clerk.authorizedParties.includes(azp) || ',
    replace: '',
    tests: [unit('http/session')],
    survives: 'Clerk’s own middleware is given the same authorized parties and refuses any other; this line is for a missing azp, which the schema refuses too'
  },
  {
    id: 'session-pending',
    guard: 'a session that is not complete (sts pending) is refused',
    file: SESSION,
    find: ` || sts === 'pending'`,
    replace: '',
    tests: [unit('http/session')],
    survives: 'Clerk’s own getAuth takes a pending session for none; this line holds should that default change'
  },
  {
    id: 'session-token-length',
    guard: 'a token of more than 8 kB is refused before it is looked at',
    file: SESSION,
    find: 'if (token.length > MAX_TOKEN_BYTES)',
    replace: 'if (token.length > Number.MAX_VALUE)',
    tests: [unit('http/session')]
  },
  {
    id: 'session-token-shape',
    guard: 'what is no session token is refused without asking anybody over the network',
    file: SESSION,
    find: '!JWT_SHAPE.test(token) || ',
    replace: '',
    tests: [unit('http/session')],
    survives:
      'what has no three parts but a header that is JSON, which the next condition asks for, is none of the token kinds that Clerk ' +
      'asks about over the network, and its check refuses it'
  },
  {
    id: 'session-cookie-origin',
    guard: 'a foreign origin does not write with the cookie of a session',
    file: SESSION,
    find: 'if (!READING_METHODS.has(req.method) && isForeignOrigin(req, authorizedParties)) {',
    replace: 'if (req.method === `NONE`) {',
    tests: [unit('http/session')]
  },
  {
    id: 'session-account-id',
    guard: 'an organization id that cannot be one is refused',
    file: SESSION,
    find: 'const idSchema = z.string().regex(/^[\\x21-\\x7e]{1,255}$/)',
    replace: 'const idSchema = z.coerce.string()',
    tests: [unit('http/session')]
  },
  {
    id: 'session-cache-expiry',
    guard: 'a token that was verified before is not believed beyond its own end',
    file: 'server/src/http/session-cache.ts',
    find: 'Math.min(now + LONGEST_MS, times.exp * 1000)',
    replace: 'now + LONGEST_MS',
    tests: [pure('http/session-cache')],
    quick: true
  },
  {
    id: 'session-cache-minute',
    guard: 'a token that was verified before is verified again after a minute',
    file: 'server/src/http/session-cache.ts',
    find: 'Math.min(now + LONGEST_MS, times.exp * 1000)',
    replace: 'times.exp * 1000',
    tests: [pure('http/session-cache')]
  },
  {
    id: 'session-cache-drop',
    guard: 'the tokens of a deleted user are forgotten',
    file: 'server/src/http/session-cache.ts',
    find: 'for (const key of this.#keysOf.get(userOrOrganizationId) ?? []) {',
    replace: 'for (const key of [userOrOrganizationId]) {',
    tests: [pure('http/session-cache')]
  },
  {
    id: 'operator-role',
    guard: 'nobody but operators passes to the pages of whoever runs the service',
    file: 'server/src/http/operator-role.ts',
    find: 'if (!operator) {',
    replace: 'if (operator === undefined) {',
    tests: [unit('http/admin', 'nobody but operators passes')]
  },
  {
    id: 'billing-role',
    guard: 'only admins of an organization change its plan',
    file: 'server/src/http/billing-role.ts',
    find: `if (organizationId === null || role === 'org:admin') return accountId`,
    replace: 'return accountId',
    tests: [unit('http/checkout', 'members of an organization')]
  },
  {
    id: 'cors-origin',
    guard: 'only pages of authorized parties read answers from another origin',
    file: 'server/src/http/cross-origin.ts',
    find: 'if (origin !== undefined && authorizedParties.includes(origin)) allow(req, res, next)',
    replace: 'if (origin !== undefined) allow(req, res, next)',
    tests: [unit('http/cross-origin')]
  },
  {
    id: 'cors-credentials',
    guard: 'a cookie does not open the interface to another site',
    file: 'server/src/http/cross-origin.ts',
    find: 'credentials: false,',
    replace: 'credentials: true,',
    tests: [unit('http/cross-origin')]
  },
  {
    id: 'rate-limit-of-an-account',
    guard: 'one account is slowed down over all its addresses',
    file: 'server/src/app.ts',
    find: `requireSession(parts), limitByAccount(config.rateLimits))`,
    replace: 'requireSession(parts))',
    tests: [unit('http/health', 'rate limits')]
  },
  {
    id: 'rate-limit-of-an-address',
    guard: 'one address is slowed down before anybody is asked who they are',
    file: 'server/src/app.ts',
    find: `allowOrigins(parts), limitByAddress(config.rateLimits), endPreflight)`,
    replace: 'allowOrigins(parts), endPreflight)',
    tests: [unit('http/health', 'rate limits')]
  },
  {
    id: 'rate-limit-forwarded-address',
    guard: 'forwarded addresses are believed only from the configured number of proxies',
    file: 'server/src/app.ts',
    find: `app.set('trust proxy', config.trustProxyHops)`,
    replace: `app.set('trust proxy', true)`,
    tests: [unit('http/health', 'rate limits')]
  },
  {
    id: 'idempotency-key-shape',
    guard: 'an idempotency key has 1 to 255 printable characters',
    file: 'server/src/http/idempotency-key.ts',
    find: 'if (/^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,253}[\\x21-\\x7e])?$/.test(key)) return key',
    replace: 'return key',
    tests: [pure('http/idempotency-key')],
    quick: true
  },
  {
    id: 'json-depth',
    guard: 'a body nested hundreds of levels deep is refused',
    file: 'server/src/http/json-body.ts',
    find: 'if (depth > MAX_DEPTH)',
    replace: 'if (depth > Number.MAX_VALUE)',
    tests: [unit('http/bodies')]
  },
  {
    id: 'json-text',
    guard: 'text that Postgres cannot hold is refused as the caller’s fault',
    file: 'server/src/http/json-body.ts',
    find: `if (text.isWellFormed() && !text.includes('\\0')) return`,
    replace: 'if (text.length >= 0) return',
    tests: [unit('http/bodies'), unit('http/chatbots')]
  },
  {
    id: 'webhook-raw-body',
    guard: 'a compressed delivery is refused: the signature is over raw bytes',
    file: 'server/src/routes/webhooks.ts',
    find: 'inflate: false',
    replace: 'inflate: true',
    tests: [unit('http/webhooks', 'a delivery')]
  },
  {
    id: 'webhook-body-limit',
    guard: 'a delivery of more than 1 MB is refused',
    file: 'server/src/routes/webhooks.ts',
    find: 'limit: LIMIT_BYTES',
    replace: `limit: '100mb'`,
    tests: [unit('http/webhooks', 'a delivery')]
  },
  {
    id: 'faults-tell-nothing',
    guard: 'a fault of the server tells nothing of itself',
    file: 'server/src/errors.ts',
    find: 'if (!code || ERRORS[code].status >= 500) return internalProblem(error, code)',
    replace: 'if (!code) return internalProblem(error, code)',
    tests: [pure('server/errors')],
    quick: true
  }
]
