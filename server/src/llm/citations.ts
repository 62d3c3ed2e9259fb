import { type Citation } from '../contract/messages.ts'
import { excerptOf, type Passage } from './passage.ts'

/** citationsOf answers the passages that a text cites as `[1]` or `[1, 3]`, in the order of their first mention. */
export function citationsOf(text: string, passages: readonly Passage[]): Citation[] {
  const cited = new Set<number>()
  for (const [, list] of text.matchAll(/\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g)) {
    for (const number of list?.split(',') ?? []) cited.add(Number(number))
  }
  return [...cited].flatMap((number) => {
    const passage = passages.find((candidate) => candidate.number === number)
    return passage === undefined ? [] : [toCitation(passage)]
  })
}

function toCitation(passage: Passage): Citation {
  const { number, documentId, documentName, place } = passage
  return { number, documentId, documentName, place, excerpt: excerptOf(passage) }
}
