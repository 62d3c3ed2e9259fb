import { parseJsonEventStream } from 'ai'
import { z } from 'zod'
import { answerMetadataSchema, answerUsageSchema, citationSchema } from '../../../../server/src/contract/messages.ts'

const knownPartSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), messageId: z.string(), messageMetadata: answerMetadataSchema }),
  z.object({ type: z.literal('text-delta'), delta: z.string() }),
  z.object({ type: z.literal('data-citation'), data: citationSchema }),
  z.object({ type: z.literal('data-usage'), data: answerUsageSchema }),
  z.object({ type: z.literal('error'), errorText: z.string() }),
  z.object({ type: z.literal('finish') }),
  z.object({ type: z.literal('abort') })
])
const KNOWN = new Set<string>(knownPartSchema.options.map(({ shape }) => shape.type.value))

// Parts of the protocol that say nothing about an answer of Parley's; a known one that is malformed is none of them.
const otherPartSchema = z
  .object({ type: z.string().refine((type) => !KNOWN.has(type)) })
  .transform(() => ({ type: 'other' as const }))

const partSchema = z.union([knownPartSchema, otherPartSchema])

/** AnswerPart is one part of the stream of an answer (contract/messages.ts, operation `sendMessage`). */
export type AnswerPart = z.output<typeof partSchema>

/**
 * readAnswerParts yields the parts of an answer's stream. Throws what the connection throws, and an Error for a part that
 * cannot be read. Leaving the loop early closes the connection, which does not stop the answer.
 */
export async function* readAnswerParts(body: ReadableStream<Uint8Array>): AsyncGenerator<AnswerPart> {
  const reader = parseJsonEventStream({ stream: body, schema: partSchema }).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      if (!value.success) throw value.error
      yield value.value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
