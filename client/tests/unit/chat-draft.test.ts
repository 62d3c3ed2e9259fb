import { describe, expect, test } from '@jest/globals'
import { draftName, keepDraft, readDraft } from '../../src/features/chat/draft.ts'

const EMPTY = { text: '', attempt: null }

/** memory is a Storage that keeps its items for the test; `limit` is how many characters it takes. */
function memory(limit = Infinity): Storage {
  const items = new Map<string, string>()
  return {
    get length() {
      return items.size
    },
    clear: () => items.clear(),
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (name) => items.get(name) ?? null,
    removeItem: (name) => void items.delete(name),
    setItem: (name, value) => {
      if (value.length > limit) throw new DOMException('full', 'QuotaExceededError')
      items.set(name, value)
    }
  }
}

describe('a draft', () => {
  test('is kept with what was sent and not confirmed, per conversation', () => {
    const storage = memory()
    const draft = { text: 'How long?', attempt: { content: 'How long?', key: 'key-1', replaces: null, after: 'answer-0' } }
    keepDraft(draftName('ada', 'bot', 'talk-1'), draft, () => storage)
    expect(readDraft(draftName('ada', 'bot', 'talk-1'), () => storage)).toEqual(draft)
    expect(readDraft(draftName('ada', 'bot', 'talk-2'), () => storage)).toEqual(EMPTY)
    expect(readDraft(draftName('ada', 'bot', null), () => storage)).toEqual(EMPTY)
  })

  test('is not shown to the next user of the browser, who may have the same chatbot', () => {
    const storage = memory()
    keepDraft(draftName('ada', 'bot', 'talk-1'), { text: 'My salary is', attempt: null }, () => storage)
    expect(readDraft(draftName('ben', 'bot', 'talk-1'), () => storage)).toEqual(EMPTY)
  })

  test('leaves nothing behind when it is empty', () => {
    const storage = memory()
    keepDraft('name', { text: 'x', attempt: null }, () => storage)
    keepDraft('name', EMPTY, () => storage)
    expect(storage.length).toBe(0)
  })

  test('is empty when what is kept cannot be read', () => {
    const storage = memory()
    for (const broken of ['{', '{"text":1}', 'null', '{"text":"x"}']) {
      storage.setItem('name', broken)
      expect(readDraft('name', () => storage)).toEqual(EMPTY)
    }
  })

  test('does no harm in a browser that keeps nothing', () => {
    const forbidden = (): Storage => {
      throw new DOMException('denied', 'SecurityError')
    }
    expect(readDraft('name', forbidden)).toEqual(EMPTY)
    expect(() => keepDraft('name', { text: 'x', attempt: null }, forbidden)).not.toThrow()
    expect(() => keepDraft('name', { text: 'x'.repeat(100), attempt: null }, () => memory(10))).not.toThrow()
  })
})
