import type { CreateTransactionRequestBody, Transaction } from '@paddle/paddle-node-sdk'
import { z } from 'zod'
import { identifier } from '../../payload.ts'
import { ProcessorRefusal } from '../../processor.ts'
import type { Checkout, CheckoutRequest, ProcessorApi } from '../../processor.ts'
import { pathPart, readAnswer } from './connection.ts'
import type { Ask, Connection } from './connection.ts'

/** STATUSES: a transaction is what is bought at a checkout, and its id is the checkout's. `billed` is an issued bill. */
const STATUSES = {
  draft: 'open',
  ready: 'open',
  past_due: 'open',
  billed: 'complete',
  paid: 'complete',
  completed: 'complete',
  canceled: 'expired'
} as const

const checkout = z
  .object({
    id: identifier,
    status: z.enum(['draft', 'ready', 'past_due', 'billed', 'paid', 'completed', 'canceled']),
    customerId: identifier.nullable(),
    subscriptionId: identifier.nullable(),
    checkout: z.object({ url: z.url().nullish() }).nullable()
  })
  .transform((raw) => ({
    id: raw.id,
    status: STATUSES[raw.status],
    url: raw.checkout?.url ?? null,
    subscriptionId: raw.subscriptionId,
    customerId: raw.customerId,
    begun: raw.status !== 'draft'
  }))

const ofOperation = z.object({ operation_id: z.string() })

/** orderOf is what is to be bought, in Paddle's words. */
function orderOf(request: CheckoutRequest, key: string, customerId: string | null): CreateTransactionRequestBody {
  const { accountId, checkoutId, returnUrl } = request
  return {
    items: [{ priceId: request.priceId, quantity: 1 }],
    customData: { account_id: accountId, checkout_id: checkoutId, operation_id: key, return_url: returnUrl },
    ...(customerId === null ? {} : { customerId }),
    checkout: { url: null }
  }
}

/** How many of the newest open transactions a repeated call looks through; more than 30 Paddle does not list at once. */
const LOOKED_THROUGH = 30

/** checkoutCalls are the calls about checkouts. */
export function checkoutCalls(connection: Connection): Pick<ProcessorApi, 'createCheckout' | 'fetchCheckout' | 'expireCheckout'> {
  const { transactions } = connection.paddle

  const get = async (ask: Ask, id: string) => readAnswer(checkout, await ask(() => transactions.get(pathPart(id))))

  return {
    /**
     * Paddle knows no idempotency keys, and lists no transactions by their custom data: the key travels there as
     * `operation_id`, and the newest open transactions are looked through for it. A repeat that comes after 30 newer ones
     * makes a second draft, which is harmless because nobody was given the first one's page. Paddle's checkout runs in a
     * page of the seller (the default payment link), which sends the buyer on: `returnUrl` travels as `return_url` for it to
     * read. `cancelUrl` and `expiresAt` have no place in Paddle's API, and a trial is part of the price.
     */
    async createCheckout(request: CheckoutRequest, key: string) {
      const ask = connection.startCall()
      const open = await ask(() => transactions.list(newestOpen(request.customerId)).next())
      const made = open.find((transaction) => ofOperation.safeParse(transaction.customData).data?.operation_id === key)
      if (made !== undefined) return told(made)
      const create = (customerId: string | null) => ask(() => transactions.create(orderOf(request, key, customerId)))
      try {
        return told(await create(request.customerId))
      } catch (error) {
        // A customer that was archived buys nothing more; the buyer may, as a new one.
        if (!(error instanceof ProcessorRefusal) || request.customerId === null) throw error
        return told(await create(null))
      }
    },

    async fetchCheckout(id) {
      return plain(await get(connection.startCall(), id))
    },

    /**
     * Paddle cancels a transaction once the buyer has said who they are (`ready`), and refuses it before (`draft`): then the
     * checkout stays open, and the answer says so.
     */
    async expireCheckout(id) {
      const ask = connection.startCall()
      const before = await get(ask, id)
      if (before.status !== 'open') return plain(before)
      try {
        return told(await ask(() => transactions.update(pathPart(id), { status: 'canceled' })))
      } catch (error) {
        if (!(error instanceof ProcessorRefusal)) throw error
        const after = await get(ask, id)
        if (after.status !== 'open' || !after.begun) return plain(after)
        throw error
      }
    }
  }
}

function newestOpen(customerId: string | null): Parameters<Connection['paddle']['transactions']['list']>[0] {
  return {
    status: ['draft', 'ready'],
    origin: ['api'],
    orderBy: 'id[DESC]',
    perPage: LOOKED_THROUGH,
    ...(customerId === null ? {} : { customerId: [customerId] })
  }
}

function told(transaction: Transaction): Checkout {
  return plain(readAnswer(checkout, transaction))
}

function plain({ begun: _begun, ...rest }: z.output<typeof checkout>): Checkout {
  return rest
}
