import { Router } from 'express'
import { z } from 'zod'
import type { Context } from '../api/context.ts'
import { pay } from '../checkout.ts'
import { amountsOf } from '../money.ts'
import type { Shop } from '../shop.ts'
import type { Transaction } from '../state/transaction.ts'
import { cardChoice, chosenCard } from './cards.ts'
import { amountText, html, pageOf, webLink } from './html.ts'
import type { Html } from './html.ts'

const query = z.object({ _ptxn: z.string() }).transform((fields) => fields['_ptxn'])
const form = z.object({ email: z.union([z.literal(''), z.email()]).optional() })

/**
 * checkoutPages are where a buyer pays a transaction. Paddle's transactions name no page to go back to (Paddle.js does):
 * the twin takes it from `custom_data.return_url`, and after paying sends the buyer there.
 */
export function checkoutPages({ shop, during, catchUp }: Context): Router {
  const router = Router()
  router.get('/checkout', (req, res) => {
    catchUp()
    res.send(page(shop, transactionOf(shop, req.query), null))
  })
  router.post('/checkout', (req, res) => {
    const transaction = transactionOf(shop, req.query)
    const card = chosenCard(req.body)
    const fields = form.safeParse(req.body ?? {})
    if (card === null || !fields.success) {
      res.status(400).send(page(shop, transaction, 'Choose a card, and give an email address or none.'))
      return
    }
    if (!isOpen(transaction) || during(() => pay(shop, transaction, card, fields.data.email ?? null))) {
      const back = webLink(transaction.custom_data?.['return_url'])
      res.redirect(303, back ?? `/checkout?_ptxn=${encodeURIComponent(transaction.id)}`)
      return
    }
    res.status(402).send(page(shop, transaction, 'Your card was declined. Nothing was charged. Try another card.'))
  })
  return router
}

function transactionOf(shop: Shop, given: unknown): Transaction {
  return shop.transaction(query.safeParse(given).data ?? '(none)')
}

function isOpen({ status }: Transaction): boolean {
  return status === 'draft' || status === 'ready' || status === 'past_due'
}

function page(shop: Shop, transaction: Transaction, fault: string | null): string {
  if (!isOpen(transaction)) return pageOf('Checkout', closedPart(transaction))
  const { grandTotalMinor } = amountsOf(transaction)
  const rows = transaction.lines.map((line) => {
    const price = shop.price(line.price_id)
    const trial = price.trial_period ? `, free for ${price.trial_period.frequency} ${price.trial_period.interval}s` : ''
    return html`<tr>
      <td>${price.name ?? price.description}${trial}${line.quantity > 1 ? ` × ${line.quantity}` : ''}</td>
      <td>${amountText(line.amountMinor, transaction.currency_code)}</td>
    </tr>`
  })
  return pageOf(
    'Checkout',
    html`<h1>Checkout</h1>
      <table>
        ${rows}
        <tr>
          <th>Due now</th>
          <th>${amountText(grandTotalMinor, transaction.currency_code)}</th>
        </tr>
      </table>
      ${fault === null ? html`` : html`<p class="fault" role="alert">${fault}</p>`}
      <form method="post" action="/checkout?_ptxn=${transaction.id}">
        ${transaction.customer_id === null ? EMAIL : html``} ${cardChoice()}
        <button>Pay ${amountText(grandTotalMinor, transaction.currency_code)}</button>
      </form>
      ${backLink(transaction, 'Go back without paying', 'cancel_url')}`
  )
}

function closedPart(transaction: Transaction): Html {
  if (transaction.status === 'canceled') {
    return html`<h1>This checkout is closed</h1>
      <p>It can no longer be paid.</p>
      ${backLink(transaction, 'Go back to the shop', 'cancel_url')}`
  }
  return html`<h1>Paid</h1>
    <p>Thank you. You can go back to the shop.</p>
    ${backLink(transaction, 'Go back to the shop', 'return_url')}`
}

function backLink(transaction: Transaction, text: string, name: 'return_url' | 'cancel_url'): Html {
  const link = webLink(transaction.custom_data?.[name]) ?? webLink(transaction.custom_data?.['return_url'])
  return link === null ? html`` : html`<p><a href="${link}">${text}</a></p>`
}

const EMAIL = html`<label
  >Email (leave empty for a made-up one)
  <input type="email" name="email" autocomplete="email" />
</label>`
