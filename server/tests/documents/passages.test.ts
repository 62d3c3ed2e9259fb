import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TEXT_LIMIT } from '../../src/documents/document-text.ts'
import { PASSAGE_LIMIT, splitIntoPassages } from '../../src/documents/passages.ts'

const SEED = { seed: 20261120, numRuns: 300 }

/** isSubsequence tells whether every character of `part`, white space aside, occurs in `whole` in the same order. */
function isSubsequence(part: string, whole: string): boolean {
  const wanted = [...part.replace(/\s/g, '')]
  let found = 0
  for (const character of whole) if (character === wanted[found]) found += 1
  return found === wanted.length
}

const word = fc.oneof(
  { weight: 8, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
  { weight: 2, arbitrary: fc.constantFrom('refund.', 'Really?', 'naïve', '日本語の文章。', '👩‍👩‍👧‍👧', '𝒳𝒴𝒵', '```', '#') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 300, max: 2500 }).map((length) => '🦜'.repeat(length)) }
)
const paragraph = fc.array(word, { minLength: 1, maxLength: 120 }).map((words) => words.join(' '))
const heading = fc.tuple(fc.integer({ min: 1, max: 6 }), word).map(([level, title]) => `${'#'.repeat(level)} ${title}`)
const text = fc.array(fc.oneof({ weight: 4, arbitrary: paragraph }, heading), { maxLength: 12 }).chain((blocks) =>
  fc.constantFrom('\n', '\n\n', '\n \n\n').map((separator) => blocks.join(separator))
)
const mediaType = fc.constantFrom('text/plain' as const, 'text/markdown' as const, 'application/pdf' as const)

describe('splitIntoPassages', () => {
  test('keeps every character of the text, in order', () => {
    fc.assert(
      fc.property(text, mediaType, (source, type) => isSubsequence(source, splitIntoPassages(source, type).join('\n'))),
      SEED
    )
  })

  test('never makes a passage longer than the limit, an empty one, or one that splits a surrogate pair', () => {
    fc.assert(
      fc.property(text, mediaType, (source, type) => {
        for (const passage of splitIntoPassages(source.toWellFormed(), type)) {
          expect(passage.length).toBeLessThanOrEqual(PASSAGE_LIMIT)
          expect(passage.trim()).not.toBe('')
          expect(passage.isWellFormed()).toBe(true)
        }
      }),
      SEED
    )
  })

  test('repeats little: all passages together are at most half as long again as the text plus one heading each', () => {
    fc.assert(
      fc.property(text, mediaType, (source, type) => {
        const passages = splitIntoPassages(source, type)
        const total = passages.reduce((sum, passage) => sum + passage.length, 0)
        expect(total).toBeLessThanOrEqual(source.length * 1.5 + passages.length * 242)
      }),
      SEED
    )
  })

  test('keeps a short document in one passage', () => {
    expect(splitIntoPassages('# Returns\n\nWithin 30 days.\n', 'text/markdown')).toEqual(['# Returns\n\nWithin 30 days.'])
  })

  test('starts each further passage of a section with its heading', () => {
    const paragraphs = Array.from({ length: 6 }, (_, index) => `Paragraph ${index} ${'says something. '.repeat(20)}`.trim())
    const passages = splitIntoPassages(`## Opening hours\n\n${paragraphs.join('\n\n')}`, 'text/markdown')
    expect(passages.length).toBeGreaterThan(2)
    expect(passages.every((passage) => passage.startsWith('## Opening hours\n'))).toBe(true)
  })

  test('does not take a comment inside a code fence, or a # in plain text, for a heading', () => {
    const code = `\`\`\`\n# not a heading\n${'value = 1\n'.repeat(150)}\`\`\``
    expect(splitIntoPassages(code, 'text/markdown').filter((passage) => passage.startsWith('# not')).length).toBe(0)
    const plain = `# first line\n\n${'A sentence. '.repeat(200)}`
    expect(splitIntoPassages(plain, 'text/plain').filter((passage) => passage.startsWith('# first')).length).toBe(1)
  })

  test('repeats the sentence before when a paragraph goes on in the next passage', () => {
    const sentences = Array.from({ length: 40 }, (_, index) => `Sentence number ${index} is about parrots.`)
    const [first, second] = splitIntoPassages(sentences.join(' '), 'text/plain')
    const last = /Sentence number \d+ is about parrots\.$/.exec(first ?? '')?.[0]
    expect(last).toBeDefined()
    expect(second?.startsWith(last ?? '?')).toBe(true)
  })

  test('makes at most the 10,000 passages a document may have, even of nothing but headings', () => {
    for (const line of ['# a\nbb\n', '# a\n', 'a\n\n', `# ${'long heading '.repeat(9)}\nb\n`]) {
      const source = line.repeat(TEXT_LIMIT / line.length)
      expect(splitIntoPassages(source, 'text/markdown').length).toBeLessThanOrEqual(10_000)
    }
  })

  test('splits two million characters without a single line break in reasonable time', () => {
    const started = performance.now()
    const passages = splitIntoPassages('word '.repeat(400_000), 'text/plain')
    expect(passages.length).toBeGreaterThan(2_400)
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
