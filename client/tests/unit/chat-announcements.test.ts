import { describe, expect, test } from '@jest/globals'
import { takeAnnouncement } from '../../src/features/chat/announcements.ts'

/** hear lets a text grow piece by piece and collects what is read out. */
function hear(pieces: readonly string[]): string[] {
  const heard: string[] = []
  let text = ''
  let spoken = 0
  const take = (isComplete: boolean): void => {
    const next = takeAnnouncement(text, spoken, isComplete)
    spoken = next.spoken
    if (next.words !== '') heard.push(next.words)
  }
  for (const piece of pieces) {
    text += piece
    take(false)
  }
  take(true)
  return heard
}

describe('a streamed answer is read out', () => {
  test('by whole sentences, each once, with the rest at its end', () => {
    expect(hear(['Refunds ', 'take 14', ' days. ', 'Then they', ' are paid. By card', ' only'])).toEqual([
      'Refunds take 14 days.',
      'Then they are paid.',
      'By card only'
    ])
  })

  test('not cut at a number or an address', () => {
    expect(hear(['It costs 3', '.', '50 at example', '.com today'])).toEqual(['It costs 3.50 at example.com today'])
  })

  test('line by line where there are no sentences', () => {
    expect(hear(['- one\n', '- two\n', '- three'])).toEqual(['one', 'two', 'three'])
  })

  test('without marks of Markdown and citations', () => {
    expect(hear(['## Refunds\n', 'They take **14** days [1][2], see [the page](https://example.com/a). '])).toEqual([
      'Refunds',
      'They take 14 days, see the page.'
    ])
  })

  test('after the same text once more, says nothing twice', () => {
    const { spoken } = takeAnnouncement('One. Two. ', 0, false)
    expect(takeAnnouncement('One. Two. ', spoken, true)).toEqual({ words: '', spoken })
  })
})
