import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { Paddle } from '@paddle/paddle-node-sdk'
import Stripe from 'stripe'
import { signatureHeader } from '../../../scripts/webhook/delivery.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'

const NOW = Date.UTC(2026, 1, 1, 12)
const SECRET = 'whsec_parley'
const PAYLOAD = '{"id":"evt_1","object":"event","note":"Grüße, 世界"}'
const sdk = new Stripe('sk_test_parley')
const paddleSdk = new Paddle('pdl_parley')

afterEach(() => {
  jest.useRealTimers()
})

describe('our Stripe verification and stripe-node agree', () => {
  const processor = createStripe({ webhookSecrets: [SECRET], apiKey: null })
  const ours = (header: string) =>
    processor.verify({ rawBody: Buffer.from(PAYLOAD), headers: { 'stripe-signature': header }, nowMs: NOW }).valid
  const theirs = (header: string) => {
    try {
      sdk.webhooks.constructEvent(PAYLOAD, header, SECRET, undefined, undefined, NOW)
      return true
    } catch {
      return false
    }
  }
  const headerAt = (timestamp: number, secret = SECRET) =>
    sdk.webhooks.generateTestHeaderString({ payload: PAYLOAD, secret, timestamp })

  test.each([
    ['signed just now', headerAt(NOW / 1000), true],
    ['300 s old', headerAt(NOW / 1000 - 300), true],
    ['301 s old', headerAt(NOW / 1000 - 301), false],
    ['signed with another secret', headerAt(NOW / 1000, 'whsec_other'), false],
    ['v0 only', headerAt(NOW / 1000).replace('v1=', 'v0='), false],
    ['two v1, the right one first', `${headerAt(NOW / 1000)},v1=${'0'.repeat(64)}`, true],
    ['two v1, the right one last', headerAt(NOW / 1000).replace('v1=', `v1=${'0'.repeat(64)},v1=`), true],
    ['without a timestamp', headerAt(NOW / 1000).replace(/t=\d+,/, ''), false]
  ])('%s', (_, header, expected) => {
    expect([ours(header), theirs(header)]).toEqual([expected, expected])
  })

  test('a header of ours verifies with stripe-node', () => {
    const header = signatureHeader('stripe', PAYLOAD, SECRET, new Date(NOW))['stripe-signature'] ?? ''
    expect(theirs(header)).toBe(true)
  })

  test('a timestamp an hour in the future passes stripe-node, and not us', () => {
    const header = headerAt(NOW / 1000 + 3600)
    expect([ours(header), theirs(header)]).toEqual([false, true])
  })
})

describe('our Paddle verification and paddle-node-sdk agree', () => {
  const processor = createPaddle({ webhookSecrets: [SECRET], apiKey: null, environment: 'sandbox' })
  const ours = (header: string) =>
    processor.verify({ rawBody: Buffer.from(PAYLOAD), headers: { 'paddle-signature': header }, nowMs: NOW }).valid
  const theirs = (header: string) => {
    jest.useFakeTimers({ now: NOW, doNotFake: ['nextTick', 'setImmediate', 'setTimeout'] })
    return paddleSdk.webhooks.isSignatureValid(PAYLOAD, SECRET, header)
  }
  const headerAt = (ageSeconds: number, secret = SECRET) =>
    signatureHeader('paddle', PAYLOAD, secret, new Date(NOW - ageSeconds * 1000))['paddle-signature'] ?? ''
  const other = `h1=${'0'.repeat(64)}`

  test.each([
    ['signed just now', headerAt(0), true],
    ['5 s old', headerAt(5), true],
    ['6 s old', headerAt(6), false],
    ['signed with another secret', headerAt(0, 'other'), false],
    ['two h1, the right one last', headerAt(0).replace('h1=', `${other};h1=`), true]
  ])('%s', async (_, header, expected) => {
    expect([ours(header), await theirs(header)]).toEqual([expected, expected])
  })

  test('two h1, the right one first: paddle-node-sdk looks at the last only', async () => {
    const header = `${headerAt(0)};${other}`
    expect([ours(header), await theirs(header)]).toEqual([true, false])
  })

  test('a timestamp a minute in the future passes paddle-node-sdk, and not us', async () => {
    const header = headerAt(-60)
    expect([ours(header), await theirs(header)]).toEqual([false, true])
  })

  test('a wider tolerance is a setting', () => {
    const wide = createPaddle({ webhookSecrets: [SECRET], apiKey: null, environment: 'sandbox', toleranceSeconds: 30 })
    const delivery = { rawBody: Buffer.from(PAYLOAD), headers: { 'paddle-signature': headerAt(29) }, nowMs: NOW }
    expect(wide.verify(delivery)).toEqual({ valid: true })
  })
})
