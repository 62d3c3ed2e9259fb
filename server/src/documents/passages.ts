import { cutAtRoom, sentencesOf } from './sentences.ts'
import type { MediaType } from './document-text.ts'

/** PASSAGE_LIMIT is the longest passage, in UTF-16 units: long enough to answer from, short enough to quote and to rank. */
export const PASSAGE_LIMIT = 800

// A heading starts a new passage only when the one before it is worth finding alone.
const SECTION_FLOOR = 320
// Longer lines are no titles; carrying them would fill the passage.
const HEADING_LIMIT = 120
const OVERLAP_LIMIT = 120

/**
 * splitIntoPassages cuts a document's text into passages of at most {@link PASSAGE_LIMIT}, on headings, then paragraphs,
 * then sentences, then words. No text is lost and its order is kept. A passage that continues a section starts with that
 * section's heading; one that continues a paragraph repeats the sentence before it, when that is short.
 */
export function splitIntoPassages(text: string, mediaType: MediaType): string[] {
  const passages: string[] = []
  let heading = ''
  let current = ''
  // How much of `current` is repeated from before: a passage of nothing else is not kept.
  let repeated = 0
  const isFresh = (): boolean => current.length === repeated

  const start = (overlap: string): void => {
    current = [heading, overlap.trim()].filter((part) => part !== '').map((part) => `${part}\n`).join('')
    repeated = current.length
  }
  const flush = (overlap = ''): void => {
    if (!isFresh()) passages.push(current.trim())
    start(overlap)
  }
  const addInPieces = (paragraph: string): void => {
    if (!isFresh()) current += '\n\n'
    let before = ''
    for (const sentence of sentencesOf(paragraph)) {
      if (current.length + sentence.length > PASSAGE_LIMIT) flush(before.length <= OVERLAP_LIMIT ? before : '')
      if (current.length + sentence.length > PASSAGE_LIMIT) start('')
      let rest = sentence
      while (current.length + rest.length > PASSAGE_LIMIT) {
        const piece = cutAtRoom(rest, PASSAGE_LIMIT - current.length)
        current += piece
        rest = rest.slice(piece.length)
        flush()
      }
      current += rest
      before = sentence
    }
  }

  for (const block of blocksOf(text, mediaType)) {
    if (block.isHeading && (isFresh() || current.length >= SECTION_FLOOR)) {
      heading = ''
      flush()
    }
    const separator = isFresh() ? '' : '\n\n'
    if (current.length + separator.length + block.text.length <= PASSAGE_LIMIT) {
      current += separator + block.text
    } else {
      if (heading.length + 1 + block.text.length <= PASSAGE_LIMIT) flush()
      if (current.length + block.text.length <= PASSAGE_LIMIT) current += block.text
      else addInPieces(block.text)
    }
    if (block.isHeading) heading = block.text.length <= HEADING_LIMIT ? block.text : ''
  }
  flush()
  return passages
}

type Block = { text: string; isHeading: boolean }

/** blocksOf yields headings (Markdown only, outside code fences) and paragraphs, which empty lines separate. */
function* blocksOf(text: string, mediaType: MediaType): Generator<Block> {
  let paragraph: string[] = []
  let inFence = false
  const take = (): Block | null => {
    const block = paragraph.join('\n').trim()
    paragraph = []
    return block === '' ? null : { text: block, isHeading: false }
  }
  for (const line of text.split('\n')) {
    if (mediaType === 'text/markdown' && /^\s{0,3}(```|~~~)/.test(line)) inFence = !inFence
    const isHeading = mediaType === 'text/markdown' && !inFence && /^ {0,3}#{1,6}\s+\S/.test(line)
    if (!isHeading && line.trim() !== '') {
      paragraph.push(line)
      continue
    }
    const block = take()
    if (block !== null) yield block
    if (isHeading) yield { text: line.trim(), isHeading: true }
  }
  const block = take()
  if (block !== null) yield block
}
