import { APICallError } from 'ai'
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
  const providerText = redact(error instanceof Error ? `${error.name}: ${error.message}` : typeof error)
  if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 400) {
    const { statusCode } = error
    return new ModelFailure(`The language model answered with HTTP status ${statusCode}.`, { statusCode, providerText })
  }
  return new ModelFailure("The language model's answer broke off or could not be read.", { providerText })
}

/** redact shortens a provider's text and blanks what looks like a key in it. */
function redact(text: string): string {
  return text.replace(/\b(sk|pk|key|bearer)[-_ ][\w*.-]{4,}/gi, '$1-[redacted]').slice(0, 300)
}
