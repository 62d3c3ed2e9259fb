// Finds sentence borders in any script, by Unicode's rules (UAX 29).
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

// The segmenter's cost per call grows with the text, so long text is given to it in windows of whole lines.
const WINDOW = 4_000

/** sentencesOf yields the sentences of a text in order; joined they are the text again, white space included. */
export function* sentencesOf(text: string): Generator<string> {
  for (const window of windowsOf(text)) {
    for (const { segment } of segmenter.segment(window)) yield segment
  }
}

function* windowsOf(text: string): Generator<string> {
  let start = 0
  while (text.length - start > WINDOW) {
    const window = text.slice(start, start + WINDOW + 1)
    const lineEnd = window.lastIndexOf('\n', WINDOW - 1)
    const length = lineEnd > 0 ? lineEnd + 1 : cutAtRoom(window, WINDOW).length
    yield text.slice(start, start + length)
    start += length
  }
  yield text.slice(start)
}

/**
 * cutAtRoom answers the longest start of a text that fits into `room` UTF-16 units (at least 2): up to a white space in
 * its second half, else wherever it must be cut, but never inside a surrogate pair.
 */
export function cutAtRoom(text: string, room: number): string {
  if (text.length <= room) return text
  for (let end = room; end > room / 2; end -= 1) {
    if (/\s/.test(text.charAt(end - 1))) return text.slice(0, end)
  }
  const splitsPair = /[\uD800-\uDBFF]/.test(text.charAt(room - 1))
  return text.slice(0, splitsPair ? room - 1 : room)
}
