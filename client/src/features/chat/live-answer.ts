import type { AnswerUsage, Citation } from '../../../../server/src/contract/messages.ts'
import { type ProblemBody, problemSchema } from '../../../../server/src/contract/problem.ts'
import type { AnswerPart } from './answer-parts.ts'

/**
 * LiveAnswer is an answer as far as it was streamed. `ended` is null while more may come; `problem` is why it failed, null
 * where the stream did not say it in a way that can be read.
 */
export type LiveAnswer = {
  messageId: string
  userMessageId: string | null
  text: string
  citations: readonly Citation[]
  usage: AnswerUsage | null
  ended: 'complete' | 'stopped' | 'failed' | null
  problem: ProblemBody | null
}

/**
 * withPart is the answer after one more part; null until `start` came. A second `start` tells the answer again from its
 * beginning, as after a reload.
 */
export function withPart(answer: LiveAnswer | null, part: AnswerPart): LiveAnswer | null {
  if (part.type === 'start') {
    const { userMessageId } = part.messageMetadata
    return { messageId: part.messageId, userMessageId, text: '', citations: [], usage: null, ended: null, problem: null }
  }
  if (answer === null) return null
  switch (part.type) {
    case 'text-delta':
      return { ...answer, text: answer.text + part.delta }
    case 'data-citation':
      return { ...answer, citations: [...answer.citations, part.data] }
    case 'data-usage':
      return { ...answer, usage: part.data }
    case 'error':
      return { ...answer, ended: 'failed', problem: readStreamProblem(part.errorText) }
    case 'finish':
      return { ...answer, ended: 'complete' }
    case 'abort':
      return { ...answer, ended: 'stopped' }
    case 'other':
      return answer
  }
}

/** readStreamProblem reads the problem that an `error` part carries as JSON; null when it is something else. */
function readStreamProblem(errorText: string): ProblemBody | null {
  try {
    const parsed = problemSchema.safeParse(JSON.parse(errorText))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
