import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type PlanPrice, twinPrices } from '../../../scripts/twin/catalog.ts'
import type { ProcessorName } from '../../src/billing/billing-event.ts'
import type { Invoice, InvoiceOwner } from '../../src/billing/processor.ts'
import { openShop, type TwinShop } from './twin-shop.ts'

const BEGIN_MS = Date.parse('2026-02-01T10:00:00Z')
const CATALOG: PlanPrice[] = [
  { plan: 'starter', name: 'Starter', billing_interval: 'month', currency: 'USD', amount_minor: 1900, trial_days: 0 },
  { plan: 'growth', name: 'Growth', billing_interval: 'month', currency: 'USD', amount_minor: 7900, trial_days: 0 }
]

type Kind = { document: 'pdf' | 'page'; numbered: boolean; unpaid: Invoice['status']; refunded: Invoice['status'] }

/**
 * KINDS are what the processors differ in: where the document is, whether invoices have numbers, what an unpaid one is called,
 * and whether a refund shows.
 */
const KINDS: Record<ProcessorName, Kind> = {
  stripe: { document: 'pdf', numbered: true, unpaid: 'past_due', refunded: 'refunded' },
  paddle: { document: 'pdf', numbered: true, unpaid: 'past_due', refunded: 'refunded' },
  razorpay: { document: 'page', numbered: false, unpaid: 'open', refunded: 'paid' }
}
const PROCESSORS: ProcessorName[] = ['stripe', 'paddle', 'razorpay']

describe.each(PROCESSORS)('the invoices of %s', (name) => {
  const kind = KINDS[name]
  let shop: TwinShop
  beforeEach(async () => {
    shop = await openShop({ name, shape: 'current' }, twinPrices(name, CATALOG), BEGIN_MS)
  })
  afterEach(() => shop.close())

  /** buy answers the owner of what was bought. */
  async function buy(accountId: string, plan = 'starter'): Promise<InvoiceOwner & { subscriptionId: string }> {
    const subscriptionId = await shop.buy(accountId, { plan })
    return { subscriptionId, customerId: truthOf(subscriptionId).customerId }
  }

  function truthOf(subscriptionId: string) {
    const truth = shop.truth().find((one) => one.subscriptionId === subscriptionId)
    if (!truth) throw new Error('There is no such subscription.')
    return truth
  }

  async function list(owner: InvoiceOwner, limit = 24): Promise<Invoice[]> {
    return (await shop.api.listInvoices({ ...owner, limit })).invoices
  }

  test('one is there after a purchase, with its amount, its period and a document that can be opened', async () => {
    const owner = await buy('org_a')
    const { invoices, hasMore } = await shop.api.listInvoices({ ...owner, limit: 24 })
    const { periodStart, periodEnd } = truthOf(owner.subscriptionId)
    const [invoice] = invoices
    expect(invoices).toHaveLength(1)
    expect(invoice).toMatchObject({ status: 'paid', totalMinor: 1900, currency: 'USD', hasDocument: true })
    expect([instant(invoice?.periodStart), instant(invoice?.periodEnd)]).toEqual([instant(periodStart), instant(periodEnd)])
    expect(Math.abs(Date.parse(invoice?.issuedAt ?? '') - shop.nowMs())).toBeLessThan(1000)
    expect(invoice?.number !== null).toBe(kind.numbered)
    expect(hasMore).toBe(false)

    const document = await shop.api.invoiceDocument(invoice?.id ?? '', owner)
    expect(document?.kind).toBe(kind.document)
    const answer = await fetch(document?.url ?? '')
    const text = await answer.text()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(kind.document === 'pdf' ? /^application\/pdf/ : /^text\/html/)
    if (kind.document === 'pdf') expect(text).toMatch(/^%PDF-/)
    expect(text).toContain('$19.00')
    expect(text).toContain(invoice?.number ?? invoice?.id)
  })

  test('after a renewal there are two, the newest first, and a page that does not hold them says so', async () => {
    const owner = await buy('org_a')
    shop.pass('2026-03-02T10:00:00Z')
    const [newest, first, ...more] = await list(owner)
    expect(more).toEqual([])
    expect([newest?.status, first?.status]).toEqual(['paid', 'paid'])
    expect(instant(newest?.periodStart)).toBe(instant(first?.periodEnd))
    expect(instant(newest?.periodEnd)).toBe(instant(truthOf(owner.subscriptionId).periodEnd))
    expect(Date.parse(newest?.issuedAt ?? '')).toBeGreaterThan(Date.parse(first?.issuedAt ?? ''))
    if (kind.numbered) expect(newest?.number).not.toBe(first?.number)
    expect(await shop.api.listInvoices({ ...owner, limit: 1 })).toEqual({ invoices: [newest], hasMore: true })
    expect(await shop.api.listInvoices({ ...owner, limit: 2 })).toMatchObject({ hasMore: false })
  })

  test('a renewal that is not paid is open or past due until it is', async () => {
    const owner = await buy('org_a')
    shop.control.setCard(owner.subscriptionId, 'declined_later')
    shop.pass('2026-03-02T10:00:00Z')
    expect(await list(owner)).toMatchObject([{ status: kind.unpaid, totalMinor: 1900 }, { status: 'paid' }])
    shop.control.setCard(owner.subscriptionId, 'good')
    expect(await list(owner)).toMatchObject([{ status: 'paid', totalMinor: 1900, hasDocument: true }, { status: 'paid' }])
  })

  test('nobody is given an invoice of another customer, nor one that is not there', async () => {
    const [owner, other] = [await buy('org_a'), await buy('org_b', 'growth')]
    const [mine, theirs] = [await list(owner), await list(other)]
    expect([mine, theirs]).toMatchObject([[{ totalMinor: 1900 }], [{ totalMinor: 7900 }]])
    const [asked] = theirs.map(({ id }) => id)
    expect(await shop.api.invoiceDocument(asked ?? '', other)).not.toBeNull()
    expect(await shop.api.invoiceDocument(asked ?? '', owner)).toBeNull()
    expect(await shop.api.invoiceDocument('nothing_of_the_kind', owner)).toBeNull()

    const nobody = { customerId: null, subscriptionId: null }
    expect(await list(nobody)).toEqual([])
    expect(await shop.api.invoiceDocument(asked ?? '', nobody)).toBeNull()
    expect(await list({ ...owner, customerId: null })).toEqual(mine)
    expect(await shop.api.invoiceDocument(asked ?? '', { ...owner, customerId: null })).toBeNull()
  })

  test('come to what was charged, prorations too', async () => {
    const owner = await buy('org_a')
    shop.pass('2026-02-15T10:00:00Z')
    const change = { subscriptionId: owner.subscriptionId, priceId: shop.price('growth'), when: 'now' as const }
    await shop.api.changePlan(change, 'upgrade')
    shop.pass('2026-03-02T10:00:00Z')
    const charged = new Map<string, number>()
    for (const { normalised } of shop.told()) {
      if (normalised.outcome !== 'event' || normalised.event.payment !== 'paid') continue
      charged.set(normalised.event.paymentId ?? '', normalised.event.amountMinor ?? 0)
    }
    const invoiced = (await list(owner)).map(({ totalMinor }) => totalMinor)
    expect(invoiced).toHaveLength(3)
    expect(invoiced.toSorted(byAmount)).toEqual([...charged.values()].toSorted(byAmount))
  })

  test('one is refunded when all of its money went back, where the processor tells it, and paid when a part did', async () => {
    const owner = await buy('org_a')
    shop.control.refund(owner.subscriptionId, 900)
    shop.pass('2026-02-10T10:00:00Z')
    expect(await list(owner)).toMatchObject([{ status: 'paid' }])
    shop.control.refund(owner.subscriptionId)
    shop.pass('2026-02-20T10:00:00Z')
    expect(await list(owner)).toMatchObject([{ status: kind.refunded, totalMinor: 1900 }])
  })
})

test('two accounts that are one customer of Paddle see their own invoices only', async () => {
  const shop = await openShop({ name: 'paddle', shape: 'current' }, twinPrices('paddle', CATALOG), BEGIN_MS)
  try {
    const mine = await shop.buy('org_a', { plan: 'starter' })
    const customerId = shop.truth()[0]?.customerId ?? ''
    const checkout = await shop.api.createCheckout(
      {
        accountId: 'org_b',
        checkoutId: 'checkout-org_b',
        customerId,
        priceId: shop.price('growth'),
        trialDays: 0,
        returnUrl: 'https://parley.test/return',
        cancelUrl: 'https://parley.test/plans',
        expiresAt: '2026-02-01T11:00:00Z'
      },
      'buy org_b'
    )
    shop.control.pay(checkout.id, 'good')
    expect(shop.truth().map((one) => one.customerId)).toEqual([customerId, customerId])
    const { invoices } = await shop.api.listInvoices({ customerId, subscriptionId: mine, limit: 24 })
    expect(invoices).toMatchObject([{ totalMinor: 1900 }])
    expect(await shop.api.invoiceDocument(checkout.id, { customerId, subscriptionId: mine })).toBeNull()
  } finally {
    await shop.close()
  }
})

function instant(time: string | null | undefined): number {
  return Date.parse(time ?? '')
}

function byAmount(one: number, other: number): number {
  return one - other
}
