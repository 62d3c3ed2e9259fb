import type { LanguageModel } from 'ai'
import { z } from 'zod'
import { answerFromPassages } from './extractive-answer.ts'
import type { Passage } from './passage.ts'
import { estimateTokens } from './tokens.ts'

// The ai SDK's model interface, version 4 (its package @ai-sdk/provider is no dependency of ours).
type Model = Extract<LanguageModel, { specificationVersion: 'v4' }>
type CallOptions = Parameters<Model['doStream']>[0]
type Usage = Awaited<ReturnType<Model['doGenerate']>>['usage']
type PartStream = Awaited<ReturnType<Model['doStream']>>['stream']
type StreamPart = PartStream extends ReadableStream<infer Part> ? Part : never

/** RETRIEVAL_OPTIONS is the key below `providerOptions` under which every model call carries what retrieval found. */
const RETRIEVAL_OPTIONS = 'parley'

const retrievalSchema = z.object({
  hasDocuments: z.boolean(),
  passages: z.array(
    z.object({ number: z.number(), documentId: z.string(), documentName: z.string(), place: z.number(), content: z.string() })
  )
})

/** retrievalOptions is what {@link createExtractiveModel} reads; real models never see it. */
export function retrievalOptions(passages: readonly Passage[], hasDocuments: boolean) {
  return { [RETRIEVAL_OPTIONS]: { hasDocuments, passages: passages.map((passage) => ({ ...passage })) } }
}

/**
 * createExtractiveModel is a language model that needs no key and no network: it quotes the passages retrieval found. It
 * implements the ai SDK's model interface (version 4), so that it runs through the very path of a real model.
 */
export function createExtractiveModel(): Model {
  return {
    specificationVersion: 'v4',
    provider: 'parley',
    modelId: 'extractive',
    supportedUrls: {},
    doGenerate: (options) => {
      const { text, usage } = answer(options)
      return Promise.resolve({ content: [{ type: 'text', text }], finishReason: { unified: 'stop', raw: undefined }, usage, warnings: [] })
    },
    doStream: (options) => Promise.resolve({ stream: toStream(answer(options), options.abortSignal) })
  }
}

type Answer = { text: string; usage: Usage }

function answer({ prompt, providerOptions }: CallOptions): Answer {
  const { passages, hasDocuments } = retrievalSchema.parse(providerOptions?.[RETRIEVAL_OPTIONS])
  const question = prompt.findLast(({ role }) => role === 'user')
  const text = answerFromPassages(textOf(question), passages, hasDocuments)
  const inputTokens = prompt.reduce((sum, message) => sum + estimateTokens(textOf(message)), 0)
  const outputTokens = estimateTokens(text)
  return {
    text,
    usage: {
      inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: outputTokens, text: outputTokens, reasoning: undefined }
    }
  }
}

function textOf(message: CallOptions['prompt'][number] | undefined): string {
  if (message === undefined) return ''
  if (message.role === 'system') return message.content
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}

/** toStream yields the answer word by word, giving others their turn in between, and ends with an error when aborted. */
function toStream({ text, usage }: Answer, signal: AbortSignal | undefined): PartStream {
  const id = 'answer'
  function* parts(): Generator<StreamPart> {
    yield { type: 'stream-start', warnings: [] }
    yield { type: 'text-start', id }
    for (const [delta] of text.matchAll(/\S+\s*/g)) yield { type: 'text-delta', id, delta }
    yield { type: 'text-end', id }
    yield { type: 'finish', usage, finishReason: { unified: 'stop', raw: undefined } }
  }
  const remaining = parts()
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve))
      if (signal?.aborted === true) return controller.error(signal.reason)
      const { value, done } = remaining.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    }
  })
}
