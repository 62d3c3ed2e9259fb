import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { invoiceDocumentSchema, invoicesSchema } from '../../src/contract/invoices.ts'
import { AnswerUnknown, ProcessorRefusal } from '../../src/billing/processor.ts'
import type { Processor, ProcessorApi } from '../../src/billing/processor.ts'
import { createApp } from '../../src/app.ts'
import { type BillingApp, startBillingApp } from './billing-app.ts'
import { bearer, inOrganization } from './test-app.ts'

const INVOICES = '/api/billing/invoices'

let server: BillingApp
beforeAll(async () => {
  server = await startBillingApp()
})

/** listedFor is the list of a user, parsed by the contract. */
async function listedFor(user: string) {
  const answer = await server.as(user)('get', INVOICES)
  expect(answer.status).toBe(200)
  return invoicesSchema.parse(answer.body)
}

function documentOf(invoiceId: string | undefined): string {
  return `${INVOICES}/${invoiceId ?? ''}/document`
}

/** askWith asks an application like the server whose processors have these calls, or none. */
async function askWith(user: string, path: string, change: (api: ProcessorApi) => Partial<ProcessorApi> | null) {
  const processors = server.parts.processors.map((one): Processor => {
    const calls = one.api && change(one.api)
    return { ...one, api: calls && one.api && { ...one.api, ...calls } }
  })
  return request(createApp({ ...server.parts, processors })).get(path).set(await bearer(user))
}

describe.each(['stripe', 'paddle', 'razorpay'] as const)('the invoices of an account at %s', (processor) => {
  const user = `user_invoices_${processor}`
  beforeAll(async () => {
    await server.subscribe(user, { plan: 'starter', processor })
    await server.subscribe(`user_other_${processor}`, { plan: 'starter', processor })
  })

  test('are listed with amount and period, and lead to a document', async () => {
    const { data, hasMore } = await listedFor(user)
    const { body: subscription } = await server.as(user)('get', '/api/billing/subscription')
    const { periodStart, periodEnd, price } = subscription
    expect([data.length, hasMore]).toEqual([1, false])
    expect(data[0]).toMatchObject({ processor, status: 'paid', total: price, periodStart, periodEnd, hasDocument: true })

    const answer = await server.as(user)('get', documentOf(data[0]?.invoiceId))
    expect(answer.status).toBe(200)
    const { url, kind } = invoiceDocumentSchema.parse(answer.body)
    const page = await fetch(url)
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining(kind === 'pdf' ? 'application/pdf' : 'text/html')
    ])
  })

  test('are nobody else’s: another account’s is not found, listed or by its id', async () => {
    const [mine, theirs] = [await listedFor(user), await listedFor(`user_other_${processor}`)]
    const invoiceId = theirs.data[0]?.invoiceId
    expect(mine.data.map((one) => one.invoiceId)).not.toContain(invoiceId)
    expect((await server.as(`user_other_${processor}`)('get', documentOf(invoiceId))).status).toBe(200)
    for (const asking of [user, 'user_without_any']) {
      const answer = await server.as(asking)('get', documentOf(invoiceId))
      expect([answer.status, answer.body.code, answer.text.includes('http')]).toEqual([404, 'not_found', false])
    }
    const missing = await server.as(user)('get', documentOf('in_that_is_not_there'))
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found'])
  })

  test('cannot be told without the API key or an answer, which is said instead of none', async () => {
    const { data } = await listedFor(user)
    const silent = () => Promise.reject(new AnswerUnknown('it was silent'))
    for (const path of [INVOICES, documentOf(data[0]?.invoiceId)]) {
      const without = await askWith(user, path, () => null)
      const unanswered = await askWith(user, path, () => ({ listInvoices: silent, invoiceDocument: silent }))
      for (const answer of [without, unanswered]) {
        expect([path, answer.status, answer.body.code]).toEqual([path, 503, 'processor_unavailable'])
        expect(answer.headers['retry-after']).toBe('5')
      }
    }
  })

  test('that the processor refuses to tell are no empty list', async () => {
    const refuse = () => Promise.reject(new ProcessorRefusal('not_found', 'No such customer.'))
    const listed = await askWith(user, INVOICES, () => ({ listInvoices: refuse }))
    expect([listed.status, listed.body.code]).toEqual([503, 'processor_unavailable'])
    const document = await askWith(user, documentOf('in_1'), () => ({ invoiceDocument: refuse }))
    expect([document.status, document.body.code]).toEqual([404, 'not_found'])
  })
})

test('there are none without a processor, and none is an error', async () => {
  expect(await listedFor('user_without_any')).toEqual({ data: [], hasMore: false })
  const asked = await askWith('user_without_any', INVOICES, () => null)
  expect([asked.status, asked.body]).toEqual([200, { data: [], hasMore: false }])
})

test('every member of an organization reads them, as the subscription', async () => {
  const admin = server.as('user_admin', inOrganization('org_invoices'))
  const bought = await admin('post', '/api/billing/checkout', { plan: 'starter', interval: 'month', processor: 'stripe' })
  await server.pay(bought.body.checkoutId)
  await admin('get', `/api/billing/checkout/${bought.body.checkoutId}`)
  const member = server.as('user_member', inOrganization('org_invoices', 'member'))
  const listed = invoicesSchema.parse((await member('get', INVOICES)).body)
  expect(listed.data).toHaveLength(1)
  expect((await member('get', documentOf(listed.data[0]?.invoiceId))).status).toBe(200)
  expect((await server.as('user_member')('get', documentOf(listed.data[0]?.invoiceId))).status).toBe(404)
})

test('need a session, and an id that can be one', async () => {
  for (const path of [INVOICES, documentOf('in_1')]) expect((await request(server.app).get(path)).status).toBe(401)
  for (const id of ['in%2F..%2Fcharges', 'in%201', 'in.1']) {
    const answer = await server.as('user_without_any')('get', documentOf(id))
    expect([id, answer.status, answer.body.errors?.[0]?.field]).toEqual([id, 400, 'invoiceId'])
  }
})
