import { expect, test } from '@jest/globals'
import { citationsOf } from '../../src/llm/citations.ts'
import type { Passage } from '../../src/llm/passage.ts'

const passages: Passage[] = [1, 2, 3].map((number) => ({
  number,
  documentId: `document-${number}`,
  documentName: `${number}.md`,
  place: number * 10,
  content: `Passage ${number} 🦜`
}))

test('an answer cites exactly the passages it marks, once each, in the order of mention', () => {
  const numbers = citationsOf('First [3]. Then [1, 3] and [1].', passages).map(({ number }) => number)
  expect(numbers).toEqual([3, 1])
})

test('marks of passages that do not exist, and other brackets, cite nothing', () => {
  expect(citationsOf('See [4], [x], [2024-01-01] and array[0].', passages)).toEqual([])
})

test('a citation names its document and quotes at most 300 characters without splitting one', () => {
  const long: Passage[] = [{ number: 1, documentId: 'd', documentName: 'long.md', place: 1, content: '🦜'.repeat(500) }]
  const [citation] = citationsOf('[1]', long)
  expect([...(citation?.excerpt ?? '')].length).toBe(300)
  expect(citation?.excerpt.isWellFormed()).toBe(true)
  expect(citation).toMatchObject({ documentId: 'd', documentName: 'long.md', place: 1 })
})
