const segmenter = new Intl.Segmenter('en', { granularity: 'word' })

// Words that say nothing about the subject of a question.
const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a about all also am an and any are as at be been being but by can could did do does doing for from get give had has have ' +
    'having he her here him his how i if in into is it its just know let like many may me might more most much must my need ' +
    'no not of on or our out please shall she should so some such tell than that the their them then there these they this ' +
    'those to too up us very want was we were what when where which who whom whose why will with would you your'
  ).split(' ')
)

/**
 * stemsOf answers the distinct words of a text that carry meaning, brought to a common form: lower case, no accents, without
 * English endings, so that "refunds" and "refunded" are one. Works for scripts without spaces too.
 */
export function stemsOf(text: string): Set<string> {
  const stems = new Set<string>()
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    if (isWordLike !== true) continue
    const word = segment.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/['’]s$/, '')
    if (word !== '' && !STOP_WORDS.has(word)) stems.add(stem(word))
  }
  return stems
}

function stem(word: string): string {
  for (const [ending, replacement] of ENDINGS) {
    if (word.endsWith(ending) && word.length - ending.length >= 3) return word.slice(0, -ending.length) + replacement
  }
  return word
}

const ENDINGS: readonly (readonly [string, string])[] = [
  ['ies', 'y'],
  ['ied', 'y'],
  ['ing', ''],
  ['ed', ''],
  ['es', ''],
  ['ly', ''],
  ['s', ''],
  ['e', '']
]
