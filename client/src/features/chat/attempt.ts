import type { MessageBody } from '../../../../server/src/contract/messages.ts'
import { ApiProblem } from '../../lib/api.ts'

/**
 * Attempt is one intent to have a question answered. `key` is its Idempotency-Key; `replaces` the answer to be given anew,
 * null for a question that is asked for the first time; `after` the newest message when it was asked, null where none was.
 */
export type Attempt = { content: string; key: string; replaces: string | null; after: string | null }

/**
 * isOutcomeUnknown: the question may have been taken, so that only the same key is safe to repeat. A model that is known to
 * have failed has used nothing, and no other refusal has either.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  if (error instanceof ApiProblem) {
    const { status, code } = error.problem
    return code === 'request_in_progress' || (status >= 500 && code !== 'model_unavailable')
  }
  // Whatever else was thrown (an answer that cannot be read), the request may have arrived.
  return true
}

/** Next is what a repeated question comes to: follow the answer that is being given, or ask. */
export type Next = { do: 'follow'; messageId: string } | { do: 'ask'; attempt: Attempt }

/**
 * planRepeat decides how a question is asked again, from the newest messages (newest first): an answer under way to the same
 * question is followed; one that failed is given anew, so that the question is not in the thread twice; else the attempt is
 * made again as it is.
 */
export function planRepeat(newest: readonly MessageBody[], attempt: Attempt, newKey: () => string): Next {
  const last = newest[0]
  if (last?.role !== 'assistant' || questionOf(newest, last.messageId)?.content !== attempt.content) return { do: 'ask', attempt }
  if (last.status === 'streaming') return { do: 'follow', messageId: last.messageId }
  if (last.status !== 'failed' || last.messageId === attempt.replaces) return { do: 'ask', attempt }
  return { do: 'ask', attempt: { ...attempt, key: newKey(), replaces: last.messageId } }
}

/** wasTaken tells from the newest messages (newest first) whether an attempt has arrived and was not lost since. */
export function wasTaken(newest: readonly MessageBody[], { content, after }: Attempt): boolean {
  const last = newest[0]
  if (last === undefined || last.messageId === after || last.status === 'failed') return false
  return (last.role === 'user' ? last : questionOf(newest, last.messageId))?.content === content
}

/** questionOf finds the question that an answer answers among messages, newest first; null when it is not among them. */
export function questionOf(newest: readonly MessageBody[], answerId: string): MessageBody | null {
  const place = newest.findIndex(({ messageId }) => messageId === answerId)
  if (place === -1) return null
  return newest.slice(place + 1).find(({ role }) => role === 'user') ?? null
}
