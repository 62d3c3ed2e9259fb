import { sentencesOf } from '../documents/sentences.ts'
import type { Passage } from './passage.ts'
import { stemsOf } from './words.ts'

/** NOTHING_FOUND is the answer where no passage holds enough of the question's words. */
export const NOTHING_FOUND = "I could not find anything about that in this chatbot's documents."

/** NO_DOCUMENTS is the answer of a chatbot that was given none. */
export const NO_DOCUMENTS =
  'This chatbot has no documents yet, so I have nothing to answer from. Add a text, Markdown or PDF document, then ask me again.'

/** GREETING is the answer to a greeting. */
export const GREETING = "Hello! Ask me a question and I will look it up in this chatbot's documents."

const QUOTED_SENTENCES = 3
const SENTENCE_LIMIT = 400
// How good a further sentence must be, compared with the best one.
const GOOD_ENOUGH = 0.75

const GREETINGS: ReadonlySet<string> = new Set(
  'hello hi hey hallo howdy greetings morning afternoon evening day good there thanks thank'.split(' ')
)

/**
 * answerFromPassages answers a question by quoting the sentences that fit it best, each with the name of its document and
 * the mark of its passage. It invents nothing: where the passages do not hold enough of the question's words, it says so.
 */
export function answerFromPassages(question: string, passages: readonly Passage[], hasDocuments: boolean): string {
  const asked = stemsOf(question)
  const isGreeting = question.trim().length <= 40 && wordsOf(question).every((word) => GREETINGS.has(word))
  if (!hasDocuments) return isGreeting ? `Hello! ${NO_DOCUMENTS}` : NO_DOCUMENTS
  if (isGreeting) return GREETING
  const quotes = pickSentences(asked, passages.filter((passage) => isAbout(asked, passage)))
  if (quotes.length === 0) return NOTHING_FOUND
  return [...Map.groupBy(quotes, ({ passage }) => passage)]
    .map(([passage, sentences]) => {
      const quote = sentences.toSorted((a, b) => a.place - b.place).map(({ text }) => text).join(' ')
      return `According to *${passage.documentName.replace(/[*\s]+/g, ' ')}*: “${quote}” [${passage.number}]`
    })
    .join('\n\n')
}

/** isAbout: two of the asked words, or half of them, must occur; one word of many is a coincidence. */
function isAbout(asked: ReadonlySet<string>, passage: Passage): boolean {
  const found = asked.intersection(stemsOf(`${passage.documentName.replace(/\.\w+$/, '')} ${passage.content}`)).size
  return found >= 2 || (found > 0 && found >= asked.size / 2)
}

type Candidate = { passage: Passage; place: number; text: string; stems: Set<string>; headingStems: Set<string>; score: number }

function pickSentences(asked: ReadonlySet<string>, passages: readonly Passage[]): Candidate[] {
  const candidates = passages.flatMap(candidatesOf)
  const weights = new Map(
    [...asked].map((word) => {
      const holders = candidates.filter(({ stems }) => stems.has(word)).length
      return [word, Math.log(1 + candidates.length / (holders + 0.5))] as const
    })
  )
  for (const candidate of candidates) {
    for (const [word, weight] of weights) {
      if (candidate.stems.has(word)) candidate.score += weight
      else if (candidate.headingStems.has(word)) candidate.score += weight / 2
    }
  }
  const ranked = candidates.filter(({ score }) => score > 0).toSorted((a, b) => b.score - a.score)
  const best = ranked[0]
  if (best === undefined) return []
  const picked = new Set<Candidate>()
  for (const candidate of ranked) {
    if (picked.size >= QUOTED_SENTENCES || candidate.score < best.score * GOOD_ENOUGH) break
    if ([...picked].some(({ text }) => text === candidate.text)) continue
    picked.add(candidate)
    // In a list of questions and answers the best fit is the question; what follows is the answer.
    const next = candidates.find(({ passage, place }) => passage === candidate.passage && place === candidate.place + 1)
    if (candidate.text.endsWith('?') && next !== undefined) picked.add(next)
  }
  return [...picked]
}

function candidatesOf(passage: Passage): Candidate[] {
  const candidates: Candidate[] = []
  let headingStems = new Set<string>()
  // Lines within a paragraph belong together; an empty line or a list mark starts something new.
  for (const block of passage.content.split(/\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)])\s)|(?<=^#{1,6} .*)\n/m)) {
    if (/^#{1,6}\s/.test(block)) {
      headingStems = stemsOf(block)
      continue
    }
    for (const sentence of sentencesOf(block.replace(/\s+/g, ' '))) {
      const text = shorten(sentence.trim().replace(/^(?:[-*+•]|\d+[.)])\s+/, ''))
      if (text === '') continue
      candidates.push({ passage, place: candidates.length, text, stems: stemsOf(text), headingStems, score: 0 })
    }
  }
  return candidates
}

function shorten(text: string): string {
  const characters = [...text]
  return characters.length <= SENTENCE_LIMIT ? text : `${characters.slice(0, SENTENCE_LIMIT - 1).join('')}…`
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? []
}
