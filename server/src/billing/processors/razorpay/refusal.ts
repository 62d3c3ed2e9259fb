import { z } from 'zod'
import { AnswerUnknown, ProcessorRefusal } from '../../processor.ts'

const text = z.string().catch('')

/** What the SDK throws when it was answered with an error: a plain object. Not answered, it fails with a TypeError of its own. */
const thrownAnswer = z.object({
  statusCode: z.int(),
  error: z
    .object({ code: text, description: text, reason: text, field: text })
    .nullish()
    .catch(null)
})

/** Statuses that tell nothing about whether the call took effect: too late, too many, or broken on the way. */
const UNTOLD = new Set([408, 425, 429])

/** How Razorpay speaks of the API key; the status is "4xx" (api/refunds/fetch-all.md of razorpay/markdown-docs). */
const ABOUT_KEY = /\bapi (\{?key|secret)|^authentication failed\.?$/i

/** faultOf words whatever the SDK threw as a {@link ProcessorRefusal} or an {@link AnswerUnknown}. */
export function faultOf(thrown: unknown): ProcessorRefusal | AnswerUnknown {
  if (thrown instanceof ProcessorRefusal || thrown instanceof AnswerUnknown) return thrown
  const answer = thrownAnswer.safeParse(thrown)
  if (!answer.success) return new AnswerUnknown('Razorpay gave no answer.', { cause: thrown })
  const { statusCode, error } = answer.data
  // Without Razorpay's error object it was something in between that answered.
  if (!error || statusCode >= 500 || statusCode < 400 || UNTOLD.has(statusCode)) {
    return new AnswerUnknown(`Razorpay answered with status ${statusCode}.`, { cause: thrown })
  }
  // A refusal is final and would end what a customer asked for; a key that was mistyped or is being changed is put right.
  if (statusCode === 401 || statusCode === 403 || ABOUT_KEY.test(error.description)) {
    return new AnswerUnknown('Razorpay does not accept the configured API key.', { cause: thrown })
  }
  const code = codeOf(statusCode, `${error.code} ${error.reason} ${error.description}`, error.field)
  return new ProcessorRefusal(code, sentenceOf(code, error.description), { cause: thrown })
}

/**
 * codeOf tells refusals apart by their words, because nearly all are `BAD_REQUEST_ERROR` with status 400 (the failure
 * samples of razorpay/markdown-docs, api/payments/subscriptions).
 */
function codeOf(statusCode: number, words: string, field: string): ProcessorRefusal['code'] {
  if (/GATEWAY_ERROR|declin|payment[ _]*(has |was )?fail|insufficient|charge.*fail/i.test(words)) return 'declined'
  if (statusCode === 404 || /does not exist|no .* found/i.test(words)) return 'not_found'
  if (statusCode === 409 || /in progress|try again/i.test(words)) return 'busy'
  const isAboutState = field === 'status' || /\bstat(us|e)\b/i.test(words)
  if (isAboutState) return 'not_possible'
  return field !== '' || /required|invalid|must be|should not be sent/i.test(words) ? 'invalid' : 'not_possible'
}

/** ID is how ids and keys look: `sub_…`, `rzp_test_…`. */
const ID = /\b[a-z]+(_[a-z]+)*_[A-Za-z0-9]{6,}\b/g
const LONGEST_SENTENCE = 200

function sentenceOf(code: ProcessorRefusal['code'], description: string): string {
  if (code === 'declined') return 'The payment was declined.'
  if (code === 'not_found') return 'Razorpay does not know this subscription or plan.'
  if (/UPI|emandate/i.test(description)) {
    return 'Razorpay cannot change a subscription that is paid by UPI or e-mandate: it has to be canceled and begun anew.'
  }
  if (/URL was not found/i.test(description)) return 'Subscriptions are not enabled for this Razorpay account.'
  const said = description.replace(ID, '…').replace(/[^\x20-\x7e…]/g, ' ').slice(0, LONGEST_SENTENCE)
  return said === '' ? 'Razorpay refused without saying why.' : `Razorpay refused: ${said}`
}
