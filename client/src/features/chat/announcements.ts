// A sentence ends with its mark and white space after it, or with its line.
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*\s+|\n+/g

/**
 * takeAnnouncement returns what of a growing text is to be read out next: its whole sentences after the first `spoken`
 * characters, or all of the rest once it is complete; `spoken` is where the next call goes on. Marks of Markdown and of
 * citations are left out, since they are heard as noise.
 */
export function takeAnnouncement(text: string, spoken: number, isComplete: boolean): { words: string; spoken: number } {
  const rest = text.slice(spoken)
  let end = rest.length
  if (!isComplete) {
    end = 0
    for (const match of rest.matchAll(SENTENCE_END)) end = match.index + match[0].length
  }
  return { words: toSpeech(rest.slice(0, end)), spoken: spoken + end }
}

function toSpeech(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\[\d{1,3}(?:\s*,\s*\d{1,3})*\]/g, '')
    .replace(/^\s{0,3}(?:#{1,6}|[-*+]|>)\s+/gm, '')
    .replace(/[*_`~]{1,3}/g, '')
    .replace(/\s+([.,;:!?])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
}
