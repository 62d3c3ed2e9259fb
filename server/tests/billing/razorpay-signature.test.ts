import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import Razorpay from 'razorpay'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { signBody } from '../../src/billing/signature.ts'
import { razorpayEvent, razorpaySignature, subscriptionEntity } from '../support/razorpay-payloads.ts'

const SECRET = 'the_new_secret'
const OLD_SECRET = 'the_old_secret'
const BODY = JSON.stringify(razorpayEvent('subscription.activated', { subscription: subscriptionEntity() }))
const GOOD = razorpaySignature(BODY, SECRET)
const NO_MATCH = { valid: false, reason: 'no signature matches a configured secret' }

function razorpay(webhookSecrets: string[]) {
  return createRazorpay({ webhookSecrets, keyId: null, keySecret: null })
}
function verify(webhookSecrets: string[], headers: Record<string, string | string[]>, body: string | Buffer = BODY, nowMs = 0) {
  return razorpay(webhookSecrets).verify({ rawBody: Buffer.from(body), headers, nowMs })
}
function idOf(body: string): string {
  const normalised = razorpay([SECRET]).normalise(body)
  if (normalised.outcome !== 'event') throw new Error(normalised.reason)
  return normalised.event.eventId
}
function signed(secret: string, body: string | Buffer = BODY) {
  return { 'x-razorpay-signature': razorpaySignature(body, secret) }
}

describe('a Razorpay delivery', () => {
  test('verifies with the configured secret, and agrees with the SDK about it', () => {
    expect(verify([SECRET], signed(SECRET))).toEqual({ valid: true })
    expect(signBody(SECRET, BODY)).toBe(razorpaySignature(BODY, SECRET))
    expect(Razorpay.validateWebhookSignature(BODY, signBody(SECRET, BODY), SECRET)).toBe(true)
  })

  test('does not verify when it was forged, changed by one byte, or signed by a stranger', () => {
    expect(verify([SECRET], { 'x-razorpay-signature': '0'.repeat(64) })).toEqual(NO_MATCH)
    expect(verify([SECRET], signed(SECRET), `${BODY} `)).toEqual(NO_MATCH)
    expect(verify([SECRET], signed('somebody_elses'))).toEqual(NO_MATCH)
  })

  test('verifies with either secret while it is changed, in any order', () => {
    for (const secrets of [[SECRET, OLD_SECRET], [OLD_SECRET, SECRET], ['', SECRET, OLD_SECRET]]) {
      expect(verify(secrets, signed(SECRET))).toEqual({ valid: true })
      expect(verify(secrets, signed(OLD_SECRET))).toEqual({ valid: true })
      expect(verify(secrets, signed('somebody_elses'))).toEqual(NO_MATCH)
    }
  })

  test('does not verify without a secret, not even signed by the empty key', () => {
    for (const secrets of [[], [''], ['', '  ']]) {
      expect(verify(secrets, signed(''))).toEqual({ valid: false, reason: 'no webhook secret configured' })
    }
    expect(verify(['', SECRET], signed(''))).toEqual(NO_MATCH)
  })

  test.each([
    ['no header, on which the SDK throws', {}, 'missing'],
    ['an empty header', { 'x-razorpay-signature': '' }, 'missing'],
    ['two headers', { 'x-razorpay-signature': [GOOD, GOOD] }, 'more than once'],
    ['two joined headers', { 'x-razorpay-signature': `${GOOD}, ${GOOD}` }, '64 hex digits'],
    ['a short signature', { 'x-razorpay-signature': GOOD.slice(2) }, '64 hex digits'],
    ['no hex', { 'x-razorpay-signature': 'z'.repeat(64) }, '64 hex digits'],
    ['another processor’s header', { 'stripe-signature': GOOD }, 'missing']
  ])('%s does not verify, and the reason says why', (_, headers, reason) => {
    expect(verify([SECRET], headers)).toEqual({ valid: false, reason: expect.stringContaining(reason) })
  })

  test('is verified as the bytes that came', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe, 0x7b])
    expect(verify([SECRET], signed(SECRET, bytes), bytes)).toEqual({ valid: true })
    expect(verify([SECRET], signed(SECRET, bytes), bytes.toString('utf8')).valid).toBe(false)
  })

  test('neither throws nor passes whatever the header holds, and no reason repeats it', () => {
    const shaped = fc.array(fc.constantFrom('a', '0', ' ', ',', '=', GOOD.slice(1), '💥', '\u0000'))
    fc.assert(
      fc.property(fc.oneof(shaped.map((parts) => parts.join('')), fc.string({ unit: 'binary' })), (value) => {
        const verdict = verify([SECRET], { 'x-razorpay-signature': value })
        expect(verdict).toEqual({ valid: false, reason: expect.not.stringMatching(/[0-9a-f]{12}/) })
      }),
      { seed: 20260203, numRuns: 2000 }
    )
  })
})

describe('a captured Razorpay delivery', () => {
  test('is the same event whatever event id the unsigned header gives it, however late', () => {
    const tenYears = 10 * 365 * 86_400_000
    const fresh = { ...signed(SECRET), 'x-razorpay-event-id': 'evt_fresh' }
    // Nothing signed tells the age: it verifies, and only the id can tell that it was there before.
    expect(verify([SECRET], fresh, BODY, tenYears)).toEqual({ valid: true })
    const [first, second] = [razorpay([SECRET]).normalise(BODY), razorpay([OLD_SECRET]).normalise(BODY)]
    expect(first).toEqual(second)
    expect(first).toMatchObject({ event: { eventId: expect.stringMatching(/^body:[0-9a-f]{64}$/) } })
  })

  test('has an id that comes before that of whatever was asked for, byte by byte: asking settles a tie', () => {
    const [told, asked] = [Buffer.from(idOf(BODY)), Buffer.from('fetch:sub_Parley00000001:2026-01-31T10:00:07.000Z')]
    expect(Buffer.compare(told, asked)).toBe(-1)
  })

  test('does not use up the id of another body', () => {
    const pending = subscriptionEntity({ status: 'pending' })
    const other = JSON.stringify(razorpayEvent('subscription.pending', { subscription: pending }))
    expect(idOf(other)).not.toBe(idOf(BODY))
  })

  test('is another event as soon as one byte differs, even where JSON means the same', () => {
    expect(idOf(`${BODY}\n`)).not.toBe(idOf(BODY))
  })
})
