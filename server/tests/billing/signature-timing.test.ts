import * as crypto from 'node:crypto'
import { beforeEach, describe, expect, jest, test } from '@jest/globals'

// Time itself cannot be tested; what it depends on can: every comparison is made, whichever was the right one, and by this.
const timingSafeEqual = jest.fn(crypto.timingSafeEqual)
jest.unstable_mockModule('node:crypto', () => ({ ...crypto, timingSafeEqual }))
const { sign, signBody, verifyBodySignature, verifySignature } = await import('../../src/billing/signature.ts')
const { STRIPE_SIGNATURE } = await import('../../src/billing/processors/stripe/signature.ts')
const { signSvix, verifySvix } = await import('../../src/billing/clerk/svix-signature.ts')
const { isSigned } = await import('../../src/http/visitor-token.ts')

const SECRETS = ['the first secret', 'the second secret', 'the third secret']
const BODY = Buffer.from('{"id":"evt_1"}')
const NOW_SECONDS = 1_800_000_000
const delivery = (headers: Record<string, string>) => ({ rawBody: BODY, headers, nowMs: NOW_SECONDS * 1_000 })

describe('secrets and signatures are all compared, in constant time:', () => {
  beforeEach(() => void timingSafeEqual.mockClear())

  test.each([...SECRETS, 'a stranger’s'])('those of a timestamped header, signed with %s', (secret) => {
    const real = sign(STRIPE_SIGNATURE, secret, NOW_SECONDS, BODY)
    const header = `t=${NOW_SECONDS},v1=${'0'.repeat(64)},v1=${real},v1=${'f'.repeat(64)}`
    const verification = verifySignature(STRIPE_SIGNATURE, delivery({ 'stripe-signature': header }), SECRETS, 300)
    expect(verification.valid).toBe(SECRETS.includes(secret))
    expect(timingSafeEqual).toHaveBeenCalledTimes(SECRETS.length * 3)
  })

  test.each([...SECRETS, 'a stranger’s'])('those of a header that is the signature, signed with %s', (secret) => {
    const headers = { 'x-razorpay-signature': signBody(secret, BODY) }
    expect(verifyBodySignature('x-razorpay-signature', delivery(headers), SECRETS).valid).toBe(SECRETS.includes(secret))
    expect(timingSafeEqual).toHaveBeenCalledTimes(SECRETS.length)
  })

  test.each([...SECRETS, 'a stranger’s'])('those of Svix, signed with %s', (secret) => {
    const real = signSvix(secret, { id: 'msg_1', timestamp: NOW_SECONDS, body: BODY })
    const none = `v1,${Buffer.alloc(32).toString('base64')}`
    const headers = { 'svix-id': 'msg_1', 'svix-timestamp': String(NOW_SECONDS), 'svix-signature': `${none} ${real} ${none}` }
    expect(verifySvix(delivery(headers), SECRETS).valid).toBe(SECRETS.includes(secret))
    expect(timingSafeEqual).toHaveBeenCalledTimes(SECRETS.length * 3)
  })

  test.each([true, false])('that of a widget’s visitor (it is the right one: %s)', (isRight) => {
    const expected = crypto.createHmac('sha256', 'the secret').update('user 7').digest('hex')
    const given = isRight ? expected : '0'.repeat(64)
    expect(isSigned('the secret', 'user 7', given)).toBe(isRight)
    expect(timingSafeEqual).toHaveBeenCalledTimes(1)
  })
})
