import { z } from 'zod'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import type { World } from './dialect.ts'
import type { Faults } from './faults.ts'
import { perProcessor, PROCESSORS } from './processors.ts'
import { shuffled } from './random.ts'

const pendingSchema = z.object({
  processor: z.enum(PROCESSORS),
  eventId: z.string(),
  eventType: z.string(),
  body: z.string(),
  group: z.string(),
  attempts: z.int(),
  dueMs: z.number()
})

/** Pending is a webhook that is still to be delivered, `attempts` of which have failed. Times are the twin's. */
export type Pending = z.infer<typeof pendingSchema>

const endpointSchema = z.object({
  disabled: z.boolean(),
  failingSinceMs: z.number().nullable(),
  delivered: z.int(),
  failedAttempts: z.int(),
  lost: z.int(),
  givenUp: z.int()
})

/**
 * Endpoint is how the deliveries of one processor go: `lost` by a fault, `givenUp` by the processor after its last attempt or
 * because the webhook is disabled, since when every attempt has failed.
 */
export type Endpoint = z.infer<typeof endpointSchema>

/** queueSchema is what a restart carries over. */
export const queueSchema = z.object({ pending: z.array(pendingSchema), endpoints: z.record(z.enum(PROCESSORS), endpointSchema) })

/** SavedQueue is the type of {@link queueSchema}. */
export type SavedQueue = z.infer<typeof queueSchema>

/** DeliveryQueue holds what is pending, in the order in which it happened. */
export type DeliveryQueue = {
  endpoints: Record<ProcessorName, Endpoint>
  push(webhook: Parameters<World['send']>[0]): void
  nextDue(): number | null
  /** due returns what one processor delivers now, in the order in which it does. */
  due(processor: ProcessorName): Pending[]
  pending(processor: ProcessorName): Pending[]
  remove(webhook: Pending): void
  save(): SavedQueue
  /** load makes all of it due at once: it was Parley's own end that kept it waiting. */
  load(saved: SavedQueue): void
}

/** createQueue makes an empty one. Losses and duplicates are drawn when a webhook is queued. */
export function createQueue(options: { nowMs(): number; random(): number; faults: Record<ProcessorName, Faults> }): DeliveryQueue {
  const { nowMs, random, faults } = options
  const endpoints = perProcessor((): Endpoint => ({ disabled: false, failingSinceMs: null, delivered: 0, failedAttempts: 0, lost: 0, givenUp: 0 }))
  const waiting = new Set<Pending>()
  const of = (processor: ProcessorName): Pending[] => [...waiting].filter((webhook) => webhook.processor === processor)
  return {
    endpoints,
    push(webhook) {
      const { duplicateRate, lossRate } = faults[webhook.processor]
      const [isLost, isDuplicate] = [random() < lossRate, random() < duplicateRate]
      const endpoint = endpoints[webhook.processor]
      if (endpoint.disabled) endpoint.givenUp += 1
      else if (isLost) endpoint.lost += 1
      else {
        const pending = (): Pending => ({ ...webhook, attempts: 0, dueMs: nowMs() })
        waiting.add(pending())
        if (isDuplicate) waiting.add(pending())
      }
    },
    nextDue: () => earliest([...waiting].map(({ dueMs }) => dueMs)),
    due(processor) {
      const due = of(processor).filter(({ dueMs }) => dueMs <= nowMs())
      const { shuffle } = faults[processor]
      if (shuffle === 'none') return due
      if (shuffle === 'all') return shuffled(due, random)
      return [...Map.groupBy(due, ({ group }) => group).values()].flatMap((group) => shuffled(group, random))
    },
    pending: of,
    remove: (webhook) => void waiting.delete(webhook),
    save: () => ({ pending: [...waiting], endpoints }),
    load(saved) {
      for (const processor of PROCESSORS) Object.assign(endpoints[processor], saved.endpoints[processor])
      for (const webhook of saved.pending) waiting.add({ ...webhook, dueMs: Math.min(webhook.dueMs, nowMs()) })
    }
  }
}

/** earliest returns the least of some times, or null when there is none. */
export function earliest(times: readonly (number | null)[]): number | null {
  return times.reduce((least, time) => (time !== null && (least === null || time < least) ? time : least), null)
}
