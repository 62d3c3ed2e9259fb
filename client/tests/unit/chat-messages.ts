import type { MessageBody } from '../../../server/src/contract/messages.ts'
import { ApiProblem } from '../../src/lib/api.ts'

/** question is a stored question. */
export function question(messageId: string, content: string): MessageBody {
  return {
    messageId, role: 'user', status: 'complete', content, citations: [], inputTokens: null, outputTokens: null, error: null,
    createdAt: '2026-11-21T00:00:00Z', finishedAt: '2026-11-21T00:00:00Z'
  }
}

/** answer is a stored answer. */
export function answer(messageId: string, status: MessageBody['status'], content = ''): MessageBody {
  return { ...question(messageId, content), role: 'assistant', status }
}

/** problem is an error answer of the server. */
export function problem(status: number, code: string): ApiProblem {
  const body = { type: '', title: '', status, code, detail: `This is ${code}.`, instance: '', requestId: 'request-1' }
  return new ApiProblem(body, null)
}
