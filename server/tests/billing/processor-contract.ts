import { describe, expect, test } from '@jest/globals'
import type { ProcessorName } from '../../src/billing/billing-event.ts'
import type { Processor } from '../../src/billing/processor.ts'
import { Unreadable } from '../../src/billing/processor.ts'

/**
 * ContractSubject is a processor under the contract: how it is made, a body it acts on, one it does not know, and one it
 * acts on but cannot read. `sign` gives the header that it sends. `joinSignatures` puts several signatures on one header, in
 * the order given; null where there is only ever one. `toleranceSeconds` null: nothing that is signed tells the time.
 */
export type ContractSubject = {
  name: ProcessorName
  sign: (body: string | Buffer, secret: string, sentAt: Date) => Record<string, string>
  create: (webhookSecrets: string[]) => Processor
  toleranceSeconds: number | null
  known: string
  unknown: string
  malformed: string
  joinSignatures: ((headers: string[]) => string) | null
}

const NOW = Date.UTC(2026, 1, 1, 12)
const SECRET = 'whsec_the_new_secret'
const OLD_SECRET = 'whsec_the_old_secret'
const STRANGER = 'whsec_somebody_elses'

/** processorContract declares what every processor must hold to (ARCHITECTURE.md: a processor is one folder that passes it). */
export function processorContract(subject: ContractSubject): void {
  const { toleranceSeconds: limit, joinSignatures } = subject
  const [header = ''] = Object.keys(subject.sign('', SECRET, new Date(NOW)))

  function signed(body: string, secret = SECRET, ageSeconds = 0): string {
    return subject.sign(body, secret, new Date(NOW - ageSeconds * 1000))[header] ?? ''
  }
  function verify(secrets: string[], value: string | string[] | undefined, body = subject.known) {
    const headers = value === undefined ? {} : { [header]: value }
    return subject.create(secrets).verify({ rawBody: Buffer.from(body), headers, nowMs: NOW })
  }
  function reasonOf(...delivery: Parameters<typeof verify>): string {
    const verdict = verify(...delivery)
    return verdict.valid ? 'valid' : verdict.reason
  }

  describe(`the ${subject.name} processor holds to the contract`, () => {
    test('a delivery signed with the configured secret verifies', () => {
      expect(verify([SECRET], signed(subject.known))).toEqual({ valid: true })
    })

    test('one changed byte in the body does not verify', () => {
      expect(reasonOf([SECRET], signed(subject.known), `${subject.known} `)).toBe('no signature matches a configured secret')
    })

    test('a signature by another secret does not verify', () => {
      expect(reasonOf([SECRET], signed(subject.known, STRANGER))).toBe('no signature matches a configured secret')
    })

    // What a signature does not hold cannot be tested: a scheme without a time has no age.
    if (limit !== null) test('the timestamp is part of what is signed', () => {
      const moved = signed(subject.known, SECRET, 2).replace(String(NOW / 1000 - 2), String(NOW / 1000))
      expect(reasonOf([SECRET], moved)).toBe('no signature matches a configured secret')
    })

    if (limit !== null) test('the age limit holds for the past and for the future, to the second', () => {
      expect(verify([SECRET], signed(subject.known, SECRET, limit))).toEqual({ valid: true })
      expect(verify([SECRET], signed(subject.known, SECRET, -limit))).toEqual({ valid: true })
      expect(reasonOf([SECRET], signed(subject.known, SECRET, limit + 1))).toContain(`${limit + 1} s old`)
      expect(reasonOf([SECRET], signed(subject.known, SECRET, -limit - 1))).toContain(`${limit + 1} s in the future`)
    })

    test('while a secret is rolled, either secret verifies in any order', () => {
      for (const secrets of [[SECRET, OLD_SECRET], [OLD_SECRET, SECRET]]) {
        expect(verify(secrets, signed(subject.known, SECRET))).toEqual({ valid: true })
        expect(verify(secrets, signed(subject.known, OLD_SECRET))).toEqual({ valid: true })
        expect(verify(secrets, signed(subject.known, STRANGER)).valid).toBe(false)
      }
    })

    if (joinSignatures !== null) test('of several signatures one suffices, in any order', () => {
      const [right, wrong] = [signed(subject.known), signed(subject.known, STRANGER)]
      expect(verify([SECRET], joinSignatures([right, wrong]))).toEqual({ valid: true })
      expect(verify([SECRET], joinSignatures([wrong, right]))).toEqual({ valid: true })
      expect(verify([SECRET], joinSignatures([wrong, wrong])).valid).toBe(false)
    })

    test('without a secret nothing verifies, not even a signature by the empty key', () => {
      for (const secrets of [[], [''], ['', '  ']]) {
        expect(reasonOf(secrets, signed(subject.known, ''))).toBe('no webhook secret configured')
      }
      expect(reasonOf(['', SECRET], signed(subject.known, ''))).toBe('no signature matches a configured secret')
      expect(verify(['', SECRET], signed(subject.known))).toEqual({ valid: true })
    })

    test('an absent, empty or repeated header does not verify', () => {
      expect(reasonOf([SECRET], undefined)).toContain('missing')
      expect(reasonOf([SECRET], '')).toContain('missing')
      expect(reasonOf([SECRET], [signed(subject.known), signed(subject.known)])).toContain('more than once')
      expect(reasonOf([SECRET], `${signed(subject.known)}, ${signed(subject.known)}`)).not.toBe('valid')
    })

    test('bytes that are no UTF-8 are verified as they came', () => {
      const rawBody = Buffer.from([0xff, 0x00, 0xfe, 0x7b])
      const value = subject.sign(rawBody, SECRET, new Date(NOW))
      expect(subject.create([SECRET]).verify({ rawBody, headers: value, nowMs: NOW })).toEqual({ valid: true })
      const replaced = Buffer.from(rawBody.toString('utf8'))
      expect(subject.create([SECRET]).verify({ rawBody: replaced, headers: value, nowMs: NOW }).valid).toBe(false)
    })

    test('no reason repeats a secret or a signature', () => {
      const values = [
        signed(subject.known, STRANGER),
        signed(subject.known).slice(0, -1),
        ...(limit === null
          ? []
          : [signed(subject.known, SECRET, 9999), signed(subject.known, SECRET, -9999), signed(subject.known).replace(/\d{10}/, 'soon')])
      ]
      for (const value of values) {
        const reason = reasonOf([SECRET, OLD_SECRET], value)
        expect(reason).not.toBe('valid')
        expect(reason).not.toContain('whsec')
        expect(reason).not.toMatch(/[0-9a-f]{12}/)
      }
    })

    test('normalise says the same thing each time, and keeps the event id and type', () => {
      const processor = subject.create([SECRET])
      for (const body of [subject.known, subject.unknown, subject.malformed]) {
        expect(processor.normalise(body)).toEqual(processor.normalise(body))
      }
      expect(processor.normalise(subject.known)).toMatchObject({ outcome: 'event', event: { processor: subject.name } })
    })

    test('an unknown event type is ignored, a known type in an unknown shape rejected with the field named', () => {
      const processor = subject.create([SECRET])
      expect(processor.normalise(subject.unknown)).toMatchObject({ outcome: 'ignored', reason: expect.any(String) })
      expect(processor.normalise(subject.malformed)).toMatchObject({
        outcome: 'rejected',
        reason: expect.stringMatching(/^(data|payload)\.[a-z_.0-9]+: /)
      })
    })

    test('what is no JSON object with an event id and type is unreadable', () => {
      const processor = subject.create([SECRET])
      const bodies = ['', ' ', '{', 'null', '[]', '"text"', '7', '{}', '{"id":7,"event_id":7}', '\uFEFF{}', '['.repeat(400_000)]
      for (const body of bodies) expect(() => processor.normalise(body)).toThrow(Unreadable)
    })

    test('without an API key there is nothing to ask with', () => {
      expect(subject.create([SECRET]).api).toBeNull()
    })
  })
}
