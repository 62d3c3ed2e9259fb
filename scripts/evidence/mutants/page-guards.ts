import { type Mutant, pure, unit } from './mutant.ts'

const VISITOR = 'server/src/routes/widget-visitor.ts'
const PRODUCTION = 'server/src/config-production.ts'

/** PAGE_GUARDS decide who may use a chat on which site, what pages may do, and with what production starts. */
export const PAGE_GUARDS: Mutant[] = [
  {
    id: 'widget-origin',
    guard: 'a site that is not allowed may not use a chat',
    file: VISITOR,
    find: `if (!own.includes(origin)) throw new Problem('forbidden', 'This site may not use this chat.')`,
    replace: '',
    tests: [unit('http/widget-access')]
  },
  {
    id: 'widget-switched-off-page',
    guard: 'a widget that is switched off is not there',
    file: VISITOR,
    find: 'if (widget === null || !widget.enabled)',
    replace: 'if (widget === null)',
    tests: [unit('http/widget', 'over pg get nowhere with a widget')]
  },
  {
    id: 'widget-identity-signature',
    guard: 'the signature of a site under the id of its user is checked',
    file: VISITOR,
    find: 'if (!isSigned(widget.identitySecret, identity.userId, identity.signature)) {',
    replace: 'if (identity.signature === undefined) {',
    tests: [unit('http/widget-access')]
  },
  {
    id: 'widget-identity-required',
    guard: 'where the owner requires an identity, nobody without one is let in',
    file: VISITOR,
    find: `if (widget.identityRequired) throw unauthenticated('This chat is for signed-in visitors. Sign in on this site first.')\n`,
    replace: '\n',
    tests: [unit('http/widget-access')]
  },
  {
    id: 'widget-visit-ends',
    guard: 'a visit ends when the secret is replaced or an identity is required',
    file: VISITOR,
    find: 'if (visitor === null || hasEnded(widget, visitor, token)) return null',
    replace: 'if (visitor === null) return null',
    tests: [unit('http/widget-access')]
  },
  {
    id: 'widget-constant-time',
    guard: 'constant time: the signature of an identity is compared by a function whose time tells nothing',
    file: 'server/src/http/visitor-token.ts',
    find: 'timingSafeEqual(given, expected)',
    replace: 'given.equals(expected)',
    tests: [pure('billing/signature-timing')],
    quick: true
  },
  {
    id: 'widget-frames',
    guard: 'a chat is framed by the allowed origins alone',
    file: 'server/src/http/widget-page.ts',
    find: `['frame-ancestors', "'self'", ...allowedOrigins].join(' ')`,
    replace: `'frame-ancestors *'`,
    tests: [unit('http/widget-page', 'the page of a widget')]
  },
  {
    id: 'page-data-escapes',
    guard: 'data in a page cannot leave its element',
    file: 'server/src/http/client-files.ts',
    find: `.replaceAll('<', '\\\\u003c')`,
    replace: '',
    tests: [unit('http/widget-page', 'the page of a widget')]
  },
  {
    id: 'page-nonce',
    guard: 'the nonce of the content security policy is new for every page',
    file: 'server/src/http/client-files.ts',
    find: `randomBytes(16).toString('base64')`,
    replace: `Buffer.alloc(16, 7 + 0 * randomBytes(1).length).toString('base64')`,
    tests: [unit('http/client')]
  },
  {
    id: 'local-sign-in-origin',
    guard: 'a page of another origin does not sign anybody in locally',
    file: 'server/src/routes/local-session.ts',
    find: 'if (origin !== undefined && !authorizedParties.includes(origin)) {',
    replace: 'if (origin === `none`) {',
    tests: [unit('http/local-session')]
  },
  {
    id: 'production-local-key',
    guard: 'production refuses to start with the key by which anybody signs in as anybody',
    file: PRODUCTION,
    find: `if (given['LOCAL_SIGNING_KEY'] !== undefined) {`,
    replace: `if (given['LOCAL_SIGNING_KEY'] === 'never') {`,
    tests: [unit('http/local-session', 'production refuses to start with it')]
  },
  {
    id: 'production-weak-secrets',
    guard: 'production refuses to start with a local, well-known or short secret',
    file: PRODUCTION,
    find: '(WELL_KNOWN_SECRET.test(secret) || secret.length < MINIMUM_SECRET_LENGTH)',
    replace: 'secret.length < 0 * MINIMUM_SECRET_LENGTH * Number(WELL_KNOWN_SECRET.test(secret))',
    tests: [pure('server/config')]
  },
  {
    id: 'visitors-read-no-numbers',
    guard: 'a visitor reads nothing of the plan or the account of the owner',
    file: 'server/src/routes/widget-problems.ts',
    find: `if (isRefusal(problem)) return new Problem('widget_unavailable', unavailableMessage, { cause: problem })`,
    replace: 'if (isRefusal(problem) && unavailableMessage === null) return problem',
    tests: [unit('http/widget', 'over pg read exactly the owner')]
  }
]
