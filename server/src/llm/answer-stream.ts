import { createUIMessageStream, type UIMessageChunk } from 'ai'
import type { AnswerMetadata, AnswerUsage, Citation } from '../contract/messages.ts'
import type { Problem } from '../errors.ts'
import { modelUnavailable } from './model-failure.ts'

/** Write puts one part into the ai SDK's UI-message stream. */
export type Write = (chunk: UIMessageChunk) => void

/** writeStart opens the message under the id it is stored with. */
export function writeStart(write: Write, messageId: string, metadata: AnswerMetadata): void {
  write({ type: 'start', messageId, messageMetadata: metadata })
}

/**
 * writeEnd closes the message: for each cited passage a `source-document` part, which every ai SDK client knows, and a
 * `data-citation` part with its excerpt; then `data-usage`; then `finish`, or `abort` when it was stopped.
 */
export function writeEnd(write: Write, citations: readonly Citation[], usage: AnswerUsage): void {
  for (const citation of citations) {
    const id = `citation-${citation.number}`
    write({ type: 'source-document', sourceId: id, mediaType: 'text/plain', title: citation.documentName })
    write({ type: 'data-citation', id, data: citation })
  }
  write({ type: 'data-usage', id: 'usage', data: usage })
  write(usage.status === 'stopped' ? { type: 'abort', reason: 'stopped' } : { type: 'finish', finishReason: 'stop' })
}

/**
 * storedAnswerStream tells a stored answer again, as the stream it once was: one that failed ends with an `error` part, for
 * which `describe` writes the problem as JSON.
 */
export function storedAnswerStream(
  answer: { messageId: string; content: string; citations: readonly Citation[] },
  conversationId: string,
  usage: AnswerUsage,
  describe: (problem: Problem) => string
): ReadableStream<UIMessageChunk> {
  return createUIMessageStream({
    execute({ writer }) {
      const write: Write = (chunk) => writer.write(chunk)
      writeStart(write, answer.messageId, { conversationId, userMessageId: null })
      write({ type: 'text-start', id: 'stored' })
      write({ type: 'text-delta', id: 'stored', delta: answer.content })
      write({ type: 'text-end', id: 'stored' })
      if (usage.status === 'failed') write({ type: 'error', errorText: describe(modelUnavailable()) })
      else writeEnd(write, answer.citations, usage)
    }
  })
}
