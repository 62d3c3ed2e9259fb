import { createHash } from 'node:crypto'
import { z } from 'zod'
import { EVENT_RANK, type Normalised } from '../billing-event.ts'
import { type Envelope, eventOf, identifier, ignored, NO_TIME, readName, readObject, rejected } from '../payload.ts'
import type { EventSource } from '../processor.ts'
import { verifySvix } from './svix-signature.ts'

const ENDS = new Set(['user.deleted', 'organization.deleted'])
// The furthest time a Date can be.
const LAST_MS = 8_640_000_000_000_000

const envelopeSchema = z.object({ type: z.unknown(), timestamp: z.number().min(1).max(LAST_MS).optional().catch(undefined) })

// DeletedObjectJSON of @clerk/backend; the user or organization id is the account id.
const endSchema = z.object({ data: z.object({ id: identifier }) })

/**
 * createClerk takes Clerk's webhooks (sent by Svix). Only the end of a user or organization is acted on: its account is
 * closed, and whatever it still pays for is canceled.
 */
export function createClerk({ webhookSecrets }: { webhookSecrets: string[] }): EventSource {
  return {
    name: 'clerk',
    verify: (delivery) => verifySvix(delivery, webhookSecrets),
    normalise: normaliseClerk
  }
}

/**
 * normaliseClerk reads a body: `{data, type, object: 'event', timestamp}`, the timestamp in milliseconds. The event's id is
 * the hash of the body, because Clerk's bodies carry none, and Svix's (`svix-id`) stays with the headers, of which only
 * the body is kept for a replay. A retry has the same body, hence the same id. An end without a time is an end all the same:
 * who is gone must not be charged again.
 */
function normaliseClerk(rawBody: string): Normalised {
  const body = envelopeSchema.parse(readObject(rawBody))
  const envelope: Envelope = {
    eventId: `sha256:${createHash('sha256').update(rawBody).digest('hex')}`,
    eventType: readName(body.type, 'type'),
    occurredAt: body.timestamp === undefined ? NO_TIME : new Date(body.timestamp).toISOString()
  }
  if (!ENDS.has(envelope.eventType)) return ignored(envelope, 'only the end of a user or an organization concerns billing')
  const end = endSchema.safeParse(readObject(rawBody))
  if (!end.success) return rejected(envelope, end.error)
  const facts = { kind: 'closed', rank: EVENT_RANK.ended, accountId: end.data.data.id } as const
  return { outcome: 'event', event: eventOf('clerk', envelope, facts) }
}
