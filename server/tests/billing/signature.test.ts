import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PADDLE_SIGNATURE } from '../../src/billing/processors/paddle/signature.ts'
import { STRIPE_SIGNATURE } from '../../src/billing/processors/stripe/signature.ts'
import { sign, verifySignature } from '../../src/billing/signature.ts'

const NOW = Date.UTC(2026, 1, 1, 12)
const T = NOW / 1000
const SECRET = 'whsec_parley'
const BODY = Buffer.from('{"id":"evt_1"}')
const stripeMac = sign(STRIPE_SIGNATURE, SECRET, T, BODY)
const paddleMac = sign(PADDLE_SIGNATURE, SECRET, T, BODY)

function stripe(header: string) {
  return verifySignature(STRIPE_SIGNATURE, { rawBody: BODY, headers: { 'stripe-signature': header }, nowMs: NOW }, [SECRET], 300)
}

describe('the signature header is read strictly', () => {
  test.each([
    ['only a timestamp', `t=${T}`, 'no usable v1 signature'],
    ['only a signature', `v1=${stripeMac}`, 'no timestamp'],
    ['only v0', `t=${T},v0=${stripeMac}`, 'no usable v1 signature'],
    ['an empty timestamp', `t=,v1=${stripeMac}`, 'no number of seconds'],
    ['a timestamp in words', `t=now,v1=${stripeMac}`, 'no number of seconds'],
    ['a negative timestamp', `t=-${T},v1=${stripeMac}`, 'no number of seconds'],
    ['a fractional timestamp', `t=${T}.0,v1=${stripeMac}`, 'no number of seconds'],
    ['a timestamp in exponents', `t=1e9,v1=${stripeMac}`, 'no number of seconds'],
    ['a timestamp with a leading zero', `t=0${T},v1=${stripeMac}`, 'no number of seconds'],
    ['a timestamp of forty digits', `t=${'9'.repeat(40)},v1=${stripeMac}`, 'no number of seconds'],
    ['a timestamp in other digits', `t=١٢٣,v1=${stripeMac}`, 'no number of seconds'],
    ['two timestamps', `t=${T},t=${T},v1=${stripeMac}`, 'more than one timestamp'],
    ['two headers joined by a proxy', `t=${T},v1=${stripeMac}, t=${T},v1=${stripeMac}`, 'more than one timestamp'],
    ['an empty signature', `t=${T},v1=`, 'no usable v1 signature'],
    ['a signature that is no hex', `t=${T},v1=${'z'.repeat(64)}`, 'no usable v1 signature'],
    ['a signature too short', `t=${T},v1=${stripeMac.slice(2)}`, 'no usable v1 signature'],
    ['a signature too long', `t=${T},v1=${stripeMac}00`, 'no usable v1 signature'],
    ['a part without a value', `t=${T},v1`, 'malformed'],
    ['a part without a key', `t=${T},=${stripeMac}`, 'malformed'],
    ['a trailing comma', `t=${T},v1=${stripeMac},`, 'malformed'],
    ['the other processor’s separator', `t=${T};v1=${stripeMac}`, 'no number of seconds'],
    ['an hour of signatures', `t=${T}${`,v1=${'0'.repeat(64)}`.repeat(100)},v1=${stripeMac}`, 'longer than'],
    ['nothing but commas', ',,,', 'malformed'],
    ['a prototype’s name', `__proto__=${stripeMac},t=${T}`, 'no usable v1 signature']
  ])('%s does not verify, and the reason says why', (_, header, reason) => {
    expect(stripe(header)).toEqual({ valid: false, reason: expect.stringContaining(reason) })
  })

  test('unknown schemes and a useless signature beside a good one are passed over', () => {
    expect(stripe(`t=${T},v0=${'0'.repeat(64)},v1=short,v2=later,v1=${stripeMac}`)).toEqual({ valid: true })
  })

  test('the schemes do not stand in for each other', () => {
    expect(stripe(`t=${T},v1=${paddleMac}`).valid).toBe(false)
  })
})

describe('whatever the header holds, verification neither throws nor passes', () => {
  const alphabet = [...'tsvh01=,; :.-', '__proto__', 't=', 'ts=', 'v1=', 'h1=', String(T), stripeMac.slice(0, 63), '\u0000', 'é', '💥']
  const shaped = fc.array(fc.constantFrom(...alphabet), { maxLength: 40 }).map((parts) => parts.join(''))
  const bytes = fc.uint8Array({ maxLength: 6000 }).map((array) => Buffer.from(array).toString('latin1'))

  test.each([STRIPE_SIGNATURE, PADDLE_SIGNATURE])('$header', (scheme) => {
    fc.assert(
      fc.property(fc.oneof(shaped, bytes, fc.string({ unit: 'binary', maxLength: 500 })), (value) => {
        const delivery = { rawBody: BODY, headers: { [scheme.header]: value }, nowMs: NOW }
        const verdict = verifySignature(scheme, delivery, [SECRET], 300)
        expect(verdict).toEqual({ valid: false, reason: expect.any(String) })
      }),
      { seed: 20260201, numRuns: 3000 }
    )
  })

  test('a good signature with any one character changed no longer verifies', () => {
    const good = `t=${T},v1=${stripeMac}`
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(good[at] !== character)
        expect(stripe(good.slice(0, at) + character + good.slice(at + 1)).valid).toBe(false)
      }),
      { seed: 20260202, numRuns: 3000 }
    )
  })
})
