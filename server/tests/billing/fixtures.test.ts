import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { signatureHeader } from '../../../scripts/webhook/delivery.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { PADDLE_OUTCOMES, STRIPE_OBJECT_OUTCOMES, STRIPE_OUTCOMES } from './fixture-outcomes.ts'
import type { FixtureOutcome } from './fixture-outcomes.ts'

/**
 * Real payloads from public sources, kept beside the repository because their licences are not ours: CI has them, a
 * fresh clone has not.
 */
const FIXTURES = new URL('../../../../shared/fixtures/', import.meta.url)
const SECRET = 'whsec_fixtures'
const NOW = new Date('2026-02-01T12:00:00Z')

const processors = {
  stripe: createStripe({ webhookSecrets: [SECRET], apiKey: null }),
  paddle: createPaddle({ webhookSecrets: [SECRET], apiKey: null, environment: 'sandbox' })
}

/** pass signs the bytes as the processor would today, verifies them and says what they mean. */
function pass(name: keyof typeof processors, rawBody: Buffer) {
  const headers = signatureHeader(name, rawBody, SECRET, NOW)
  expect(processors[name].verify({ rawBody, headers, nowMs: NOW.getTime() })).toEqual({ valid: true })
  return processors[name].normalise(rawBody.toString('utf8'))
}

function filesIn(folder: string): string[] {
  return readdirSync(new URL(folder, FIXTURES)).filter((file) => file.endsWith('.json')).sort()
}

function expectOutcome(result: ReturnType<typeof pass>, outcome: FixtureOutcome): void {
  if (typeof outcome === 'string') expect(result).toMatchObject({ outcome: 'ignored', reason: outcome })
  else if ('rejected' in outcome) expect(result).toMatchObject({ outcome: 'rejected', reason: outcome.rejected })
  else expect(result).toEqual({ outcome: 'event', event: outcome })
}

if (!existsSync(FIXTURES)) {
  console.log('The public webhook payloads (../shared/fixtures) are absent: they were not checked in this run.')
  test('the public webhook payloads are absent from this machine, so they are not checked', () => {
    expect(existsSync(FIXTURES)).toBe(false)
  })
} else {
  describe.each([
    ['stripe', STRIPE_OUTCOMES],
    ['paddle', PADDLE_OUTCOMES]
  ] as const)('the public %s payloads', (name, outcomes) => {
    test('are all written down here, and none more', () => {
      expect(Object.keys(outcomes).sort()).toEqual(filesIn(`${name}/`))
    })

    test.each(Object.entries(outcomes))('%s verifies and means what is written', (file, outcome) => {
      expectOutcome(pass(name, readFileSync(new URL(`${name}/${file}`, FIXTURES))), outcome)
    })
  })

  describe('the public stripe objects, put into events', () => {
    test.each(Object.entries(STRIPE_OBJECT_OUTCOMES))('%s means what is written', (title, [file, type, outcome]) => {
      const object: unknown = JSON.parse(readFileSync(new URL(`stripe/objects/${file}`, FIXTURES), 'utf8'))
      const event = { id: `evt_${title.replaceAll(' ', '_')}`, object: 'event', created: 1_769_860_807, type, data: { object } }
      expectOutcome(pass('stripe', Buffer.from(JSON.stringify(event))), outcome)
    })
  })
}
