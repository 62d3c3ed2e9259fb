import { type LanguageModelUsage, streamText, toUIMessageChunk, type UIMessageChunk } from 'ai'
import { retrievalOptions } from './extractive-model.ts'
import type { AnswerModel } from './model.ts'
import { ModelFailure, toModelFailure } from './model-failure.ts'
import type { Passage } from './passage.ts'
import type { Prompt } from './prompt.ts'
import { estimateTokens } from './tokens.ts'

/** Generation is how a model call ended. Tokens are the provider's count where it gave one, else ours. */
export type Generation = {
  status: 'complete' | 'stopped' | 'failed'
  text: string
  inputTokens: number
  outputTokens: number
  failure: ModelFailure | null
}

// Far more than any model writes at once, and little memory: who exceeds it does not stop by itself.
const MOST_CHARACTERS = 4_000_000

/** GenerationTimes are in milliseconds: until the first piece of the answer, and for all of it. */
export type GenerationTimes = { firstChunkMs: number; totalMs: number }

/**
 * generate calls the model and reads its answer to the end, whoever listens. It never throws: a failure is an outcome.
 *
 * `onChunk` gets the parts of the ai SDK's UI-message protocol that carry text; `onFirstPiece` is called once, with the
 * first text or reasoning. Aborting `stop` ends the answer as `stopped`, with what was streamed until then.
 */
export async function generate(options: {
  model: AnswerModel
  prompt: Prompt
  passages: readonly Passage[]
  hasDocuments: boolean
  stop: AbortSignal
  times: GenerationTimes
  onChunk: (chunk: UIMessageChunk) => void
  onFirstPiece: () => void
}): Promise<Generation> {
  const { model, prompt, stop, times, onChunk } = options
  const upstream = new AbortController()
  const abandon = (): void => upstream.abort()
  stop.addEventListener('abort', abandon)
  if (stop.aborted) abandon()
  // The ai SDK's own firstChunkMs begins to count only when the provider has answered with headers.
  const firstTimer = setTimeout(abandon, times.firstChunkMs)
  const totalTimer = setTimeout(abandon, times.totalMs)
  let text = ''
  let openTextId: string | null = null
  let usage: LanguageModelUsage | null = null
  let hasBegun = false
  let received = 0

  const end = (status: Generation['status'], failure: ModelFailure | null = null): Generation => {
    stop.removeEventListener('abort', abandon)
    clearTimeout(firstTimer)
    clearTimeout(totalTimer)
    // Ends the upstream call where we stop reading early, so that nobody pays for what is thrown away.
    abandon()
    if (openTextId !== null) onChunk({ type: 'text-end', id: openTextId })
    const counted = status === 'complete' ? usage : null
    // Stopped before the first word: nothing was streamed, so nothing is counted.
    const inputTokens = status === 'stopped' && text === '' ? 0 : (counted?.inputTokens ?? prompt.tokens)
    return { status, text, inputTokens, outputTokens: counted?.outputTokens ?? estimateTokens(text), failure }
  }

  try {
    const { stream } = streamText({
      model: model.languageModel,
      instructions: prompt.instructions,
      messages: prompt.messages,
      maxOutputTokens: model.maxOutputTokens,
      // Once: a provider's short hiccup should not cost a visitor the answer; the limit for the first piece keeps running.
      maxRetries: 1,
      abortSignal: upstream.signal,
      providerOptions: retrievalOptions(options.passages, options.hasDocuments),
      // Errors arrive as parts of the stream; the default would print them.
      onError: () => {}
    })
    for await (const part of stream) {
      if (stop.aborted) return end('stopped')
      switch (part.type) {
        case 'abort':
          return end('failed', tooLate())
        case 'error':
          return end('failed', upstream.signal.aborted ? tooLate() : toModelFailure(part.error))
        case 'finish':
          usage = part.totalUsage
          break
        case 'text-start':
        case 'text-delta':
        case 'text-end':
        case 'reasoning-delta': {
          if (!hasBegun && part.type !== 'text-start') {
            hasBegun = true
            clearTimeout(firstTimer)
            options.onFirstPiece()
          }
          if (part.type === 'text-delta' || part.type === 'reasoning-delta') received += part.text.length
          if (received > MOST_CHARACTERS) return end('failed', endless())
          if (part.type === 'text-delta') text += part.text
          if (part.type === 'text-start') openTextId = part.id
          if (part.type === 'text-end') openTextId = null
          const chunk = toUIMessageChunk(part, { sendReasoning: false })
          if (chunk !== undefined) onChunk(chunk)
        }
      }
    }
  } catch (error) {
    if (stop.aborted) return end('stopped')
    return end('failed', upstream.signal.aborted ? tooLate() : toModelFailure(error))
  }
  if (stop.aborted && usage === null) return end('stopped')
  if (text.trim() === '') return end('failed', new ModelFailure('The language model gave an empty answer.'))
  return end('complete')
}

function endless(): ModelFailure {
  return new ModelFailure('The language model wrote much more than it was allowed to.')
}

function tooLate(): ModelFailure {
  return new ModelFailure('The language model took too long to answer.')
}
