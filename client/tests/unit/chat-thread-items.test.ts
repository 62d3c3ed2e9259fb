import { describe, expect, test } from '@jest/globals'
import type { LiveAnswer } from '../../src/features/chat/live-answer.ts'
import { threadItems } from '../../src/features/chat/thread-items.ts'
import type { Turn } from '../../src/features/chat/turn-runner.ts'
import { answer, question } from './chat-messages.ts'

const idle: Turn = {
  phase: 'idle', attempt: null, answer: null, messageId: null, isStopping: false, isElsewhere: false, isLost: false, failure: null
}
const asked = { content: 'Second?', key: 'key-1', replaces: null, after: 'a-1' }
const live = (fields: Partial<LiveAnswer> = {}): LiveAnswer => ({
  messageId: 'a-2', userMessageId: 'q-2', text: 'So far', citations: [], usage: null, ended: null, problem: null, ...fields
})
const before = [answer('a-1', 'complete', 'First answer'), question('q-1', 'First?')]
const show = (turn: Turn, stored = before) => threadItems(stored, turn).map(({ role, status, content, isPending }) =>
  `${role} ${status} ${content}${isPending ? ' (pending)' : ''}`)
const FIRST = ['user complete First?', 'assistant complete First answer']

describe('the thread', () => {
  test('shows a question at once, as pending until it is taken', () => {
    expect(show({ ...idle, phase: 'waiting', attempt: asked })).toEqual([...FIRST, 'user complete Second? (pending)'])
    expect(show({ ...idle, phase: 'streaming', attempt: asked, answer: live() })).toEqual([
      ...FIRST, 'user complete Second?', 'assistant streaming So far'
    ])
  })

  test('shows nothing twice when the messages are read again in the middle of an answer', () => {
    const stored = [answer('a-2', 'streaming'), question('q-2', 'Second?'), ...before]
    const shown = [...FIRST, 'user complete Second?', 'assistant streaming So far']
    expect(show({ ...idle, phase: 'streaming', attempt: asked, answer: live() }, stored)).toEqual(shown)
    expect(show({ ...idle, phase: 'waiting', attempt: asked }, stored)).toEqual([...FIRST, 'user complete Second?', 'assistant streaming '])
  })

  test('takes what is stored for what was streamed once it is finished', () => {
    const stored = [answer('a-2', 'complete', 'The whole answer'), question('q-2', 'Second?'), ...before]
    expect(show({ ...idle, attempt: asked, answer: live({ ended: 'complete' }) }, stored)).toEqual([
      ...FIRST, 'user complete Second?', 'assistant complete The whole answer'
    ])
  })

  test('replaces an answer when the new one begins, with the failed ones after it, and not before', () => {
    const attempt = { content: 'First?', key: 'key-1', replaces: 'a-1', after: 'a-1' }
    expect(show({ ...idle, phase: 'waiting', attempt })).toEqual(FIRST)
    expect(show({ ...idle, phase: 'streaming', attempt, answer: live() })).toEqual(['user complete First?', 'assistant streaming So far'])
    const failedSince = [answer('a-1b', 'failed'), ...before]
    expect(show({ ...idle, phase: 'streaming', attempt: { ...attempt, replaces: 'a-1b' }, answer: live() }, failedSince)).toEqual([
      'user complete First?', 'assistant streaming So far'
    ])
  })

  test('brings the old answer back when the new one fails', () => {
    const attempt = { content: 'First?', key: 'key-1', replaces: 'a-1', after: 'a-1' }
    expect(show({ ...idle, phase: 'streaming', attempt, answer: live({ ended: 'failed' }) })).toEqual([...FIRST, 'assistant failed So far'])
  })

  test('does not show a question that was refused: it is in the box', () => {
    expect(show({ ...idle, failure: { error: new Error('refused'), attempt: asked } })).toEqual(FIRST)
  })
})
