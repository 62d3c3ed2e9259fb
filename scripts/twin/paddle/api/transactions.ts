import { Router } from 'express'
import { z } from 'zod'
import { checkoutLine, createTransaction } from '../checkout.ts'
import { cancelTransaction } from '../dunning.ts'
import { Refusal } from '../errors.ts'
import { invoiceUrl } from '../pages/invoice-page.ts'
import type { Shop } from '../shop.ts'
import { customData } from '../state/catalog.ts'
import type { Transaction } from '../state/transaction.ts'
import { tellTransaction } from '../telling.ts'
import { transactionAnswer } from '../wire/transaction.ts'
import { answer, answerPage, idOf, matching, namesIn, parsed, since } from './context.ts'
import type { Context } from './context.ts'

const items = z.array(z.object({ price_id: z.string(), quantity: z.number().int().min(1).max(1_000_000) })).min(1).max(100)
const newTransaction = z.object({
  items,
  customer_id: z.string().nullish(),
  address_id: z.string().nullish(),
  custom_data: customData.optional(),
  currency_code: z.string().optional(),
  collection_mode: z.literal('automatic').optional()
})
const changes = z.object({
  status: z.enum(['canceled', 'billed']).optional(),
  items: items.optional(),
  customer_id: z.string().nullish(),
  address_id: z.string().nullish(),
  custom_data: customData.optional()
})
const invoiceQuery = z.object({ disposition: z.enum(['attachment', 'inline']).default('attachment') })
type Changes = z.output<typeof changes>

/** transactionRoutes are transactions: made, read and canceled by the seller; they are paid on the checkout page. */
export function transactionRoutes({ shop, during }: Context): Router {
  const router = Router()
  router.get('/transactions', (req, res) => {
    const include = namesIn(req, 'include')
    const dated = since(req, Object.values(shop.state.transactions), ['created_at', 'updated_at', 'billed_at'])
    const transactions = matching(req, dated, {
      id: ({ id }) => id,
      status: ({ status }) => status,
      customer_id: (one) => one.customer_id,
      subscription_id: (one) => one.subscription_id ?? 'null',
      origin: ({ origin }) => origin
    })
    answerPage(shop, req, res, transactions.map((one) => transactionAnswer(shop, one, include)), ({ id }) => id)
  })
  router.post('/transactions', (req, res) => {
    const given = parsed(newTransaction, req.body)
    const transaction = during(() =>
      createTransaction(shop, {
        items: given.items,
        customer_id: given.customer_id ?? null,
        address_id: given.address_id ?? null,
        custom_data: given.custom_data ?? null,
        currency_code: given.currency_code ?? null
      })
    )
    answer(shop, res, transactionAnswer(shop, transaction, namesIn(req, 'include')), 201)
  })
  router.get('/transactions/:id', (req, res) => {
    answer(shop, res, transactionAnswer(shop, shop.transaction(idOf(req)), namesIn(req, 'include')))
  })
  router.get('/transactions/:id/invoice', (req, res) => {
    const transaction = shop.transaction(idOf(req))
    const { disposition } = parsed(invoiceQuery, req.query)
    answer(shop, res, { url: invoiceUrl(shop, transaction, disposition) })
  })
  router.patch('/transactions/:id', (req, res) => {
    const wanted = parsed(changes, req.body)
    const transaction = shop.transaction(idOf(req))
    during(() => change(shop, transaction, wanted))
    answer(shop, res, transactionAnswer(shop, transaction, namesIn(req, 'include')))
  })
  return router
}

function change(shop: Shop, transaction: Transaction, wanted: Changes): void {
  const { status } = transaction
  if (status === 'paid' || status === 'completed' || status === 'canceled') {
    throw new Refusal(400, 'transactions', 'transaction_immutable', `transaction is ${status} and cannot be changed`)
  }
  if (wanted.status === 'billed') {
    const detail = 'automatically-collected transactions are not billed by hand'
    throw new Refusal(400, 'transactions', 'transaction_invalid_status_change', detail)
  }
  const others = Object.entries(wanted).filter(([name, value]) => name !== 'status' && value !== undefined)
  if (wanted.status === 'canceled') {
    if (others.length > 0) {
      const code = 'transaction_cannot_be_modified_and_canceled'
      throw new Refusal(400, 'transactions', code, 'a transaction cannot be changed and canceled at once')
    }
    // A checkout that nobody has begun cannot be canceled; it stays payable.
    if (status === 'draft') {
      throw new Refusal(400, 'transactions', 'transaction_invalid_status_change', 'draft transactions cannot be canceled')
    }
    cancelTransaction(shop, transaction)
    return
  }
  if (status !== 'draft' && status !== 'ready') {
    throw new Refusal(400, 'transactions', 'transaction_immutable', `transaction is ${status}`)
  }
  if (wanted.customer_id) transaction.customer_id = shop.customer(wanted.customer_id).id
  if (wanted.address_id) transaction.address_id = wanted.address_id
  if (wanted.custom_data !== undefined) transaction.custom_data = wanted.custom_data
  if (wanted.items) transaction.lines = wanted.items.map(({ price_id, quantity }) => checkoutLine(shop, price_id, quantity))
  const becomesReady = status === 'draft' && transaction.customer_id !== null && transaction.address_id !== null
  if (becomesReady) transaction.status = 'ready'
  tellTransaction(shop, transaction, 'updated', ...(becomesReady ? ['ready'] : []))
}
