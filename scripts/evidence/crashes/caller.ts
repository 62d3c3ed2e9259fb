import { setTimeout as pause } from 'node:timers/promises'
import type { Ground } from '../ground.ts'
import { composeScenario } from '../../webhook/compose.ts'
import type { WebhookProcessor } from '../../webhook/delivery.ts'
import type { Scenario, WebhookEvent } from '../../webhook/scenario.ts'
import type { Instance, Lane } from './instances.ts'
import type { ChargeNote, DeliveryNote, Notes, QuestionNote } from './notes.ts'
import { ask, type Attempt, charge, deliver, makeDelivery, type Place } from './requests.ts'

const REPEAT_AFTER_MS = 20
const PATIENCE_MS = 120_000

/**
 * Sending is one thing a caller wants done, with its note: `once` sends it to one server, `untilDone` to whichever server of
 * the lane is there, again and again with the same id, until it is acknowledged. Both write what was acknowledged into the
 * note, and answer whether it was; what another server has begun can only be acknowledged later. `lostCount` is how often
 * nothing was acknowledged.
 */
export type Sending<Note> = {
  note: Note
  once(instance: Instance): Promise<boolean>
  untilDone(lane: Lane): Promise<boolean>
  lostCount(): number
}

/** Event is one event in the life of the one subscription of an account, which it names unless `names` says otherwise. */
export type Event = {
  processor: WebhookProcessor
  accountId: string
  event: WebhookEvent
  plan: string
  place: number
  id: string
  names?: 'the account' | 'nobody'
}

/** Caller makes the requests of one run and notes them. */
export class Caller {
  readonly notes: Notes
  readonly #ground: Ground
  readonly #tokens = new Map<string, string>()
  // The life of every subscription began a day ago, an event a second.
  readonly #beginMs = Math.floor(Date.now() / 1000) * 1000 - 86_400_000
  readonly #listeners = new Set<() => void>()

  constructor(ground: Ground, notes: Notes) {
    this.#ground = ground
    this.notes = notes
  }

  /** token is the session of an account. */
  token(accountId: string): string {
    const token = this.#tokens.get(accountId) ?? this.#ground.token(accountId)
    this.#tokens.set(accountId, token)
    return token
  }

  /** acknowledgements resolves after so many more of them, from any server. */
  acknowledgements(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let left = count
    const listener = (): void => {
      left -= 1
      if (left > 0) return
      this.#listeners.delete(listener)
      resolve()
    }
    this.#listeners.add(listener)
    return promise
  }

  /** delivery notes and prepares one event. */
  delivery({ processor, accountId, event, plan, place, id, names = 'the account' }: Event): Sending<DeliveryNote> & { scenario: Scenario } {
    const occurredAt = new Date(this.#beginMs + place * 1000)
    const request = { processor, event, account: accountId, plan, periodStart: new Date(this.#beginMs), occurredAt, eventId: id }
    const { scenario } = composeScenario({ ...request, shape: 'current' }, null, occurredAt)
    const delivery = makeDelivery(this.#ground.secrets, processor, scenario, names)
    const note: DeliveryNote = { processor, inboxId: delivery.inboxId, accountId, plan, place, answers: [] }
    this.notes.deliveries.push(note)
    return { scenario, ...this.#sending(note, (url) => deliver(url, delivery), (outcome) => note.answers.push(outcome)) }
  }

  /** charge notes and prepares one quota call. */
  charge(accountId: string, metric: string, amount: number, key: string): Sending<ChargeNote> {
    const note: ChargeNote = { accountId, metric, amount, key, answers: [], givenUp: false }
    this.notes.charges.push(note)
    return this.#sending(note, (url) => charge(url, this.token(accountId), note), (answer) => note.answers.push(answer))
  }

  /** question notes and prepares one question; `onWord` counts the words of its answer. */
  question(
    { accountId, conversationId, path }: Omit<Place, 'token'> & { accountId: string; conversationId: string },
    content: string,
    key: string,
    onWord?: (words: number) => void
  ): Sending<QuestionNote> {
    const note: QuestionNote = { accountId, conversationId, key, answers: [] }
    this.notes.questions.push(note)
    const place = { token: this.token(accountId), path }
    return this.#sending(note, (url) => ask(url, place, { content, key }, onWord), (messageId) => note.answers.push(messageId))
  }

  #sending<Note, Acknowledged>(
    note: Note,
    send: (url: string) => Promise<Attempt<Acknowledged>>,
    keep: (value: Acknowledged) => void
  ): Sending<Note> {
    let lost = 0
    const take = (attempt: Attempt<Acknowledged>): void => {
      if (attempt.kind === 'lost') lost += 1
      if (attempt.kind === 'unexpected') this.notes.unexpected.push(attempt.answer)
      if (attempt.kind !== 'acknowledged') return
      keep(attempt.value)
      for (const listener of this.#listeners) listener()
    }
    const once = async ({ url }: Instance): Promise<boolean> => {
      const attempt = await send(url)
      take(attempt)
      return attempt.kind === 'acknowledged'
    }
    const untilDone = async (lane: Lane): Promise<boolean> => {
      const deadline = performance.now() + PATIENCE_MS
      for (;;) {
        const { url } = await lane.current()
        const attempt = await send(url)
        take(attempt)
        if (attempt.kind !== 'lost') return attempt.kind === 'acknowledged'
        if (performance.now() > deadline) {
          this.notes.unexpected.push(`nothing was acknowledged for ${PATIENCE_MS / 1000} s at ${url}`)
          return false
        }
        // As a client does, so that a server which is not there yet is not asked a thousand times.
        await pause(REPEAT_AFTER_MS)
      }
    }
    return { note, once, untilDone, lostCount: () => lost }
  }
}
