import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModel } from 'ai'
import type { ModelConfig } from '../config.ts'
import { createExtractiveModel } from './extractive-model.ts'

/**
 * AnswerModel is what answers; `maxOutputTokens` is reserved before each call, and a provider is told not to exceed it.
 * `names` are the models a chatbot may choose among, the default first; `named` gives one of them, and the default for any
 * other name: a model that the operator has taken away must not silence the chatbots that had chosen it.
 */
export type AnswerModel = {
  languageModel: LanguageModel
  name: string
  names: readonly string[]
  kind: 'extractive' | 'openai-compatible'
  maxOutputTokens: number
  named: (name: string | null) => AnswerModel
}

const MAX_OUTPUT_TOKENS = 1024
// Three quoted sentences of 400 characters and the names of their documents, in most scripts; the rest is settled.
const MAX_QUOTED_TOKENS = 512

/**
 * createAnswerModel speaks to any endpoint with OpenAI's chat completions (`baseUrl` as in `https://api.openai.com/v1`) and
 * asks it to count its tokens; without one it is the extractive answerer.
 */
export function createAnswerModel(config: ModelConfig): AnswerModel {
  if (config.kind === 'extractive') {
    const extractive: AnswerModel = {
      languageModel: createExtractiveModel(),
      name: 'extractive',
      names: [],
      kind: 'extractive',
      maxOutputTokens: MAX_QUOTED_TOKENS,
      named: () => extractive
    }
    return extractive
  }
  const provider = createOpenAICompatible({
    name: 'openaiCompatible',
    baseURL: config.baseUrl,
    // A local endpoint may need no key.
    ...(config.apiKey !== null && { apiKey: config.apiKey }),
    includeUsage: true
  })
  const named = (name: string | null): AnswerModel => {
    const chosen = name !== null && config.names.includes(name) ? name : config.name
    return {
      languageModel: provider.chatModel(chosen),
      name: chosen,
      names: config.names,
      kind: 'openai-compatible',
      maxOutputTokens: MAX_OUTPUT_TOKENS,
      named
    }
  }
  return named(null)
}
