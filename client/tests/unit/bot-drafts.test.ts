import { describe, expect, test } from '@jest/globals'
import type { Usage } from '../../../server/src/contract/usage.ts'
import { EMPTY_DRAFT, sourceBytesOf } from '../../src/features/bots/create-draft.ts'
import { fieldErrorsOf } from '../../src/lib/field-errors.ts'
import { withFreed } from '../../src/lib/free-usage.ts'
import { createIntentKeys } from '../../src/lib/intent-keys.ts'
import { capOf, changeOf, valuesOf } from '../../src/features/bots/settings-draft.ts'
import { ApiProblem } from '../../src/lib/api.ts'

const STORED = { name: 'Support', instructions: '', welcomeMessage: '', model: null, monthlyMessageCap: 50 }

describe('the draft of a chatbot’s settings', () => {
  test('saving sends only what differs from what is stored', () => {
    expect(changeOf(STORED, {})).toEqual({})
    expect(changeOf(STORED, { name: 'Support', monthlyMessageCap: 50 })).toEqual({})
    expect(changeOf(STORED, { name: 'Help', monthlyMessageCap: null })).toEqual({ name: 'Help', monthlyMessageCap: null })
  })

  test('fields nobody touched follow what is stored', () => {
    expect(valuesOf({ ...STORED, instructions: 'Be kind.' }, { name: 'Help' })).toEqual({ ...STORED, instructions: 'Be kind.', name: 'Help' })
  })

  test('an empty cap is no cap, never 0', () => {
    expect(capOf('')).toBeNull()
    expect(capOf(25)).toBe(25)
    expect(capOf('-')).toBeNull()
  })
})

describe('the key of an intent', () => {
  test('tries of the same have one key; another content, or the same again after it happened, has its own', () => {
    let made = 0
    const keys = createIntentKeys(() => `key-${++made}`)
    expect([keys.keyFor('a'), keys.keyFor('a'), keys.keyFor('b')]).toEqual(['key-1', 'key-1', 'key-2'])
    keys.done()
    expect(keys.keyFor('b')).toBe('key-3')
  })
})

describe('what deleting frees', () => {
  const row = { title: '', unit: '', resetsAt: null, forecast: null }
  const usage: Usage = {
    plan: 'starter', windowStart: null, resetsAt: null, asOf: '2026-11-21T00:00:00Z',
    metrics: [
      { ...row, metric: 'chatbots', kind: 'gauge', used: 4, quota: 3, remaining: 0 },
      { ...row, metric: 'storage_bytes', kind: 'gauge', used: 10, quota: null, remaining: null },
      { ...row, metric: 'messages', kind: 'counter', used: 7, quota: 9, remaining: 2 }
    ]
  }

  test('levels fall at once, also from above the quota, and never below zero', () => {
    const [chatbots, storage] = withFreed(usage, { chatbots: 2, storage_bytes: 99 }).metrics
    expect(chatbots).toMatchObject({ used: 2, remaining: 1 })
    expect(storage).toMatchObject({ used: 0, remaining: null })
    expect(withFreed(usage, { chatbots: 1 }).metrics[0]).toMatchObject({ used: 3, remaining: 0 })
  })

  test('what was used up stays used', () => {
    expect(withFreed(usage, { messages: 5 }).metrics[2]).toMatchObject({ used: 7, remaining: 2 })
  })
})

describe('the draft of a new chatbot', () => {
  test('the source that is chosen is the one that is measured, in bytes and not in characters', () => {
    const draft = { ...EMPTY_DRAFT, text: 'äö', file: new File(['12345'], 'a.md') }
    expect(sourceBytesOf(draft)).toBe(5)
    expect(sourceBytesOf({ ...draft, source: 'text' })).toBe(4)
    expect(sourceBytesOf({ ...EMPTY_DRAFT, source: 'text', text: '  ' })).toBe(0)
  })

  test('what the server says about a field is told beside that field', () => {
    const body = { type: 'about:blank', title: 'Invalid', status: 400, code: 'invalid_request', detail: 'No.', instance: '/', requestId: 'r' }
    const error = new ApiProblem({ ...body, errors: [{ field: 'name', problem: 'needs at least one character' }] }, null)
    expect(fieldErrorsOf(error)).toEqual({ name: 'This needs at least one character.' })
    expect(fieldErrorsOf(new Error('x'))).toEqual({})
  })
})
