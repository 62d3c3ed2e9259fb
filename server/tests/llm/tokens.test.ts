import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { estimateTokens } from '../../src/llm/tokens.ts'

describe('estimateTokens', () => {
  test('is at or somewhat above what byte-pair tokenizers count', () => {
    // OpenAI's cl100k_base counts 2 and 10.
    expect(estimateTokens('Hello world')).toBeGreaterThanOrEqual(2)
    const prose = 'The quick brown fox jumps over the lazy dog.'
    expect(estimateTokens(prose)).toBeGreaterThanOrEqual(10)
    expect(estimateTokens(prose)).toBeLessThanOrEqual(16)
    // Scripts without spaces take about one token per character.
    expect(estimateTokens('你好世界')).toBe(4)
  })

  test('never counts more for a part than for the whole, and something for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' }), (one, other) => {
        expect(estimateTokens(`${one}\n${other}`)).toBeGreaterThanOrEqual(estimateTokens(one))
        if (one.trim() !== '') expect(estimateTokens(one)).toBeGreaterThan(0)
      }),
      { seed: 20261120 }
    )
  })
})
