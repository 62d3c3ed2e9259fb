/**
 * estimateTokens counts tokens without a model's own tokenizer, which no two providers share. It errs upwards, by about a
 * quarter for English prose, because it reserves quota before a call; it settles only what a provider did not count.
 *
 * The rule, after byte-pair encodings such as cl100k: a token per 4 ASCII letters of a word, per 3 digits, per 3 UTF-8
 * bytes of other scripts, per 2 bytes of a sign, and one per line break.
 */
export function estimateTokens(text: string): number {
  let tokens = 0
  for (const [piece, letters, digits, otherLetters, space] of text.matchAll(PIECES)) {
    if (letters !== undefined) tokens += Math.ceil(letters.length / 4)
    else if (digits !== undefined) tokens += Math.ceil(digits.length / 3)
    else if (otherLetters !== undefined) tokens += Math.ceil(Buffer.byteLength(otherLetters) / 3)
    else if (space !== undefined) tokens += space.includes('\n') ? 1 : Math.ceil((space.length - 1) / 8)
    else tokens += Math.ceil(Buffer.byteLength(piece) / 2)
  }
  return tokens
}

/** estimateMessageTokens adds what chat formats spend around each message. */
export function estimateMessageTokens(text: string): number {
  return estimateTokens(text) + TOKENS_AROUND_A_MESSAGE
}

const TOKENS_AROUND_A_MESSAGE = 4
const PIECES = /([A-Za-z]+)|(\p{N}+)|([\p{L}\p{M}]+)|(\s+)|./gsu
