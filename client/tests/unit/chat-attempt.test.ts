import { describe, expect, test } from '@jest/globals'
import { type Attempt, isOutcomeUnknown, planRepeat, wasTaken } from '../../src/features/chat/attempt.ts'
import { Unreachable } from '../../src/lib/api.ts'
import { answer, problem, question } from './chat-messages.ts'

const attempt: Attempt = { content: 'How long?', key: 'key-1', replaces: null, after: 'answer-0' }
const newKey = (): string => 'key-2'

describe('a question that was not answered', () => {
  test.each([
    { what: 'no answer', error: new Unreachable(null), isUnknown: true },
    { what: 'an answer that cannot be read', error: new Error('network error'), isUnknown: true },
    { what: '500', error: problem(500, 'internal_error'), isUnknown: true },
    { what: '503 of the database', error: problem(503, 'service_unavailable'), isUnknown: true },
    { what: '409 still running', error: problem(409, 'request_in_progress'), isUnknown: true },
    { what: '503 of the model', error: problem(503, 'model_unavailable'), isUnknown: false },
    { what: '402', error: problem(402, 'quota_exceeded'), isUnknown: false },
    { what: '404', error: problem(404, 'not_found'), isUnknown: false },
    { what: '422', error: problem(422, 'request_id_reused'), isUnknown: false }
  ])('keeps its key only where it may have arrived: $what', ({ error, isUnknown }) => {
    expect(isOutcomeUnknown(error)).toBe(isUnknown)
  })

  test('is asked again as it was when the thread knows nothing of it', () => {
    expect(planRepeat([], attempt, newKey)).toEqual({ do: 'ask', attempt })
    expect(planRepeat([answer('answer-0', 'complete'), question('q-0', 'Another?')], attempt, newKey)).toEqual({ do: 'ask', attempt })
  })

  test('is followed when its answer is under way', () => {
    const thread = [answer('answer-1', 'streaming'), question('q-1', 'How long?')]
    expect(planRepeat(thread, attempt, newKey)).toEqual({ do: 'follow', messageId: 'answer-1' })
    expect(planRepeat([answer('answer-1', 'streaming'), question('q-1', 'Another?')], attempt, newKey)).toEqual({ do: 'ask', attempt })
  })

  test('is not in the thread twice when its answer failed: that answer is given anew, with a new key', () => {
    const thread = [answer('answer-1', 'failed'), answer('answer-0', 'complete'), question('q-1', 'How long?')]
    expect(planRepeat(thread, attempt, newKey)).toEqual({ do: 'ask', attempt: { ...attempt, key: 'key-2', replaces: 'answer-1' } })
  })

  test('keeps its key when the failed answer is the one that was to be replaced', () => {
    const again = { ...attempt, replaces: 'answer-1' }
    expect(planRepeat([answer('answer-1', 'failed'), question('q-1', 'How long?')], again, newKey)).toEqual({ do: 'ask', attempt: again })
  })

  test('is asked with its own key, which tells the answer again, when it was answered meanwhile', () => {
    expect(planRepeat([answer('answer-1', 'complete'), question('q-1', 'How long?')], attempt, newKey)).toEqual({ do: 'ask', attempt })
  })
})

describe('what is in the box after a reload', () => {
  test('is in the thread already when a newer answer to it is there', () => {
    expect(wasTaken([answer('answer-1', 'complete'), question('q-1', 'How long?')], attempt)).toBe(true)
    expect(wasTaken([answer('answer-1', 'stopped'), question('q-1', 'How long?')], attempt)).toBe(true)
  })

  test('is kept when the same question was answered before, or its answer failed, or nothing is there', () => {
    expect(wasTaken([answer('answer-0', 'complete'), question('q-0', 'How long?')], attempt)).toBe(false)
    expect(wasTaken([answer('answer-1', 'failed'), question('q-1', 'How long?')], attempt)).toBe(false)
    expect(wasTaken([answer('answer-1', 'complete'), question('q-1', 'Another?')], attempt)).toBe(false)
    expect(wasTaken([], attempt)).toBe(false)
  })
})
