import { createHash } from 'node:crypto'
import type { Card } from '../dialect.ts'
import { cycleOf, fullLine, periodOf, startPeriods } from './billing.ts'
import { addressOf, createCustomer, customerWithEmail, openPortal } from './customers.ts'
import { pastDueBills, payPastDue } from './dunning.ts'
import { Refusal } from './errors.ts'
import { charge, markCompleted, markPaid, saveCard } from './payment.ts'
import type { Shop } from './shop.ts'
import type { CustomData, Price } from './state/catalog.ts'
import type { Subscription } from './state/subscription.ts'
import type { Transaction } from './state/transaction.ts'
import { tellSubscription, tellSubscriptionCreated, tellTransaction } from './telling.ts'
import { addCycles, iso } from './time.ts'

/** NewTransaction is what a checkout is made of. */
export type NewTransaction = {
  items: { price_id: string; quantity: number }[]
  customer_id: string | null
  address_id: string | null
  custom_data: CustomData
  currency_code: string | null
}

/** createTransaction makes a transaction that a buyer pays on the checkout page. */
export function createTransaction(shop: Shop, given: NewTransaction): Transaction {
  const prices = given.items.map(({ price_id }) => shop.price(price_id))
  assertTogether(prices)
  const now = shop.stamp()
  const customer = given.customer_id === null ? null : shop.customer(given.customer_id)
  if (customer?.status === 'archived') throw archivedRefusal(customer.id)
  const transaction: Transaction = {
    id: shop.id('txn'),
    status: customer && given.address_id ? 'ready' : 'draft',
    origin: 'api',
    customer_id: customer?.id ?? null,
    address_id: given.address_id,
    subscription_id: null,
    custom_data: given.custom_data,
    currency_code: given.currency_code ?? prices[0]?.unit_price.currency_code ?? 'USD',
    billing_period: null,
    invoice_number: null,
    lines: given.items.map(({ price_id, quantity }) => checkoutLine(shop, price_id, quantity)),
    creditMinor: 0,
    toBalanceMinor: 0,
    payments: [],
    created_at: now,
    updated_at: now,
    billed_at: null,
    failedAtMs: null,
    attempts: 0
  }
  shop.state.transactions[transaction.id] = transaction
  tellTransaction(shop, transaction, 'created', ...(transaction.status === 'ready' ? ['ready'] : []))
  return transaction
}

/** checkoutLine is a line of a first bill: a price with a trial costs nothing yet. */
export function checkoutLine(shop: Shop, priceId: string, quantity: number) {
  const price = shop.price(priceId)
  const line = { ...fullLine(price, quantity), id: shop.id('txnitm') }
  return price.trial_period ? { ...line, amountMinor: 0 } : line
}

/**
 * pay pays a transaction on its page with a card; false when the card is declined, and then it stays open. Besides a
 * first purchase this may be a past due bill, or a transaction of nothing that only changes the card.
 * @throws {Refusal} when the transaction is paid or canceled.
 */
export function pay(shop: Shop, transaction: Transaction, card: Card, email: string | null = null): boolean {
  const subscription = transaction.subscription_id === null ? null : shop.subscription(transaction.subscription_id)
  if (transaction.status === 'past_due' && subscription) return payWithCard(shop, subscription, card)
  if (transaction.status !== 'draft' && transaction.status !== 'ready') {
    throw new Refusal(400, 'transactions', 'transaction_immutable', `The transaction is ${transaction.status}.`)
  }
  makeReady(shop, transaction, email)
  if (!charge(shop, transaction, true, card)) {
    tellTransaction(shop, transaction, 'updated', 'payment_failed')
    return false
  }
  if (transaction.customer_id !== null) saveCard(shop, transaction.customer_id, card)
  markPaid(shop, transaction)
  if (subscription || !transaction.lines.some((line) => shop.price(line.price_id).billing_cycle)) markCompleted(shop, transaction)
  else completeWithSubscription(shop, transaction)
  return true
}

/** payWithCard makes a card a subscription's payment method and pays with it what is past due; false when that fails. */
export function payWithCard(shop: Shop, subscription: Subscription, card: Card): boolean {
  saveCard(shop, subscription.customer_id, card)
  return pastDueBills(shop, subscription).every((bill) => payPastDue(shop, subscription, bill))
}

function makeReady(shop: Shop, transaction: Transaction, email: string | null): void {
  if (transaction.status === 'ready') return
  const customer = transaction.customer_id === null ? buyer(shop, transaction, email) : shop.customer(transaction.customer_id)
  transaction.customer_id = customer.id
  transaction.address_id ??= addressOf(shop, customer).id
  transaction.status = 'ready'
  tellTransaction(shop, transaction, 'updated', 'ready')
}

function buyer(shop: Shop, transaction: Transaction, email: string | null) {
  const account = transaction.custom_data?.['account_id']
  const address = email || `${typeof account === 'string' ? localPart(account) : transaction.id}@buyers.example`
  return customerWithEmail(shop, address) ?? createCustomer(shop, { email: address })
}

// Accounts may differ by case alone, addresses do not.
function localPart(account: string): string {
  const digest = createHash('sha256').update(account).digest('hex').slice(0, 10)
  return `${account.replaceAll(/[^A-Za-z0-9_-]/g, '-').toLowerCase().slice(0, 40)}.${digest}`
}

/**
 * completeWithSubscription tells of the new subscription and of the end of the transaction in one of the two orders that
 * Paddle's own material shows: the transaction completed first, without naming the subscription (its published sample),
 * or last, naming it (its simulator's description).
 */
function completeWithSubscription(shop: Shop, transaction: Transaction): void {
  const completedFirst = shop.random() < 0.5
  if (completedFirst) markCompleted(shop, transaction)
  const subscription = createSubscription(shop, transaction)
  transaction.subscription_id = subscription.id
  transaction.billing_period = subscription.current_billing_period
  if (completedFirst) tellTransaction(shop, transaction, 'updated')
  else markCompleted(shop, transaction)
}

function createSubscription(shop: Shop, transaction: Transaction): Subscription {
  const now = shop.stamp()
  const startMs = shop.nowMs()
  const items = transaction.lines
    .map(({ price_id, quantity }) => ({ price_id, price: structuredClone(shop.price(price_id)), quantity }))
    .filter(({ price }) => price.billing_cycle !== null)
    .map((item) => ({ ...item, created_at: now, updated_at: now, previously_billed_at: null, trial_dates: null }))
  const trial = items.map(({ price }) => price.trial_period).find((period) => period !== null) ?? null
  const cycle = cycleOf(items) ?? { interval: 'month', frequency: 1 }
  const subscription: Subscription = {
    id: shop.id('sub'),
    status: trial ? 'trialing' : 'active',
    customer_id: transaction.customer_id ?? '',
    address_id: transaction.address_id ?? '',
    currency_code: transaction.currency_code,
    custom_data: transaction.custom_data,
    created_at: now,
    updated_at: now,
    started_at: iso(startMs),
    first_billed_at: null,
    paused_at: null,
    canceled_at: null,
    billing_cycle: cycle,
    current_billing_period: null,
    scheduled_change: null,
    items,
    anchorMs: startMs,
    cycles: 0,
    pausedPeriod: null,
    pending: [],
    portalSessionId: openPortal(shop, transaction.customer_id ?? '', null).id
  }
  if (trial) {
    // The first paid period, number 0, starts where the trial ends.
    Object.assign(subscription, { anchorMs: addCycles(startMs, trial, 1), cycles: -1 })
    const trialPeriod = { starts_at: iso(startMs), ends_at: periodOf({ ...subscription, cycles: 0 }).starts_at }
    subscription.current_billing_period = trialPeriod
    for (const item of subscription.items) item.trial_dates = trialPeriod
  } else startPeriods(subscription, startMs, cycle)
  shop.state.subscriptions[subscription.id] = subscription
  tellSubscriptionCreated(shop, subscription, transaction.id)
  tellSubscription(shop, subscription, trial ? 'trialing' : 'activated')
  return subscription
}

function archivedRefusal(id: string): Refusal {
  return new Refusal(400, 'shared', 'entity_archived', `${id} is archived`)
}

function assertTogether(prices: Price[]): void {
  const cycles = new Set(prices.flatMap(({ billing_cycle }) => (billing_cycle ? [JSON.stringify(billing_cycle)] : [])))
  const archived = prices.find(({ status }) => status !== 'active')
  if (archived) throw archivedRefusal(archived.id)
  if (cycles.size > 1) {
    const detail = 'the prices have different billing cycles'
    throw new Refusal(400, 'transactions', 'transaction_price_different_billing_cycle', detail)
  }
}
