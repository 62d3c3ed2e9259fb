import { APICallError, RetryError } from 'ai'
import { Problem } from '../errors.ts'

const RETRY_SECONDS = 5

/** modelUnavailable is what the caller is told of an answer that failed; the owner finds the reason with the message. */
export function modelUnavailable(): Problem {
  return new Problem('model_unavailable', 'The language model could not answer. Nothing was charged; ask again in a moment.', {
    headers: { 'Retry-After': String(RETRY_SECONDS) },
    resolutions: [{ action: 'retry', afterSeconds: RETRY_SECONDS }]
  })
}

/**
 * ModelFailure is a model that gave no answer. `message` may be stored and shown to the bot's owner; `providerText` is what
 * the provider said about the operator's key or credit, for the log only.
 */
export class ModelFailure extends Error {
  readonly statusCode: number | null
  readonly providerText: string | null
  constructor(message: string, fields: { statusCode?: number | null; providerText?: string | null } = {}) {
    super(message)
    this.name = 'ModelFailure'
    this.statusCode = fields.statusCode ?? null
    this.providerText = fields.providerText ?? null
  }
}

/**
 * toModelFailure sorts what a model call threw. The original is dropped: the ai SDK's errors carry the whole prompt, which
 * belongs into no log.
 */
export function toModelFailure(error: unknown): ModelFailure {
  if (error instanceof ModelFailure) return error
  const refused = callOf(error)
  const words = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
  const providerText = withoutKeys(withoutPrompt(words, textsIn(refused?.requestBodyValues))).slice(0, LONGEST_TEXT)
  if (refused?.statusCode !== undefined && refused.statusCode >= 400) {
    const { statusCode } = refused
    return new ModelFailure(`The language model answered with HTTP status ${statusCode}.`, { statusCode, providerText })
  }
  return new ModelFailure("The language model's answer broke off or could not be read.", { providerText })
}

function callOf(error: unknown): APICallError | null {
  const last = RetryError.isInstance(error) ? error.lastError : error
  return APICallError.isInstance(last) ? last : null
}

/** textsIn lists every text in what was sent. */
function textsIn(sent: unknown): string[] {
  if (typeof sent === 'string') return [sent]
  return typeof sent === 'object' && sent !== null ? Object.values(sent).flatMap(textsIn) : []
}

const LONGEST_TEXT = 300
// Shorter runs of the same letters are everyday words.
const LEAST_ECHO = 12

/** withoutPrompt blanks what a provider repeats of the prompt: some quote what they refuse. */
function withoutPrompt(words: string, prompt: readonly string[]): string {
  // As it is, and as it stands in JSON.
  const said = prompt.flatMap((text) => [text, JSON.stringify(text)]).join('\n')
  // Only the beginning is kept, and a blank is shorter than what it stands for.
  const text = words.slice(0, 20 * LONGEST_TEXT)
  let kept = ''
  for (let place = 0; place < text.length; ) {
    let end = place + LEAST_ECHO
    if (end > text.length || !said.includes(text.slice(place, end))) {
      kept += text[place] ?? ''
      place += 1
      continue
    }
    while (end < text.length && said.includes(text.slice(place, end + 1))) end += 1
    kept += '[prompt]'
    place = end
  }
  return kept
}

/** withoutKeys blanks what looks like a key: by its beginning, or a long run of letters with digits that is no request's id. */
function withoutKeys(text: string): string {
  return text
    .replace(/\b(sk|pk|key|bearer)[-_ ][\w*.-]{4,}/gi, '$1-[redacted]')
    .replace(/\b(?!req)(?=[\w*-]*\d)[\w*-]{16,}/g, '[redacted]')
}
