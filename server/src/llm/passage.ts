/** Passage is a piece of a document as retrieval found it; `number` is its mark in the answer, `[1]` the first. */
export type Passage = { number: number; documentId: string; documentName: string; place: number; content: string }

/** excerptOf is the start of a passage on one line, at most 300 characters, as a reader sees it beside a citation. */
export function excerptOf(passage: Passage): string {
  const characters = [...passage.content.replace(/\s+/g, ' ').trim()]
  return characters.length <= EXCERPT_LIMIT ? characters.join('') : `${characters.slice(0, EXCERPT_LIMIT - 1).join('')}…`
}

const EXCERPT_LIMIT = 300
