import { z } from 'zod'
import { timestamp } from './call.ts'

/** webhookEventSchema is a delivery without its payload. `accountId` is null until it is known. */
export const webhookEventSchema = z.object({
  processor: z.enum(['stripe', 'paddle', 'razorpay', 'clerk']),
  eventId: z.string(),
  eventType: z.string(),
  kind: z.string().nullable(),
  status: z.enum(['received', 'processed', 'ignored', 'failed', 'dead', 'discarded']),
  attempts: z.number(),
  deliveries: z.number(),
  lastError: z.string().nullable(),
  accountId: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  occurredAt: timestamp,
  receivedAt: timestamp,
  processedAt: timestamp.nullable(),
  nextAttemptAt: timestamp.nullable()
})
export type WebhookEvent = z.output<typeof webhookEventSchema>

/** eventActionSchema is what became of an operator's wish: `refused` leaves the delivery as its `status` says. */
export const eventActionSchema = z.object({ outcome: z.enum(['done', 'refused']), status: webhookEventSchema.shape.status })
export type EventAction = z.output<typeof eventActionSchema>
