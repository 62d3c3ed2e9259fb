import type { MessageBody } from '../../../../server/src/contract/messages.ts'
import type { Turn } from './turn-runner.ts'

/** ThreadItem is one message as the thread shows it. `isPending` is a question that was not taken yet. */
export type ThreadItem = Omit<MessageBody, 'createdAt' | 'finishedAt'> & { isPending: boolean }

/**
 * threadItems merges the stored messages (newest first) with the turn that runs, oldest first: what is stored and finished
 * wins over what was streamed, and an answer being given anew disappears once the new one has begun.
 */
export function threadItems(newestFirst: readonly MessageBody[], turn: Turn): ThreadItem[] {
  const stored = newestFirst.toReversed()
  const live = toItem(turn)
  const isLiveStored = live !== null && stored.some(({ messageId, status }) => messageId === live.messageId && status !== 'streaming')
  const shown = isLiveStored || live === null ? null : live
  const replaced = shown === null || shown.status === 'failed' ? null : (turn.attempt?.replaces ?? null)
  const isRunning = turn.phase !== 'idle'
  const items: ThreadItem[] = stored
    // An answer that is streaming is told by the turn; one that nobody follows yet is shown as it was stored.
    .filter(({ messageId }) => messageId !== shown?.messageId && (replaced === null || !isAnswerAfter(stored, replaced, messageId)))
    .map((message) => ({ ...message, isPending: false }))
  const question = pendingQuestion(stored, turn, isRunning || shown !== null)
  if (question !== null) items.push(question)
  if (shown !== null) items.push(shown)
  return items
}

/** All answers since the question are replaced, also the failed ones after the answer that was named. */
function isAnswerAfter(stored: readonly MessageBody[], replaced: string, messageId: string): boolean {
  const from = stored.findIndex((message) => message.messageId === replaced)
  const question = stored.slice(0, from === -1 ? 0 : from).findLastIndex(({ role }) => role === 'user')
  return from !== -1 && stored.findIndex((message) => message.messageId === messageId) > question
}

function pendingQuestion(stored: readonly MessageBody[], turn: Turn, isWanted: boolean): ThreadItem | null {
  const { attempt, answer } = turn
  if (!isWanted || attempt === null || attempt.replaces !== null) return null
  const questionId = answer?.userMessageId ?? null
  if (questionId !== null && stored.some(({ messageId }) => messageId === questionId)) return null
  const last = stored.at(-1)
  // Read again while the answer streams, the thread has the question already.
  if (last?.role === 'assistant' && last.status === 'streaming' && stored.at(-2)?.content === attempt.content) return null
  return {
    messageId: questionId ?? `pending-${attempt.key}`, role: 'user', status: 'complete', content: attempt.content, citations: [],
    inputTokens: null, outputTokens: null, error: null, isPending: answer === null
  }
}

function toItem({ answer }: Turn): ThreadItem | null {
  if (answer === null) return null
  const { messageId, text, citations, usage, ended, problem } = answer
  return {
    messageId, role: 'assistant', status: ended ?? 'streaming', content: text, citations: [...citations],
    inputTokens: usage?.inputTokens ?? null, outputTokens: usage?.outputTokens ?? null, error: problem?.detail ?? null, isPending: false
  }
}
