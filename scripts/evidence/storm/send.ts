import { Agent } from 'node:http'
import type { Secrets } from '../../embedded/secrets.ts'
import { seededDice } from './dice.ts'
import { keyOf, type StormEvent } from './facts.ts'
import type { Delivery } from './plan.ts'
import { type Answer, postSigned } from './post.ts'

/** Refusal is an answer that a good delivery must not get: neither 2xx nor 503. */
export type Refusal = { event: string; status: number }

/**
 * Sent is what the senders know after the storm. By event (`source id`): how often it was sent, and how often a 2xx was read.
 * `lost` acknowledgements were hung up on, `unavailable` counts 503s, `unanswered` those without an answer that nobody hung
 * up on; all of these were delivered again until acknowledged, or too often (`givenUp`).
 */
export type Sent = {
  times: Map<string, number>
  acknowledged: Map<string, number>
  ackMs: number[]
  refusals: Refusal[]
  lost: { unread: number; unheard: number }
  unavailable: number
  unanswered: string[]
  givenUp: string[]
  seconds: number
}

/**
 * SendOptions: `connections` are used at once, for all servers together; a delivery that was not acknowledged is repeated
 * within the next `latestRepetition` ones.
 */
export type SendOptions = {
  urls: readonly string[]
  secrets: Secrets
  connections: number
  seed: string
  latestRepetition: number
  progress: (sent: number) => void
}

type Repetition = { event: StormEvent; attempt: number }

const MOST_ATTEMPTS = 30

/** sendAll sends the deliveries in their order over so many connections at once, and again whatever was not acknowledged. */
export async function sendAll(deliveries: readonly Delivery[], options: SendOptions): Promise<Sent> {
  const { urls, secrets, connections, seed, latestRepetition } = options
  const dice = seededDice(`${seed}: repetitions`)
  const agents = urls.map(() => new Agent({ keepAlive: true, maxSockets: connections }))
  const sent: Sent = {
    times: new Map(),
    acknowledged: new Map(),
    ackMs: [],
    refusals: [],
    lost: { unread: 0, unheard: 0 },
    unavailable: 0,
    unanswered: [],
    givenUp: [],
    seconds: 0
  }
  // By the number of the delivery before which they come.
  const repetitions = new Map<number, Repetition[]>()
  let next = 0
  let turn = 0

  const repeatLater = (event: StormEvent, attempt: number): void => {
    if (attempt > MOST_ATTEMPTS) {
      sent.givenUp.push(keyOf(event))
      return
    }
    const place = Math.min(next + dice.between(1, latestRepetition), deliveries.length)
    repetitions.set(place, [...(repetitions.get(place) ?? []), { event, attempt }])
  }

  const deliver = async (event: StormEvent, server: number, loss: Delivery['loss'], attempt: number): Promise<void> => {
    const key = keyOf(event)
    sent.times.set(key, (sent.times.get(key) ?? 0) + 1)
    turn += 1
    const url = urls[server % urls.length]
    const agent = agents[server % agents.length]
    if (url === undefined || agent === undefined) throw new Error('a storm needs a server')
    const answer = await postSigned(
      { url, source: event.source, body: event.body(), loss, deliveryId: `msg_${turn}` },
      { secrets, agent }
    )
    note(sent, key, answer, loss)
    if (answer.status === null || answer.status === 503) repeatLater(event, attempt + 1)
    if (turn % 500 === 0) options.progress(turn)
  }

  const worker = async (): Promise<void> => {
    for (;;) {
      // Past the last delivery, whatever is left over is due.
      const due = repetitions.get(next)
      const repetition = due?.shift()
      if (due?.length === 0) repetitions.delete(next)
      if (repetition !== undefined) {
        await deliver(repetition.event, dice.between(0, urls.length - 1), null, repetition.attempt)
        continue
      }
      const delivery = deliveries[next]
      if (delivery === undefined) return
      next += 1
      await deliver(delivery.event, delivery.server, delivery.loss, 0)
    }
  }

  const begunMs = performance.now()
  try {
    await Promise.all(Array.from({ length: connections }, worker))
    // A worker that found nothing to do has gone home while another one's last delivery failed.
    while (repetitions.size > 0) await worker()
  } finally {
    for (const agent of agents) agent.destroy()
  }
  sent.seconds = (performance.now() - begunMs) / 1000
  return sent
}

function note(sent: Sent, key: string, answer: Answer, loss: Delivery['loss']): void {
  if (answer.status === null) {
    if (answer.lost && loss !== null) sent.lost[loss] += 1
    else sent.unanswered.push(`${key}: ${answer.reason}`)
  } else if (answer.status >= 200 && answer.status < 300) {
    sent.acknowledged.set(key, (sent.acknowledged.get(key) ?? 0) + 1)
    sent.ackMs.push(answer.tookMs)
  } else if (answer.status === 503) {
    sent.unavailable += 1
  } else {
    sent.refusals.push({ event: key, status: answer.status })
  }
}
