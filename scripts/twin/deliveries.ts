import { Agent } from 'node:http'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import { createQueue, type DeliveryQueue, earliest, type Pending } from './delivery-queue.ts'
import type { Dialect } from './dialect.ts'
import type { Faults } from './faults.ts'
import { postWebhook } from './post-webhook.ts'
import { PROCESSORS } from './processors.ts'

/**
 * DeliveryOptions: `parleyUrl` is where Parley runs; `signers` sign and time the attempts; `nowMs` is the twin's time,
 * `random` decides about faults. At most `concurrency` deliveries are under way at once; `changed` says that there is
 * something to save, `log` takes a line for people.
 */
export type DeliveryOptions = {
  parleyUrl: string
  secrets: Record<ProcessorName, string>
  signers: Record<ProcessorName, Pick<Dialect, 'requestHeaders' | 'retryAfterMs'>>
  faults: Record<ProcessorName, Faults>
  nowMs(): number
  random(): number
  concurrency: number
  changed(): void
  log(line: string): void
}

/** Deliveries send what is queued. `deliver` ends when nothing is due any more; calls at the same time share one run. */
export type Deliveries = Pick<DeliveryQueue, 'endpoints' | 'push' | 'nextDue' | 'pending' | 'save' | 'load'> & {
  deliver(): Promise<void>
  enable(processor: ProcessorName): void
  stop(): Promise<void>
}

// How long each waits for an answer. Paddle: developer.paddle.com/webhooks/about/respond-to-webhooks; Razorpay:
// razorpay.com/docs/webhooks/best-practices. Stripe publishes none.
const TIMEOUT_MS: Record<ProcessorName, number> = { stripe: 10_000, paddle: 5_000, razorpay: 5_000 }

// Razorpay switches a webhook off that has failed for a day; the other two go on (razorpay.com/docs/webhooks/faqs).
const DISABLED_AFTER_MS: Partial<Record<ProcessorName, number>> = { razorpay: 24 * 3_600_000 }

/** createDeliveries makes the sender of all webhooks: at least once, in disorder, retried in the twin's time until a 2xx. */
export function createDeliveries(options: DeliveryOptions): Deliveries {
  const { nowMs, random, faults } = options
  const queue = createQueue({ nowMs, random, faults })
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency })
  const stopping = new AbortController()
  let running: Promise<void> | null = null

  const attempt = async (webhook: Pending, isAnswerLost: boolean): Promise<void> => {
    const { processor, body, eventId } = webhook
    const secret = options.secrets[processor]
    // Signatures are dated with real time: Parley compares them with its own clock, however far the twin's has moved.
    const headers = options.signers[processor].requestHeaders({ body, eventId, secret, nowMs: Date.now() })
    const url = `${options.parleyUrl}/webhooks/${processor}`
    const answer = await postWebhook({ url, body, headers, timeoutMs: TIMEOUT_MS[processor], agent, signal: stopping.signal })
    if (stopping.signal.aborted) return
    const isTaken = answer.status !== null && answer.status >= 200 && answer.status < 300 && !isAnswerLost
    if (isTaken) settle(webhook)
    else fail(webhook, isAnswerLost ? 'its answer was lost' : answer.reason)
    options.changed()
  }

  const settle = (webhook: Pending): void => {
    const endpoint = queue.endpoints[webhook.processor]
    endpoint.failingSinceMs = null
    endpoint.delivered += 1
    queue.remove(webhook)
  }

  const fail = (webhook: Pending, reason: string): void => {
    const { processor } = webhook
    const endpoint = queue.endpoints[processor]
    const now = nowMs()
    webhook.attempts += 1
    endpoint.failedAttempts += 1
    endpoint.failingSinceMs ??= now
    const pauseMs = options.signers[processor].retryAfterMs(webhook.attempts)
    if (pauseMs === null) {
      endpoint.givenUp += 1
      queue.remove(webhook)
      options.log(`${processor} gave up ${webhook.eventType} ${webhook.eventId} after ${webhook.attempts} attempts: ${reason}.`)
    } else {
      webhook.dueMs = now + Math.max(pauseMs, 1)
    }
  }

  // When a webhook that goes on failing is switched off; null where it is not failing, or never is.
  const disabledAtMs = (processor: ProcessorName): number | null => {
    const { disabled, failingSinceMs } = queue.endpoints[processor]
    const limitMs = DISABLED_AFTER_MS[processor]
    return limitMs === undefined || disabled || failingSinceMs === null ? null : failingSinceMs + limitMs
  }

  const disableWhereDue = (processor: ProcessorName): void => {
    if ((disabledAtMs(processor) ?? Infinity) > nowMs()) return
    const endpoint = queue.endpoints[processor]
    endpoint.disabled = true
    for (const webhook of queue.pending(processor)) {
      endpoint.givenUp += 1
      queue.remove(webhook)
    }
    options.log(`${processor} disabled its webhook after a day of failures: npm run twin -- ${processor} enable`)
    options.changed()
  }

  const deliverDue = async (): Promise<void> => {
    for (;;) {
      let sent = 0
      for (const processor of PROCESSORS) {
        const batch = queue.due(processor).map((webhook) => ({ webhook, isAnswerLost: random() < faults[processor].ackLossRate }))
        sent += batch.length
        // In order means one after the other.
        const workers = faults[processor].shuffle === 'none' ? 1 : options.concurrency
        await drain(batch, workers, async ({ webhook, isAnswerLost }) => {
          if (!stopping.signal.aborted) await attempt(webhook, isAnswerLost)
        })
        disableWhereDue(processor)
      }
      if (sent === 0 || stopping.signal.aborted) return
    }
  }

  const isDue = (): boolean => (queue.nextDue() ?? Infinity) <= nowMs()

  return {
    endpoints: queue.endpoints,
    push(webhook) {
      queue.push(webhook)
      options.changed()
    },
    nextDue: () => (stopping.signal.aborted ? null : earliest([queue.nextDue(), ...PROCESSORS.map(disabledAtMs)])),
    pending: queue.pending,
    save: queue.save,
    load: queue.load,
    async deliver() {
      do {
        running ??= deliverDue().finally(() => (running = null))
        await running
        // What was queued in the very moment in which a shared run ended.
      } while (isDue() && !stopping.signal.aborted)
    },
    enable(processor) {
      Object.assign(queue.endpoints[processor], { disabled: false, failingSinceMs: null })
      options.changed()
    },
    async stop() {
      stopping.abort()
      await running
      agent.destroy()
    }
  }
}

async function drain<Entry>(entries: Entry[], workers: number, work: (entry: Entry) => Promise<void>): Promise<void> {
  const left = [...entries]
  const worker = async (): Promise<void> => {
    for (let entry = left.shift(); entry !== undefined; entry = left.shift()) await work(entry)
  }
  await Promise.all(Array.from({ length: Math.min(workers, entries.length) }, worker))
}
