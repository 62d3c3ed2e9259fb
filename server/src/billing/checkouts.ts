import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { openCheckout } from '../db/functions/open-checkout.ts'
import { readCheckout } from '../db/functions/read-checkout.ts'
import { type CheckoutSlot, reserveCheckout } from '../db/functions/reserve-checkout.ts'
import { settleCheckout } from '../db/functions/settle-checkout.ts'
import type { ProcessorName } from './billing-event.ts'
import { endCheckout } from './confirm-checkout.ts'
import { apiOf } from './operations.ts'
import { type Checkout, type Processor, ProcessorRefusal } from './processor.ts'

/** CheckoutParts is what purchases need; `origin` is where buyers come back to, `nowMs` Parley's clock. */
export type CheckoutParts = {
  db: Database
  processors: Processor[]
  log: Logger
  nowMs: () => number
  origin: string
  retryWebhooksSoon: () => void
}

/** Purchase is what is to be bought, and where. */
export type Purchase = { accountId: string; processor: ProcessorName; plan: string; interval: 'month' | 'year' }

/**
 * BegunCheckout: `paid` means that a purchase begun earlier turned out to be paid and is being set up; `replaced` that
 * another purchase of the account took the slot meanwhile.
 */
export type BegunCheckout =
  | { outcome: 'open'; slot: CheckoutSlot; url: string; expiresAt: string }
  | { outcome: 'subscribed' | 'not_sold' | 'paid' | 'replaced' }

const MOST_TRIES = 3
const SLOT_MS = 40 * 60_000
// What the processor is told: its page must be closed before the slot is free again.
const PAGE_ENDS_BEFORE_MS = 5 * 60_000
// The longest a request that is creating the page may take, its own calls included.
const CREATING_MS = 12_000
const LOOK_EVERY_MS = 100

/**
 * beginCheckout reserves the account's one slot, then has the processor make a page, then notes the page; only then is
 * anybody told of it. A repetition finds the same page. Another purchase that is in the way is ended first.
 * Throws ProcessorRefusal and AnswerUnknown; after the latter the same request goes on where this one was.
 */
export async function beginCheckout(parts: CheckoutParts, purchase: Purchase): Promise<BegunCheckout> {
  const { db } = parts
  for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
    const slot = await reserveCheckout(db, purchase)
    switch (slot.outcome) {
      case 'subscribed':
      case 'not_sold':
        return { outcome: slot.outcome }
      case 'other_open': {
        const ended = await endCheckout(parts, { accountId: purchase.accountId, ...slot })
        if (ended === 'processing') return { outcome: 'paid' }
        break
      }
      case 'reserved':
      case 'open': {
        const page = await pageOf(parts, purchase.accountId, slot, slot.outcome === 'reserved')
        if (page !== null) return page
      }
    }
  }
  return { outcome: 'replaced' }
}

/** pageOf finds the page of a slot or has it made; null where the slot is over and another must be reserved. */
async function pageOf(
  parts: CheckoutParts,
  accountId: string,
  slot: CheckoutSlot,
  isNew: boolean
): Promise<BegunCheckout | null> {
  const { db } = parts
  const expiresAt = new Date(Date.parse(slot.expiresAt) - PAGE_ENDS_BEFORE_MS).toISOString()
  const url = slot.url ?? (isNew ? null : await urlMadeMeanwhile(parts, accountId, slot))
  if (url !== null) return { outcome: 'open', slot, url, expiresAt }

  const made = await createPage(parts, accountId, slot, { isNew, expiresAt })
  if (made?.url === null && made.status === 'complete') return { outcome: 'paid' }
  if (!made?.url) {
    const error = 'the processor made no page to pay at'
    await settleCheckout(db, { accountId, checkoutId: slot.checkoutId, status: 'failed', error })
    return null
  }
  const { checkoutId, processor } = slot
  const opened = await openCheckout(db, { accountId, checkoutId, processorCheckoutId: made.id, url: made.url })
  if (opened.status !== 'open') {
    await endCheckout(parts, { accountId, checkoutId, processor, processorCheckoutId: made.id })
    return { outcome: 'replaced' }
  }
  if (opened.processorCheckoutId !== made.id) await closeSecondPage(parts, slot, made.id)
  return { outcome: 'open', slot, url: opened.url, expiresAt }
}

/**
 * closeSecondPage closes a page nobody was told of, made by a request that took so long that another one made the slot's page
 * meanwhile. Where that fails the page ends by itself; the buyer is not kept waiting for it.
 */
async function closeSecondPage(parts: CheckoutParts, { checkoutId, processor }: CheckoutSlot, id: string): Promise<void> {
  try {
    await apiOf(parts, processor).expireCheckout(id)
  } catch (error) {
    parts.log.warn({ err: error, processor, checkoutId }, 'a second page of a purchase is not closed')
  }
}

/**
 * createPage asks with the slot's id as key, and every time with the same request. Null where it comes too late: a slot
 * whose first request never arrived is refused a page that would close in less than half an hour.
 */
async function createPage(
  parts: CheckoutParts,
  accountId: string,
  slot: CheckoutSlot,
  { isNew, expiresAt }: { isNew: boolean; expiresAt: string }
): Promise<Checkout | null> {
  const back = `${parts.origin}/billing/return?account=${encodeURIComponent(accountId)}&checkout=${slot.checkoutId}`
  const request = {
    accountId,
    checkoutId: slot.checkoutId,
    customerId: slot.customerId,
    priceId: slot.priceId,
    trialDays: slot.trialDays,
    returnUrl: back,
    cancelUrl: `${back}&canceled=1`,
    expiresAt
  }
  try {
    return await apiOf(parts, slot.processor).createCheckout(request, slot.checkoutId)
  } catch (error) {
    if (!(error instanceof ProcessorRefusal)) throw error
    await settleCheckout(parts.db, { accountId, checkoutId: slot.checkoutId, status: 'failed', error: error.message })
    if (isNew) throw error
    return null
  }
}

/**
 * urlMadeMeanwhile waits for the other request that has reserved the same slot and is making the page, because not every
 * processor knows keys: asked by both at once it would make two. After that time nobody is at it any more; null then.
 */
async function urlMadeMeanwhile(parts: CheckoutParts, accountId: string, slot: CheckoutSlot): Promise<string | null> {
  const endMs = Date.parse(slot.expiresAt) - SLOT_MS + CREATING_MS
  while (parts.nowMs() < endMs) {
    await wait(LOOK_EVERY_MS)
    const now = await readCheckout(parts.db, { accountId, checkoutId: slot.checkoutId })
    if (now?.status !== 'reserved') return now?.status === 'open' ? now.url : null
  }
  return null
}
