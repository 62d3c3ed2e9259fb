import { z } from 'zod'
import { EVENT_RANK } from '../../billing-event.ts'
import type { BillingEvent, EventRank, ReversalStatus } from '../../billing-event.ts'
import { eventOf, identifier, rejected } from '../../payload.ts'
import { AnswerUnknown } from '../../processor.ts'
import type { ListedEntry } from '../../processor.ts'
import { answeredEnvelope } from './asking.ts'
import { dispute, refund, standingOf } from './money.ts'
import { seconds } from './shape.ts'

/** Reversal is a refund or dispute as a list shows it; `standing` is how it stands in Razorpay's own words. */
type Reversal = {
  standing: string
  createdAt: string
  rank: EventRank
  facts: Pick<BillingEvent, 'reversalId' | 'reversalStatus' | 'paymentId' | 'amountMinor' | 'currency'>
}

const DAY_MS = 86_400_000
/**
 * For how many days after its making a reversal may still change, generously, because a list knows only when it was made:
 * a refund takes "5-7 working days" (api/refunds/fetch-all.md of razorpay/markdown-docs), a chargeback with all its
 * arbitration some months.
 */
const OPEN_DAYS = { refund: 30, dispute: 270 }

const DISPUTE: Record<'open' | 'under_review' | 'won' | 'lost' | 'closed', [EventRank, ReversalStatus]> = {
  open: [EVENT_RANK.updated, 'reversed'],
  under_review: [EVENT_RANK.updated, 'reversed'],
  won: [EVENT_RANK.ended, 'restored'],
  lost: [EVENT_RANK.ended, 'reversed'],
  closed: [EVENT_RANK.ended, 'restored']
}

const listedRefund = z
  .intersection(refund, z.object({ status: identifier, created_at: seconds }).transform((raw) => ({ raw })))
  .transform(({ raw, ...facts }): Reversal => {
    const rank = facts.reversalStatus === 'pending' ? EVENT_RANK.created : EVENT_RANK.updated
    return { standing: raw.status, createdAt: raw.created_at, rank, facts }
  })

const disputeStanding = z.object({
  status: z.enum(['open', 'under_review', 'won', 'lost', 'closed']),
  phase: identifier.nullish(),
  created_at: seconds
})
const listedDispute = z
  .intersection(dispute, disputeStanding.transform((raw) => ({ raw })))
  .transform(({ raw, isInquiry, ...facts }): Reversal => {
    const [rank, claimed] = DISPUTE[raw.status]
    const reversalStatus = standingOf({ isInquiry, rank, claimed })
    return {
      // One that was won may be claimed again in a later phase.
      standing: `${raw.phase ?? 'no_phase'}:${raw.status}`,
      createdAt: raw.created_at,
      rank: reversalStatus === 'pending' ? EVENT_RANK.created : rank,
      facts: { ...facts, reversalStatus }
    }
  })

const SHAPES = { refund: listedRefund, dispute: listedDispute }
const named = z.object({ id: identifier })

/** madeSince is from when on a reversal has to have been made to be looked at, in Unix milliseconds. */
export function madeSince(kind: 'refund' | 'dispute', since: string): number {
  return Date.parse(since) - OPEN_DAYS[kind] * DAY_MS
}

/**
 * reversalEntry words a refund or dispute from a list; null for one made before `sinceMs`. Throws {@link AnswerUnknown} for
 * one without an id.
 *
 * Its event id names it and how it stands, so that a repetition is known and another standing is news. Its time has to put
 * it right among the webhooks of the same reversal, which carry the time of each change; the entity has only that of its
 * making. Undecided (`pending`) is how a reversal begins: that is dated by its making, before all webhooks. Any other
 * standing may be newer than every webhook that has arrived, and is as of `askedAtMs`, taken before asking: whatever came
 * before that is contained in it, whatever comes after is later.
 */
export function reversalEntry(
  kind: 'refund' | 'dispute',
  item: unknown,
  { askedAtMs, sinceMs }: { askedAtMs: number; sinceMs: number }
): ListedEntry | null {
  const id = named.safeParse(item)
  if (!id.success) throw new AnswerUnknown(`Razorpay answered in an unknown shape: a ${kind} without an id`)
  const asked = answeredEnvelope(id.data.id, askedAtMs)
  const parsed = SHAPES[kind].safeParse(item)
  if (!parsed.success) {
    const envelope = { ...asked, eventId: `fetch:${id.data.id}:unreadable` }
    return { payload: JSON.stringify(item), normalised: rejected(envelope, parsed.error) }
  }
  const { standing, createdAt, rank, facts } = parsed.data
  if (Date.parse(createdAt) < sinceMs) return null
  const occurredAt = facts.reversalStatus === 'pending' ? createdAt : asked.occurredAt
  const envelope = { ...asked, eventId: `fetch:${id.data.id}:${standing}`, occurredAt }
  const event = eventOf('razorpay', envelope, { kind, rank, ...facts })
  return { payload: JSON.stringify(event), normalised: { outcome: 'event', event } }
}
