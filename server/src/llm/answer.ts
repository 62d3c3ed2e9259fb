import { randomUUID } from 'node:crypto'
import type { UIMessageChunk } from 'ai'
import type { Logger } from 'pino'
import type { AnswerUsage } from '../contract/messages.ts'
import { type Database, DatabaseUnavailable } from '../db/database.ts'
import type { Channel } from '../db/decision.ts'
import { type AnswerBeginning, beginAnswer } from '../db/functions/begin-answer.ts'
import { capProblem, Problem, quotaProblem, toProblem } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { formatTime } from '../http/time.ts'
import { AnswerLog } from './answer-log.ts'
import { type Write, writeEnd, writeStart } from './answer-stream.ts'
import { citationsOf } from './citations.ts'
import { generate } from './generation.ts'
import type { AnswerModel } from './model.ts'
import { modelUnavailable } from './model-failure.ts'
import { buildPrompt, type Prompt } from './prompt.ts'
import { type Background, gatherBackground } from './retrieval.ts'
import type { RunningAnswers } from './running-answers.ts'
import { giveBackLostAnswer, settleAnswer } from './settling.ts'
import { watchForStop } from './stop-watch.ts'

/** AnswerParts is what answering needs of the server. */
export type AnswerParts = { db: Database; model: AnswerModel; answers: RunningAnswers; metrics: Metrics }

/**
 * Question is one message of a visitor. `requestId` is the Idempotency-Key; `replaces` is the answer that is to be given
 * anew, to the same question; `describe` writes a problem as JSON for a stream.
 */
export type Question = {
  accountId: string
  chatbotId: string
  conversationId: string
  content: string
  channel: Channel
  requestId: string | null
  replaces?: string | null
  /** begin decides and stores the question; left out, that is begin_answer. */
  begin?: typeof beginAnswer
  describe: (problem: Problem) => string
  log: Logger
}

/**
 * StartedAnswer is an answer being generated; that goes on whoever listens.
 *
 * - `begun` resolves with the first piece of the answer and rejects with a {@link Problem} when there is none.
 * - `finished` resolves when the answer is stored and settled, as complete or stopped, and rejects when it failed.
 * - `stream` is the ai SDK's UI-message stream. It ends with the part `data-usage`, or with an `error` part.
 */
export type StartedAnswer = {
  outcome: 'started'
  messageId: string
  begun: Promise<void>
  finished: Promise<AnswerUsage>
  stream: ReadableStream<UIMessageChunk>
}

/** AnswerTimes are in milliseconds; `stopPollMs` is how often a stop through another server is looked for. */
export type AnswerTimes = { firstChunkMs: number; totalMs: number; stopPollMs: number }

const TIMES: AnswerTimes = { firstChunkMs: 20_000, totalMs: 120_000, stopPollMs: 1_000 }

/**
 * startAnswer decides whether a question may be answered, and starts the answer.
 *
 * Throws a {@link Problem} before anything is generated: 402, 404, 409 while the same request is being answered, 422 for a
 * key that was used for another question. `replayed` means that the same request was answered before.
 */
export async function startAnswer(
  parts: AnswerParts,
  question: Question,
  times: AnswerTimes = TIMES
): Promise<StartedAnswer | { outcome: 'replayed'; messageId: string }> {
  const { accountId, chatbotId, conversationId, content, channel, requestId, replaces = null } = question
  const background = await gatherBackground(parts.db, { accountId, chatbotId, conversationId, question: content, replaces })
  if (background === null) throw new Problem('not_found', 'There is no such chatbot.')
  // Quotations do not depend on what was said before, so nobody is charged for sending it along.
  const model = parts.model.named(background.modelName)
  const history = model.kind === 'extractive' ? [] : background.history
  const prompt = buildPrompt({ ...background, history, question: content })
  const tokenEstimate = prompt.tokens + model.maxOutputTokens
  const asked = { accountId, chatbotId, conversationId, content, tokenEstimate, requestId, channel, messageId: randomUUID(), replaces }
  const beginning = await (question.begin ?? beginAnswer)(parts.db, asked).catch((error: unknown) => {
    if (error instanceof DatabaseUnavailable) giveBackInBackground(parts, asked)
    throw error
  })
  const { messageId, userMessageId } = admit(parts.metrics, beginning, chatbotId, tokenEstimate)
  if (beginning.outcome === 'replayed') return { outcome: 'replayed', messageId }

  const stop = new AbortController()
  const begun = Promise.withResolvers<void>()
  const finished = Promise.withResolvers<AnswerUsage>()
  const settled = Promise.allSettled([finished.promise, begun.promise]).then(() => {})
  const log = new AnswerLog()
  const follow = () => log.follow()
  parts.answers.register(messageId, { stop: () => stop.abort(), settled, follow })

  const write: Write = (chunk) => log.write(chunk)
  writeStart(write, messageId, { conversationId, userMessageId })
  void run({ parts, model, question, background, prompt, messageId, stop, times, write, begun: begun.resolve })
    .then(finished.resolve, (error: unknown) => {
      finished.reject(error)
      begun.reject(error)
      write({ type: 'error', errorText: question.describe(toProblem(error)) })
    })
    .finally(() => {
      begun.resolve()
      log.close()
    })
  return { outcome: 'started', messageId, begun: begun.promise, finished: finished.promise, stream: follow() }
}

/** giveBackInBackground keeps the caller from waiting for it, and a shutdown from overtaking it. */
function giveBackInBackground({ db, answers }: AnswerParts, asked: { accountId: string; messageId: string }): void {
  const { accountId, messageId } = asked
  const log = new AnswerLog()
  const stop = new AbortController()
  const settled = giveBackLostAnswer(db, { accountId, messageId }, stop.signal).finally(() => log.close())
  answers.register(messageId, { stop: () => stop.abort(), settled, follow: () => log.follow() })
}

/** admit turns every outcome but `started` and `replayed` into its problem. */
function admit(
  metrics: Metrics,
  beginning: AnswerBeginning,
  chatbotId: string,
  tokenEstimate: number
): { messageId: string; userMessageId: string | null } {
  const { outcome, metric, messageId, userMessageId } = beginning
  if (outcome === 'not_found') throw new Problem('not_found', 'There is no such conversation of this chatbot.')
  if (outcome === 'running') {
    throw new Problem('request_in_progress', 'The question with this Idempotency-Key is still being answered.', {
      headers: { 'Retry-After': '1' },
      resolutions: [{ action: 'retry', afterSeconds: 1 }]
    })
  }
  if (outcome === 'refused') {
    const refusing = metric ?? 'messages'
    metrics.quotaDecisions.inc({ metric: refusing, decision: 'refused' })
    if (refusing === 'chatbot_messages') throw capProblem(beginning, chatbotId)
    throw quotaProblem(beginning, refusing, refusing === 'llm_tokens' ? tokenEstimate : 1)
  }
  if (messageId === null) throw new Error(`api.begin_answer answered ${outcome} without a message.`)
  if (outcome === 'started') metrics.quotaDecisions.inc({ metric: 'messages', decision: 'allowed' })
  return { messageId, userMessageId }
}

/**
 * run generates the answer and settles it, in this one place however it ended: complete costs what the provider counted,
 * stopped what was streamed, failed nothing.
 */
async function run(job: {
  parts: AnswerParts
  model: AnswerModel
  question: Question
  background: Background
  prompt: Prompt
  messageId: string
  stop: AbortController
  times: AnswerTimes
  write: Write
  begun: () => void
}): Promise<AnswerUsage> {
  const { parts, model, question, background, prompt, messageId, stop, times, write } = job
  const answer = { accountId: question.accountId, messageId }
  const endWatch = watchForStop(parts.db, answer, times.stopPollMs, () => stop.abort())
  const { status, text, inputTokens, outputTokens, failure } = await generate({
    model,
    prompt,
    passages: background.passages,
    hasDocuments: background.hasDocuments,
    stop: stop.signal,
    times,
    onChunk: write,
    onFirstPiece: job.begun
  }).finally(endWatch)

  const citations = citationsOf(text, background.passages)
  parts.metrics.chatMessages.inc({ outcome: status })
  if (failure !== null) question.log.error({ err: failure, messageId, model: model.name }, 'answer failed')
  const settlement = { status, content: text, citations, inputTokens, outputTokens, error: failure?.message ?? null }
  const finish = await settleAnswer(parts.db, { ...answer, ...settlement }).catch((error: unknown) => {
    question.log.error({ err: error, messageId }, 'answer not settled; its reservation will be released')
    throw error
  })
  if (status === 'failed') {
    throw modelUnavailable()
  }
  const usage: AnswerUsage = {
    status,
    messagesUsed: finish.used ?? 0,
    quota: finish.quota,
    remaining: finish.remaining,
    resetsAt: formatTime(finish.resetsAt),
    inputTokens,
    outputTokens
  }
  writeEnd(write, citations, usage)
  return usage
}
