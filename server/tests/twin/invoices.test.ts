import { afterEach, describe, expect, test } from '@jest/globals'
import { invoicePdf } from '../../../scripts/twin/invoice-pdf.ts'
import { readPdfText } from '../../src/documents/pdf-text.ts'
import { openPaddleShop } from './support/paddle-shop.ts'
import { openShop } from './support/razorpay-shop.ts'
import { passTo, startStripeTwin, subscribe } from './support/stripe-twin.ts'

const BEGIN_MS = Date.UTC(2026, 1, 1, 10)
const MINUTE_MS = 60_000
const closes: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

async function fetched(url: string | null | undefined) {
  const answer = await fetch(url ?? '')
  return { status: answer.status, headers: answer.headers, bytes: new Uint8Array(await answer.arrayBuffer()) }
}

async function textAt(url: string | null | undefined): Promise<string> {
  const { status, headers, bytes } = await fetched(url)
  expect([status, headers.get('content-type')]).toEqual([200, 'application/pdf'])
  return readPdfText('invoice.pdf', bytes)
}

test('a PDF of the twin can be read, whatever is in its lines', async () => {
  const text = await readPdfText('invoice.pdf', invoicePdf(['Invoice (1\\2)', 'Müller × 2: 19,00 €', '₹ 日本', 'a\nb']))
  expect(text).toContain('Invoice (1\\2)')
  expect(text).toContain('Müller × 2: 19,00 €')
  expect(text).toContain('? ??')
  expect(text).toContain('a b')
})

describe('Stripe', () => {
  test('shows a finalized invoice as a page and as a PDF, and a draft nowhere', async () => {
    const twin = await startStripeTwin(BEGIN_MS)
    closes.push(twin.close)
    const subscription = await subscribe(twin)
    passTo(twin, Date.UTC(2026, 2, 1, 10, 30))
    const { data } = await twin.stripe.invoices.list({ subscription })
    const [draft, paid] = data
    expect([draft?.status, draft?.invoice_pdf, draft?.hosted_invoice_url]).toEqual(['draft', null, null])
    for (const path of ['', '/pdf']) expect((await fetched(`${twin.origin}/invoice/${draft?.id}${path}`)).status).toBe(404)

    const text = await textAt(paid?.invoice_pdf)
    const parts = [paid?.number ?? 'a number', '2026-02-01 to 2026-03-01', 'Amount due: $19.00']
    for (const part of parts) expect(text).toContain(part)
    const page = await fetched(paid?.hosted_invoice_url)
    expect(new TextDecoder().decode(page.bytes)).toContain(`Invoice ${paid?.number}`)
  })
})

describe('Paddle', () => {
  test('gives the PDF of a completed transaction for an hour', async () => {
    const shop = await openPaddleShop(BEGIN_MS)
    closes.push(() => shop.close())
    const { subscriptionId } = await shop.buy()
    const [bill] = await shop.paddle.transactions.list({ subscriptionId: [subscriptionId] }).next()
    const { url } = await shop.paddle.transactions.getInvoicePDF(bill?.id ?? '')
    const text = await textAt(url)
    const parts = [bill?.invoiceNumber ?? 'a number', '1 Feb 2026 to 1 Mar 2026', 'Paid: $19.00']
    for (const part of parts) expect(text).toContain(part)
    expect((await fetched(url)).headers.get('content-disposition')).toMatch(/^attachment;/)
    const inline = await shop.paddle.transactions.getInvoicePDF(bill?.id ?? '', { disposition: 'inline' })
    expect((await fetched(inline.url)).headers.get('content-disposition')).toMatch(/^inline;/)

    shop.step(BEGIN_MS + 59 * MINUTE_MS)
    expect((await fetched(url)).status).toBe(200)
    shop.step(BEGIN_MS + 60 * MINUTE_MS)
    expect((await fetched(url)).status).toBe(403)
  })

  test('has none of what is not completed, or comes to nothing', async () => {
    const shop = await openPaddleShop(BEGIN_MS)
    closes.push(() => shop.close())
    const trial = await shop.buy('pri_growth_monthly_trial')
    const [free] = await shop.paddle.transactions.list({ subscriptionId: [trial.subscriptionId] }).next()
    const open = await shop.paddle.transactions.create({ items: [{ priceId: 'pri_starter_monthly', quantity: 1 }] })
    expect([free?.status, open.status]).toEqual(['completed', 'draft'])
    for (const id of [free?.id ?? '', open.id]) {
      await expect(shop.paddle.transactions.getInvoicePDF(id)).rejects.toMatchObject({ type: 'request_error' })
    }
    await expect(shop.paddle.transactions.getInvoicePDF('txn_none')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('Razorpay', () => {
  test('shows an invoice at its own link, where an unpaid one leads to the page that pays it', async () => {
    const shop = await openShop(BEGIN_MS)
    closes.push(() => shop.close())
    const { id } = await shop.razorpay.subscriptions.create({ plan_id: 'plan_starter_monthly', total_count: 12 })
    shop.dialect.control.pay(id, 'declined_later')
    shop.step(Date.UTC(2026, 2, 2))
    const { items } = await shop.razorpay.invoices.all({ subscription_id: id })
    expect(items.map(({ status }) => status)).toEqual(['issued', 'paid'])
    const pages: string[] = []
    for (const { short_url: url } of items) pages.push(new TextDecoder().decode((await fetched(url)).bytes))
    const [unpaid, paid] = pages
    expect(new Set(items.map((one) => one.short_url)).size).toBe(2)
    for (const page of pages) expect(page).toContain('$19.00')
    expect([unpaid, paid].map((page) => page?.includes(`href="${shop.origin}/i/${id}"`))).toEqual([true, false])
    expect((await fetched(`${shop.origin}/i/inv_none`)).status).toBe(404)
  })
})
