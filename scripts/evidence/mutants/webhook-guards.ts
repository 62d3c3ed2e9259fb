import { type Mutant, pure, unit } from './mutant.ts'

const SIGNATURE = 'server/src/billing/signature.ts'
const SVIX = 'server/src/billing/clerk/svix-signature.ts'
const STRIPE = 'server/src/billing/processors/stripe'
const PADDLE = 'server/src/billing/processors/paddle'
const RAZORPAY = 'server/src/billing/processors/razorpay'

const HEADER = [pure('billing/signature')]
const CONTRACT = [pure('billing/processor-contract')]
const TIMING = [pure('billing/signature-timing')]

/** WEBHOOK_GUARDS decide in the server which deliveries are believed, and what they say. */
export const WEBHOOK_GUARDS: Mutant[] = [
  {
    id: 'signature-too-old',
    guard: 'the tolerance: a captured delivery is refused once it is old',
    file: SIGNATURE,
    find: 'if (ageSeconds > toleranceSeconds) {',
    replace: 'if (ageSeconds > Number.MAX_VALUE) {',
    tests: CONTRACT,
    quick: true
  },
  {
    id: 'signature-from-the-future',
    guard: 'the tolerance on its other side: a timestamp from the future is refused',
    file: SIGNATURE,
    find: 'if (-ageSeconds > toleranceSeconds) {',
    replace: 'if (-ageSeconds > Number.MAX_VALUE) {',
    tests: CONTRACT,
    quick: true
  },
  {
    id: 'signature-every-secret',
    guard: 'every secret is tried while one is rolled',
    file: SIGNATURE,
    find: 'for (const secret of secrets) {\n    const expected',
    replace: 'for (const secret of secrets.slice(0, 1)) {\n    const expected',
    tests: CONTRACT,
    quick: true
  },
  {
    id: 'signature-every-signature',
    guard: 'every signature of a header is tried',
    file: SIGNATURE,
    find: 'for (const signature of header.signatures)',
    replace: 'for (const signature of header.signatures.slice(0, 1))',
    tests: [pure('billing/signature'), pure('billing/sdk-agreement')]
  },
  {
    id: 'signature-empty-secret',
    guard: 'an empty secret, a key everybody knows, verifies nothing',
    file: SIGNATURE,
    find: `const secrets = webhookSecrets.filter((secret) => secret.trim() !== '')`,
    nth: 1,
    replace: 'const secrets = [...webhookSecrets]',
    tests: CONTRACT
  },
  {
    id: 'signature-is-compared',
    guard: 'the signature is compared at all',
    file: SIGNATURE,
    find: `  if (!matches(scheme, secrets, parsed, delivery.rawBody)) return invalid('no signature matches a configured secret')\n`,
    replace: '',
    tests: CONTRACT,
    quick: true
  },
  {
    id: 'signature-no-early-return',
    guard: 'constant time: no match ends the comparison of the other secrets and signatures',
    file: SIGNATURE,
    find: 'for (const signature of header.signatures) found = timingSafeEqual(expected, signature) || found',
    replace: 'for (const signature of header.signatures) found = found || timingSafeEqual(expected, signature)',
    tests: TIMING,
    quick: true
  },
  {
    id: 'signature-constant-time',
    guard: 'constant time: signatures are compared by a function whose time tells nothing',
    file: SIGNATURE,
    find: 'for (const signature of header.signatures) found = timingSafeEqual(expected, signature) || found',
    replace: 'for (const signature of header.signatures) found = expected.equals(signature) || found',
    tests: TIMING
  },
  {
    id: 'signature-one-timestamp',
    guard: 'a header with two timestamps is refused',
    file: SIGNATURE,
    find: 'if (timestamp !== null) return `the ${name} header has more than one timestamp`\n',
    replace: '\n',
    tests: HEADER
  },
  {
    id: 'signature-header-length',
    guard: 'a header of any length is not taken apart',
    file: SIGNATURE,
    find: 'if (value.length > LONGEST_HEADER) return `the ${name} header is longer than ${LONGEST_HEADER} characters`\n',
    replace: '\n',
    tests: HEADER
  },
  {
    id: 'body-signature-every-secret',
    guard: 'every secret is tried for a Razorpay delivery, in constant time',
    file: SIGNATURE,
    find: 'for (const secret of secrets) found = timingSafeEqual(bodyDigest(secret, delivery.rawBody), signature) || found',
    replace: 'for (const secret of secrets) found = found || timingSafeEqual(bodyDigest(secret, delivery.rawBody), signature)',
    tests: TIMING
  },
  {
    id: 'svix-too-old',
    guard: 'the tolerance of Clerk’s deliveries',
    file: SVIX,
    find: 'if (ageSeconds > TOLERANCE_SECONDS) {',
    replace: 'if (ageSeconds > Number.MAX_VALUE) {',
    tests: [unit('http/clerk-webhooks', 'a signature of Svix')]
  },
  {
    id: 'svix-from-the-future',
    guard: 'the tolerance of Clerk’s deliveries on its other side',
    file: SVIX,
    find: 'if (-ageSeconds > TOLERANCE_SECONDS) {',
    replace: 'if (-ageSeconds > Number.MAX_VALUE) {',
    tests: [unit('http/clerk-webhooks', 'a signature of Svix')]
  },
  {
    id: 'svix-no-early-return',
    guard: 'constant time: no match ends the comparison of the other keys and signatures of Clerk',
    file: SVIX,
    find: `found = timingSafeEqual(expected, Buffer.from(signature, 'base64')) || found`,
    replace: `found = found || timingSafeEqual(expected, Buffer.from(signature, 'base64'))`,
    tests: TIMING
  },
  {
    id: 'delivery-is-verified',
    guard: 'what is not verified leaves no trace',
    file: 'server/src/billing/receive.ts',
    find: `if (!verification.valid) return { result: 'not_verified', reason: verification.reason }`,
    replace: '',
    tests: [unit('http/clerk-webhooks', 'a delivery that is not verified')]
  },
  {
    id: 'stripe-live-and-test',
    guard: 'a signed event of test mode changes nothing for live keys',
    file: `${STRIPE}/normalise.ts`,
    find: `if (livemode !== null && typeof fields.livemode === 'boolean' && fields.livemode !== livemode) {`,
    replace: 'if (livemode === undefined) {',
    tests: [pure('billing/stripe-reversals')],
    quick: true
  },
  {
    id: 'stripe-deletion-is-the-end',
    guard: 'a deletion ends a subscription whatever status the object carries',
    file: `${STRIPE}/normalise.ts`,
    find: `rank === EVENT_RANK.ended ? 'canceled' : state.status`,
    replace: 'state.status',
    tests: [pure('billing/stripe-subscription')]
  },
  {
    id: 'stripe-proration-opens-nothing',
    guard: 'only an invoice for a whole period opens one, not a proration or a one-off bill',
    file: `${STRIPE}/invoice.ts`,
    find: 'if (!opens || !isWholePeriod(one)) continue',
    replace: 'if (!opens) continue',
    tests: [pure('billing/stripe-payment')],
    quick: true
  },
  {
    id: 'stripe-metered-line',
    guard: 'a metered line, about the period that has ended, opens none',
    file: `${STRIPE}/invoice.ts`,
    find: 'if (raw.period_end && one.period.end <= raw.period_end) continue',
    replace: '',
    tests: [pure('billing/stripe-payment')]
  },
  {
    id: 'paddle-event-id',
    guard: 'a Paddle event is known by its event id: a notification id differs per destination, and would count twice',
    file: `${PADDLE}/normalise.ts`,
    find: 'event_id: z.unknown().optional(),',
    replace: 'event_id: z.unknown().transform(() => String(Math.random())),',
    tests: [pure('billing/paddle-events')]
  },
  {
    id: 'paddle-origin-opens',
    guard: 'a change of the card or an update within the period opens no window at Paddle',
    file: `${PADDLE}/transaction.ts`,
    find: 'const paidPeriod = OPENING.has(raw.origin) ? raw.billing_period : null',
    replace: 'const paidPeriod = raw.billing_period',
    tests: [pure('billing/paddle-events')],
    quick: true
  },
  {
    id: 'paddle-exact-amounts',
    guard: 'an amount that a number does not hold exactly is refused',
    file: `${PADDLE}/shape.ts`,
    find: `  .refine(Number.isSafeInteger, 'expected an amount that a number holds exactly')`,
    replace: '',
    tests: [pure('billing/paddle-events')]
  },
  {
    id: 'razorpay-body-is-the-id',
    guard: 'a Razorpay event is known by its signed body, not by the header anybody may write',
    file: `${RAZORPAY}/normalise.ts`,
    find: "eventId: `body:${createHash('sha256').update(rawBody).digest('hex')}`,",
    replace: "eventId: `body:${createHash('sha256').update(rawBody + Math.random()).digest('hex')}`,",
    tests: [pure('billing/razorpay-signature')]
  },
  {
    id: 'razorpay-own-account',
    guard: 'events of another Razorpay account are ignored',
    file: `${RAZORPAY}/normalise.ts`,
    find: 'if (accountId !== null && fields.account_id !== accountId) {',
    replace: 'if (accountId === undefined) {',
    tests: [pure('billing/razorpay-events')],
    quick: true
  },
  {
    id: 'fetched-is-as-of-asking',
    guard: 'a fetched state is as of before it was asked for, cut to the processor’s own clock: what changes meanwhile is newer',
    file: 'server/src/billing/payload.ts',
    find: 'new Date(askedAtMs - (askedAtMs % resolutionMs)).toISOString()',
    replace: 'new Date(askedAtMs + 1000).toISOString()',
    tests: [pure('billing/fetch-subscription')]
  },
  {
    id: 'busy-is-not-final',
    guard: 'a processor that is busy with a subscription is asked again; only a refusal is final',
    file: 'server/src/billing/operations.ts',
    find: `if (error instanceof ProcessorRefusal && error.code !== 'busy') {`,
    replace: 'if (error instanceof ProcessorRefusal) {',
    tests: [pure('billing/operation-outcomes')],
    quick: true
  },
  {
    id: 'duplicate-is-looked-at-again',
    guard: 'before a second subscription is ended both are asked for how they stand',
    file: 'server/src/billing/operations.ts',
    find: `if (operation.reason === 'duplicate' && !(await isStillWanted(parts, operation))) {`,
    replace: `if (operation.reason === 'never') {`,
    tests: [unit('http/subscription-life', 'a second subscription whose first one has ended meanwhile')]
  }
]
