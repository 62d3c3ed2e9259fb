import { describe, expect, test } from '@jest/globals'
import type { ChatbotBody } from '../../../server/src/contract/chatbots.ts'
import type { Usage } from '../../../server/src/contract/usage.ts'
import { costOf, lengthNote, remainingNote, titleOf } from '../../src/features/chat/notes.ts'

const usage = (remaining: number | null, quota: number | null): Usage => ({
  plan: 'free', windowStart: null, resetsAt: null, asOf: '2026-11-21T00:00:00Z',
  metrics: [{
    metric: 'messages', title: 'Messages', kind: 'counter', unit: 'message', used: quota === null ? 5 : quota - (remaining ?? 0),
    quota, remaining, resetsAt: '2026-11-24T12:00:00Z', forecast: null
  }]
})
const bot = (monthlyMessageCap: number | null, messagesThisWindow: number): ChatbotBody => ({
  chatbotId: '', name: '', instructions: '', welcomeMessage: '', model: null, documentCount: 0, storageBytes: 0, createdAt: '', updatedAt: '',
  monthlyMessageCap, messagesThisWindow, readOnly: false
})

describe('what is left', () => {
  test('is told from a fifth down, and not before', () => {
    expect(remainingNote(usage(21, 100), bot(null, 0))).toBeNull()
    expect(remainingNote(usage(20, 100), bot(null, 0))).toMatch(/^20 messages left until .*24/)
    expect(remainingNote(usage(1, 100), bot(null, 0))).toMatch(/^1 message left until/)
    expect(remainingNote(usage(0, 100), undefined)).toMatch(/^0 messages left until/)
  })

  test('is not told where nothing is counted or known', () => {
    expect(remainingNote(usage(null, null), bot(null, 0))).toBeNull()
    expect(remainingNote(undefined, undefined)).toBeNull()
  })

  test("is the chatbot's own where its cap ends sooner", () => {
    expect(remainingNote(usage(90, 100), bot(10, 8))).toMatch(/^2 messages left for this chatbot until/)
    expect(remainingNote(usage(null, null), bot(10, 12))).toMatch(/^0 messages left for this chatbot/)
    expect(remainingNote(usage(1, 100), bot(10, 8))).toMatch(/^1 message left until/)
  })
})

describe('an answer', () => {
  test('that failed or was stopped before its first word cost nothing', () => {
    expect(costOf({ status: 'failed', inputTokens: 5, outputTokens: 5 })).toContain('cost nothing')
    expect(costOf({ status: 'stopped', inputTokens: 0, outputTokens: 0 })).toContain('cost nothing')
  })

  test('that was written cost one message and its tokens, stopped or not', () => {
    expect(costOf({ status: 'complete', inputTokens: 20, outputTokens: 1 })).toBe('This answer cost 1 message and 21 tokens (20 read, 1 written).')
    expect(costOf({ status: 'stopped', inputTokens: 20, outputTokens: 3 })).toContain('1 message and 23 tokens')
  })
})

describe('a question', () => {
  test('is counted in characters as the server counts them, near the limit only', () => {
    expect(lengthNote('x'.repeat(7199))).toEqual({ note: null, isTooLong: false })
    expect(lengthNote(`  ${'🦜'.repeat(8000)}  `)).toMatchObject({ isTooLong: false })
    expect(lengthNote('x'.repeat(8001))).toEqual({ note: expect.stringContaining('1 too many'), isTooLong: true })
  })

  test('becomes a title of one line that the server takes', () => {
    expect(titleOf('  How\n\nlong? ')).toBe('How long?')
    expect([...titleOf('🦜'.repeat(300))]).toHaveLength(200)
  })
})
