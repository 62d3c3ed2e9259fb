import { afterEach, describe, expect, test } from '@jest/globals'
import type { BillingEvent } from '../../src/billing/billing-event.ts'
import { AnswerUnknown } from '../../src/billing/processor.ts'
import type { ListedEntry } from '../../src/billing/processor.ts'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { readStored } from '../../src/billing/stored-event.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer, ApiRequest } from '../support/processors/api-server.ts'
import { listOf, razorpayAnswering } from '../support/razorpay-api.ts'
import {
  at,
  disputeEntity,
  paymentEntity,
  razorpayEvent,
  refundEntity,
  subscriptionEntity,
  unpaidEntity
} from '../support/razorpay-payloads.ts'

const NOW = Date.UTC(2026, 1, 20, 9, 30, 0, 250)
const ASKED_AT = '2026-02-20T09:30:00.250Z'
/** Razorpay's own clock has whole seconds: finer, an event of the same second would look older than the answer. */
const TOLD_AT = '2026-02-20T09:30:00.000Z'
const SINCE = '2026-01-31T00:00:00Z'
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

type Answers = Record<string, Record<string, unknown>> | ((request: ApiRequest) => ApiAnswer)

async function razorpayWith(answers: Answers, nowMs = NOW) {
  const server = await startApi(typeof answers === 'function' ? answers : razorpayAnswering(answers))
  stops.push(server.stop)
  const key = { keyId: 'rzp_test_parley', keySecret: 'secret' }
  const razorpay = createRazorpay({ webhookSecrets: [], ...key, apiUrl: server.url, nowMs: () => nowMs })
  const { api } = razorpay
  if (api === null) throw new Error('there is no API')
  return { razorpay, api, requests: server.requests }
}

describe('listing what happened at Razorpay', () => {
  test('gives each subscription as it stands, page by page, without what ended before or was never paid for', async () => {
    const items = [
      unpaidEntity({ id: 'sub_unpaid' }),
      subscriptionEntity({ id: 'sub_gone', status: 'cancelled', ended_at: at('2026-01-01T00:00:00Z') }),
      subscriptionEntity({ id: 'sub_ended', status: 'cancelled', ended_at: at('2026-02-01T00:00:00Z') }),
      ...Array.from({ length: 97 }, (_, place) => subscriptionEntity({ id: `sub_${place}` }))
    ]
    const last = [subscriptionEntity({ id: 'sub_last', status: 'pending' })]
    const { api, requests } = await razorpayWith(({ path }) => {
      return { status: 200, body: listOf(path.includes('skip=100') ? last : items) }
    })
    const first = await api.listSince({ since: SINCE, cursor: null })
    expect(first.cursor).toBe('subscriptions:100')
    expect(first.entries).toHaveLength(98)
    expect(first.entries[0]?.normalised).toMatchObject({ event: { subscriptionId: 'sub_ended', status: 'canceled' } })
    const second = await api.listSince({ since: SINCE, cursor: first.cursor })
    expect(second.cursor).toBe('refunds:0')
    const [entry] = second.entries
    expect(entry?.normalised).toMatchObject({
      outcome: 'event',
      event: {
        eventId: `fetch:sub_last:${ASKED_AT}`,
        eventType: 'fetched',
        kind: 'state',
        status: 'past_due',
        occurredAt: TOLD_AT,
        rank: 2
      }
    })
    expect(entry?.normalised).toEqual({ outcome: 'event', event: JSON.parse(entry?.payload ?? '') as unknown })
    expect(requests.map(({ path }) => path.split('?')[1])).toEqual(['count=100&skip=0', 'count=100&skip=100'])
  })

  test('shows one that cannot be read instead of hiding the others behind it', async () => {
    const items = [subscriptionEntity({ id: 'sub_odd', status: 'frozen' }), subscriptionEntity()]
    const { api } = await razorpayWith({ 'GET /v1/subscriptions': listOf(items) })
    const { entries } = await api.listSince({ since: SINCE, cursor: null })
    expect(entries.map(({ normalised }) => normalised.outcome)).toEqual(['rejected', 'event'])
    const odd = { eventId: `fetch:sub_odd:${ASKED_AT}`, reason: expect.stringContaining('status') }
    expect(entries[0]?.normalised).toMatchObject(odd)
  })
  test('goes on with the refunds and then the disputes, page by page, and ends with them', async () => {
    const many = Array.from({ length: 100 }, (_, place) => refundEntity({ id: `rfnd_${place}` }))
    const { api, requests } = await razorpayWith(({ path }) => {
      return { status: 200, body: listOf(path.startsWith('/v1/refunds') && path.endsWith('skip=0') ? many : []) }
    })
    const cursors: (string | null)[] = [null]
    do {
      cursors.push((await api.listSince({ since: SINCE, cursor: cursors.at(-1) ?? null })).cursor)
    } while (cursors.at(-1) !== null)
    expect(cursors).toEqual([null, 'refunds:0', 'refunds:100', 'disputes:0', null])
    const from = at('2026-01-01T00:00:00Z')
    expect(requests.map(({ path }) => path)).toEqual([
      '/v1/subscriptions?count=100&skip=0',
      `/v1/refunds?from=${from}&count=100&skip=0`,
      `/v1/refunds?from=${from}&count=100&skip=100`,
      '/v1/disputes?count=100&skip=0'
    ])
  })
})

/** listed is what the refunds and disputes that Razorpay keeps are listed as, asked at `nowMs`. */
async function listed(kind: 'refund' | 'dispute', items: unknown[], nowMs = NOW): Promise<ListedEntry[]> {
  const { api } = await razorpayWith({ [`GET /v1/${kind}s`]: listOf(items) }, nowMs)
  return (await api.listSince({ since: SINCE, cursor: `${kind}s:0` })).entries
}

function eventIn(entry: ListedEntry | undefined): BillingEvent {
  if (entry?.normalised.outcome !== 'event') throw new Error('there is no event')
  return entry.normalised.event
}

function told(type: string, entities: Record<string, Record<string, unknown>>, occurredAt: string): BillingEvent {
  const razorpay = createRazorpay({ webhookSecrets: [], keyId: null, keySecret: null })
  const normalised = razorpay.normalise(JSON.stringify(razorpayEvent(type, entities, { created_at: at(occurredAt) })))
  return eventIn({ payload: '', normalised })
}

describe('a refund or dispute from a list', () => {
  const MADE = { refund: '2026-02-02T08:00:00.000Z', dispute: '2026-02-03T08:00:00.000Z' }
  const CREATED = [0, 'pending'] as const

  test.each([
    ['refund', { status: 'pending' }, 'pending', MADE.refund, CREATED],
    ['refund', { status: 'processed' }, 'processed', TOLD_AT, [2, 'reversed']],
    ['refund', { status: 'failed' }, 'failed', TOLD_AT, [2, 'restored']],
    ['dispute', { status: 'open' }, 'chargeback:open', TOLD_AT, [2, 'reversed']],
    ['dispute', { status: 'under_review' }, 'chargeback:under_review', TOLD_AT, [2, 'reversed']],
    ['dispute', { status: 'open', phase: 'pre_arbitration' }, 'pre_arbitration:open', TOLD_AT, [2, 'reversed']],
    ['dispute', { status: 'won' }, 'chargeback:won', TOLD_AT, [3, 'restored']],
    ['dispute', { status: 'lost' }, 'chargeback:lost', TOLD_AT, [3, 'reversed']],
    ['dispute', { status: 'open', phase: 'retrieval' }, 'retrieval:open', MADE.dispute, CREATED],
    ['dispute', { status: 'under_review', phase: 'fraud' }, 'fraud:under_review', MADE.dispute, CREATED],
    ['dispute', { status: 'closed', phase: 'fraud' }, 'fraud:closed', TOLD_AT, [3, 'restored']]
  ] as const)('%s %j says what its webhook would, and can be read again', async (kind, changes, stands, time, expected) => {
    const entity = kind === 'refund' ? refundEntity(changes) : disputeEntity(changes)
    const [entry] = await listed(kind, [entity])
    const { rank, ...event } = eventIn(entry)
    expect([rank, event.reversalStatus]).toEqual(expected)
    expect(event).toMatchObject({
      eventId: `fetch:${String(entity['id'])}:${stands}`,
      eventType: 'fetched',
      occurredAt: time,
      kind,
      paymentId: 'pay_Parley00000001',
      reversalId: entity['id'],
      amountMinor: entity['amount'],
      currency: 'USD',
      status: null,
      subscriptionId: null
    })
    const { razorpay } = await razorpayWith({})
    expect(readStored(razorpay, { id: event.eventId, payload: entry?.payload ?? '' })).toEqual(entry?.normalised)
  })

  test('asked for again is the same event as long as it stands the same, and another one when it does not', async () => {
    const idAt = async (status: string, nowMs: number) => {
      return eventIn((await listed('refund', [refundEntity({ status })], nowMs))[0]).eventId
    }
    const first = await idAt('pending', NOW)
    expect(await idAt('pending', NOW + 3_600_000)).toBe(first)
    const failed = await idAt('failed', NOW + 7_200_000)
    expect(failed).not.toBe(first)
    expect(await idAt('failed', NOW + 9_000_000)).toBe(failed)
  })

  test('made so long before the time asked about that it cannot have changed since is left out', async () => {
    const made = (id: string, day: string) => ({ id, created_at: at(`${day}T00:00:00Z`) })
    const refunds = [refundEntity(made('rfnd_new', '2026-01-01')), refundEntity(made('rfnd_old', '2025-12-31'))]
    expect((await listed('refund', refunds)).map((entry) => eventIn(entry).reversalId)).toEqual(['rfnd_new'])
    const disputes = [disputeEntity(made('disp_new', '2025-05-06')), disputeEntity(made('disp_old', '2025-05-05'))]
    expect((await listed('dispute', disputes)).map((entry) => eventIn(entry).reversalId)).toEqual(['disp_new'])
  })

  test('that cannot be read is shown under an id of its own, and hides no other', async () => {
    for (const kind of ['refund', 'dispute'] as const) {
      const entity = kind === 'refund' ? refundEntity : disputeEntity
      const entries = await listed(kind, [entity({ id: 'odd_1', status: 'frozen' }), entity()])
      expect(entries.map(({ normalised }) => normalised.outcome)).toEqual(['rejected', 'event'])
      const odd = { eventId: 'fetch:odd_1:unreadable', reason: expect.stringContaining('status') }
      expect(entries[0]?.normalised).toMatchObject(odd)
      await expect(listed(kind, [{ entity: kind }])).rejects.toThrow(AnswerUnknown)
    }
  })
})

/** A life of a reversal: which webhook told of each step, how the entity looked then, and when it was. */
type Life = [kind: 'refund' | 'dispute', ...steps: [webhook: string, changes: Record<string, unknown>, at: string][]]

const LIVES: Record<string, Life> = {
  'a refund that is processed days later': [
    'refund',
    ['refund.created', { status: 'pending' }, '2026-02-02T08:00:01Z'],
    ['refund.processed', { status: 'processed' }, '2026-02-07T08:00:00Z']
  ],
  'a refund that is processed within its second': [
    'refund',
    ['refund.created', { status: 'pending' }, '2026-02-02T08:00:00Z'],
    ['refund.processed', { status: 'processed' }, '2026-02-02T08:00:00Z']
  ],
  'a refund that fails': [
    'refund',
    ['refund.created', { status: 'pending' }, '2026-02-02T08:00:01Z'],
    ['refund.failed', { status: 'failed' }, '2026-02-04T08:00:00Z']
  ],
  'a question by the bank that becomes a chargeback, is won, and is claimed again': [
    'dispute',
    ['payment.dispute.created', { status: 'open', phase: 'retrieval' }, '2026-02-03T08:00:01Z'],
    ['payment.dispute.under_review', { status: 'under_review', phase: 'retrieval' }, '2026-02-04T08:00:00Z'],
    ['payment.dispute.action_required', { status: 'open' }, '2026-02-05T08:00:00Z'],
    ['payment.dispute.won', { status: 'won' }, '2026-02-06T08:00:00Z'],
    ['payment.dispute.created', { status: 'open', phase: 'pre_arbitration' }, '2026-02-07T08:00:00Z'],
    ['payment.dispute.lost', { status: 'lost', phase: 'pre_arbitration' }, '2026-02-08T08:00:00Z']
  ],
  'a chargeback that is won within its second': [
    'dispute',
    ['payment.dispute.created', { status: 'open' }, '2026-02-03T08:00:00Z'],
    ['payment.dispute.won', { status: 'won' }, '2026-02-03T08:00:00Z']
  ]
}

/** standing is how a reversal stands by the database's order of events: time, rank, id as bytes. One id is taken in once. */
function standing(events: BillingEvent[]): string | null | undefined {
  const first = [...new Map(events.toReversed().map((event) => [event.eventId, event])).values()]
  const byId = (a: BillingEvent, b: BillingEvent) => Buffer.compare(Buffer.from(a.eventId), Buffer.from(b.eventId))
  const ordered = first.toSorted((a, b) => a.occurredAt.localeCompare(b.occurredAt) || a.rank - b.rank || byId(a, b))
  return ordered.at(-1)?.reversalStatus
}

describe('a list among the webhooks of the same refund or dispute', () => {
  test.each(Object.entries(LIVES))('%s: whichever webhooks get lost, asking gives the truth', async (_, [kind, ...steps]) => {
    const entityOf = (changes: Record<string, unknown>) => (kind === 'refund' ? refundEntity(changes) : disputeEntity(changes))
    const webhooks = steps.map(([type, changes, time]) =>
      told(type, { [kind]: entityOf(changes), payment: paymentEntity() }, time)
    )
    const asked: BillingEvent[] = []
    for (const [, changes, time] of steps) {
      asked.push(eventIn((await listed(kind, [entityOf(changes)], Date.parse(time) + 250))[0]))
    }
    const all = 2 ** steps.length
    for (let arrived = 0; arrived < all; arrived += 1) {
      for (let asks = 1; asks < all; asks += 1) {
        const taken: BillingEvent[] = []
        for (const [place, webhook] of webhooks.entries()) {
          const [hasArrived, isAsked] = [Boolean(arrived & (1 << place)), Boolean(asks & (1 << place))]
          if (hasArrived) taken.push(webhook)
          if (isAsked) taken.push(asked[place] as BillingEvent)
          const stands = hasArrived || isAsked ? standing(taken) : webhook.reversalStatus
          expect([arrived, asks, place, stands]).toEqual([arrived, asks, place, webhook.reversalStatus])
        }
        // All that was late comes after all: it changes nothing of what was asked for last.
        const isLastAsked = Boolean(asks & (1 << (webhooks.length - 1)))
        if (isLastAsked) expect(standing([...taken, ...webhooks])).toBe(webhooks.at(-1)?.reversalStatus)
      }
    }
  })
})
