import type { MessageBody } from '../../../../server/src/contract/messages.ts'
import { ApiProblem, Unreachable } from '../../lib/api.ts'
import { readAnswerParts } from './answer-parts.ts'
import { type Attempt, isOutcomeUnknown, planRepeat } from './attempt.ts'
import { type LiveAnswer, withPart } from './live-answer.ts'

/**
 * Turn is one question being answered. `waiting`: sent, not taken yet; `streaming`: the answer comes, here or (`isElsewhere`)
 * through another server; `isLost`: the connection broke, and the answer goes on without us. `failure` is what refused or
 * broke the last attempt.
 */
export type Turn = {
  phase: 'idle' | 'waiting' | 'streaming'
  attempt: Attempt | null
  answer: LiveAnswer | null
  messageId: string | null
  isStopping: boolean
  isElsewhere: boolean
  isLost: boolean
  failure: { error: unknown; attempt: Attempt } | null
}

/** TurnPort is how a turn asks Parley. All but `wait` throw ApiProblem or Unreachable. */
export type TurnPort = {
  /** open returns the conversation, and opens it with its first question. */
  open(attempt: Attempt): Promise<string>
  post(conversationId: string, attempt: Attempt): Promise<ReadableStream<Uint8Array>>
  resume(conversationId: string, messageId: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  stop(conversationId: string, messageId: string): Promise<void>
  /** newest returns the newest few messages, newest first. */
  newest(conversationId: string): Promise<MessageBody[]>
  /** taken: the server has taken the question; what was typed is no longer needed. */
  taken(content: string): void
  /** settled: the messages, and what is used, have changed. Resolves when the messages are read again. */
  settled(): Promise<void>
  newKey(): string
  wait(milliseconds: number): Promise<void>
}

const IDLE: Turn = {
  phase: 'idle', attempt: null, answer: null, messageId: null, isStopping: false, isElsewhere: false, isLost: false, failure: null
}
const POLL_MS = 1_000
const LONGEST_WAIT_MS = 10_000
const STOP_TRIES = 20

/**
 * TurnRunner has one question answered at a time and follows an answer to its end, over broken connections too. Leaving
 * ({@link detach}) never stops an answer: only {@link stop} does.
 */
export class TurnRunner {
  readonly #port: TurnPort
  readonly #listeners = new Set<() => void>()
  #turn: Turn = IDLE
  #conversationId: string | null
  #followed: string | null = null
  #leaving = new AbortController()

  constructor(port: TurnPort, conversationId: string | null) {
    this.#port = port
    this.#conversationId = conversationId
  }

  /** subscribe and {@link current} are what React's useSyncExternalStore wants. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** current is the turn as it stands; the same object until something changes. */
  readonly current = (): Turn => this.#turn

  /** attach begins to follow again after {@link detach}. */
  attach(): void {
    this.#followed = null
    if (this.#leaving.signal.aborted) this.#leaving = new AbortController()
  }

  /** detach stops listening. A question on its way still gets there. */
  detach(): void {
    this.#leaving.abort()
    if (this.#turn.phase === 'streaming') this.#change(IDLE)
  }

  /** ask sends a question, or has an answer given anew; does nothing while another is being answered. */
  async ask(attempt: Attempt): Promise<void> {
    if (this.#turn.phase !== 'idle') return
    this.#change({ ...IDLE, phase: 'waiting', attempt })
    try {
      this.#conversationId = await this.#port.open(attempt)
      await this.#read(await this.#port.post(this.#conversationId, attempt), attempt.content)
    } catch (error) {
      await this.#refused(attempt, error)
    }
  }

  /** repeat asks again what failed: with the same key where it is not known what became of it, else as a new attempt. */
  async repeat(): Promise<void> {
    const { failure } = this.#turn
    if (failure === null) return
    const { attempt, error } = failure
    await this.retry(isOutcomeUnknown(error) ? attempt : { ...attempt, key: this.#port.newKey() })
  }

  /** retry makes an attempt that may have been made before, having looked what became of it. */
  async retry(attempt: Attempt): Promise<void> {
    if (this.#turn.phase !== 'idle') return
    this.#change({ ...IDLE, phase: 'waiting', attempt })
    const newest = this.#conversationId === null ? [] : await this.#port.newest(this.#conversationId).catch(() => [])
    const next = planRepeat(newest, attempt, this.#port.newKey)
    this.#change(IDLE)
    this.#followed = null
    if (next.do === 'ask') await this.ask(next.attempt)
    else await this.follow(next.messageId, attempt.content)
  }

  /** follow listens to an answer that is being given, from its beginning; once per answer, however often it is called. */
  async follow(messageId: string, question: string | null): Promise<void> {
    if (this.#turn.phase !== 'idle' || this.#followed === messageId) return
    this.#followed = messageId
    this.#change({ ...IDLE, phase: 'streaming', messageId })
    await this.#follow(messageId, question)
  }

  /** stop ends the answer. What was written is kept. Throws where that could not be asked. */
  async stop(): Promise<void> {
    if (this.#turn.phase === 'idle' || this.#turn.isStopping) return
    this.#change({ ...this.#turn, isStopping: true })
    try {
      const messageId = this.#turn.messageId ?? (await this.#findRunning())
      if (messageId !== null && this.#conversationId !== null) await this.#port.stop(this.#conversationId, messageId)
    } finally {
      if (this.#turn.isStopping) this.#change({ ...this.#turn, isStopping: false })
    }
  }

  /** Until its first word the stream does not say which answer it is; the messages do. */
  async #findRunning(): Promise<string | null> {
    for (let tries = 0; tries < STOP_TRIES && this.#turn.phase === 'waiting'; tries += 1) {
      const newest = this.#conversationId === null ? [] : await this.#port.newest(this.#conversationId)
      const [last] = newest
      if (last?.role === 'assistant' && last.status === 'streaming') return last.messageId
      await this.#port.wait(POLL_MS / 4)
    }
    return this.#turn.messageId
  }

  async #refused(attempt: Attempt, error: unknown): Promise<void> {
    if (this.#turn.phase === 'streaming' && this.#turn.messageId !== null) {
      await this.#follow(this.#turn.messageId, attempt.content)
      return
    }
    if (error instanceof ApiProblem && error.problem.code === 'request_in_progress' && this.#conversationId !== null) {
      const newest = await this.#port.newest(this.#conversationId).catch(() => [])
      const next = planRepeat(newest, attempt, this.#port.newKey)
      if (next.do === 'follow') {
        this.#change({ ...IDLE, phase: 'streaming', messageId: next.messageId })
        await this.#follow(next.messageId, attempt.content)
        return
      }
    }
    // The question may have been stored with its failed answer: then the thread shows both.
    if (this.#conversationId !== null) await this.#port.settled().catch(() => {})
    this.#change({ ...IDLE, failure: { error: error instanceof ApiProblem ? error : toUnreachable(error), attempt } })
  }

  /** Reads a stream to its end; throws where it broke off. */
  async #read(body: ReadableStream<Uint8Array>, question: string | null): Promise<void> {
    const { signal } = this.#leaving
    let answer: LiveAnswer | null = null
    for await (const part of readAnswerParts(body)) {
      answer = withPart(answer, part)
      if (part.type === 'start' && question !== null) this.#port.taken(question)
      if (signal.aborted) return
      if (answer === null) continue
      // Told again from its beginning, an answer must not shrink before the reader's eyes.
      const shown = this.#turn.answer?.text.length ?? 0
      if (answer.ended !== null || answer.text.length >= shown) {
        this.#change({ ...this.#turn, phase: 'streaming', answer, messageId: answer.messageId, isLost: false })
      }
      if (answer.ended !== null) break
    }
    if (signal.aborted) return
    if (answer === null || answer.ended === null) throw new Error('The answer broke off.')
    await this.#end(answer)
  }

  async #end(answer: LiveAnswer): Promise<void> {
    const { attempt } = this.#turn
    const failure = answer.problem !== null && attempt !== null ? { error: new ApiProblem(answer.problem, null), attempt } : null
    // Where the messages cannot be read again, what was streamed stays.
    const isStored = await this.#port.settled().then(() => true, () => false)
    this.#change(isStored ? { ...IDLE, failure } : { ...IDLE, attempt, answer, messageId: answer.messageId, failure })
  }

  async #follow(messageId: string, question: string | null): Promise<void> {
    const conversationId = this.#conversationId
    if (conversationId === null) return
    const { signal } = this.#leaving
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#read(await this.#port.resume(conversationId, messageId, signal), question)
        return
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof ApiProblem && error.problem.status < 500) {
          if (error.problem.code === 'request_in_progress') await this.#waitFor(conversationId, messageId, question)
          if (!signal.aborted) await this.#port.settled().catch(() => {})
          if (!signal.aborted) this.#change(IDLE)
          return
        }
        this.#change({ ...this.#turn, isLost: true })
        await this.#port.wait(Math.min(POLL_MS * 2 ** failures, LONGEST_WAIT_MS))
      }
    }
  }

  /** Another server writes the answer: it can be read when it is finished. */
  async #waitFor(conversationId: string, messageId: string, question: string | null): Promise<void> {
    const { signal } = this.#leaving
    if (question !== null) this.#port.taken(question)
    this.#change({ ...this.#turn, isElsewhere: true })
    while (!signal.aborted) {
      const newest = await this.#port.newest(conversationId).catch(() => null)
      if (newest !== null && newest.find((message) => message.messageId === messageId)?.status !== 'streaming') return
      await this.#port.wait(POLL_MS)
    }
  }

  #change(turn: Turn): void {
    this.#turn = turn
    for (const listener of this.#listeners) listener()
  }
}

function toUnreachable(error: unknown): Unreachable {
  return error instanceof Unreachable ? error : new Unreachable(error)
}
