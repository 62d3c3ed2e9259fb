import { EventSourceParserStream } from 'eventsource-parser/stream'
import { z } from 'zod'
import { citationSchema } from '../../../server/src/contract/messages.ts'
import { type ProblemBody, problemSchema } from '../../../server/src/contract/problem.ts'
import { type Visit, visitSchema } from '../../../server/src/contract/widget.ts'

/** Identity is the site's own id of its visitor, with the site's signature. */
export type Identity = { userId: string; signature: string }

/** VisitProblem is a refusal in a sentence for the visitor. `isKnown` false: it is not known whether the question arrived. */
export class VisitProblem extends Error {
  readonly code: string
  readonly isKnown: boolean
  constructor(sentence: string, code: string, isKnown: boolean) {
    super(sentence)
    this.code = code
    this.isKnown = isKnown
  }
}

/** AnswerPart is a piece of an answer as it streams. */
export type AnswerPart =
  | { type: 'start'; messageId: string }
  | { type: 'text'; text: string }
  | { type: 'citation'; citation: z.output<typeof citationSchema> }
  | { type: 'end'; isStopped: boolean }

// The parts of the ai SDK's UI-message stream that a visitor sees; all others are passed over.
const chunkSchema = z.union([
  z.object({ type: z.literal('start'), messageId: z.string() }),
  z.object({ type: z.literal('text-delta'), delta: z.string() }),
  z.object({ type: z.literal('data-citation'), data: citationSchema }),
  z.object({ type: z.literal('error'), errorText: z.string() }),
  z.object({ type: z.enum(['finish', 'abort']) }),
  z.object({ type: z.string() }).transform(() => ({ type: 'other' as const }))
])

const AWAY = 'The chat cannot be reached at the moment. Your message is still here; send it again.'

/** openVisit begins a visit, or goes on with the one of `token` or `identity`. Throws {@link VisitProblem}. */
export async function openVisit(path: string, token: string | null, identity: Identity | null): Promise<Visit> {
  const response = await ask(`${path}/visits`, token, identity === null ? {} : { identity })
  return visitSchema.parse(await response.json())
}

/** askQuestion sends a question and yields the answer as it streams. Throws {@link VisitProblem}, also in the middle. */
export async function* askQuestion(path: string, token: string, content: string, key: string): AsyncGenerator<AnswerPart> {
  const response = await ask(`${path}/messages`, token, { content }, key)
  if (response.body === null) throw new VisitProblem(AWAY, 'unreachable', false)
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  let hasEnded = false
  for await (const { data } of readAll(events)) {
    if (data === '[DONE]') break
    const chunk = chunkSchema.parse(JSON.parse(data))
    if (chunk.type === 'start') yield { type: 'start', messageId: chunk.messageId }
    else if (chunk.type === 'text-delta') yield { type: 'text', text: chunk.delta }
    else if (chunk.type === 'data-citation') yield { type: 'citation', citation: chunk.data }
    else if (chunk.type === 'error') throw toVisitProblem(parseProblem(chunk.errorText))
    else if (chunk.type !== 'other') {
      hasEnded = true
      yield { type: 'end', isStopped: chunk.type === 'abort' }
    }
  }
  if (!hasEnded) throw new VisitProblem(AWAY, 'unreachable', false)
}

/** stopAnswer ends an answer; what was streamed stays. */
export async function stopAnswer(path: string, token: string, messageId: string): Promise<void> {
  await ask(`${path}/messages/${messageId}/stop`, token)
}

// Not every browser can iterate over a stream.
async function* readAll<Chunk>(stream: ReadableStream<Chunk>): AsyncGenerator<Chunk> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (error) {
    throw new VisitProblem(AWAY, error instanceof Error ? error.name : 'unreachable', false)
  } finally {
    reader.releaseLock()
  }
}

async function ask(path: string, token: string | null, body?: unknown, key?: string): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(key !== undefined && { 'Idempotency-Key': key })
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
  } catch {
    throw new VisitProblem(AWAY, 'unreachable', false)
  }
  if (!response.ok) throw toVisitProblem(parseProblem(await response.text()))
  return response
}

function parseProblem(text: string): ProblemBody | null {
  try {
    return problemSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

function toVisitProblem(problem: ProblemBody | null): VisitProblem {
  if (problem === null) return new VisitProblem(AWAY, 'unreachable', false)
  const { detail, code, status } = problem
  // What is still being answered must be sent again with its key, or it would be asked, and counted, twice.
  return new VisitProblem(detail, code, code !== 'request_in_progress' && (status < 500 || code === 'widget_unavailable'))
}
