import type { Response, Router } from 'express'
import { cardChoice, readCard } from './card-choice.ts'
import { DAY } from './calendar.ts'
import { payCheckout } from './checkout.ts'
import { html, sendPage, sendSorry } from './html.ts'
import { money } from './lines.ts'
import { readForm } from './page-form.ts'
import { dueToday } from './render-page-objects.ts'
import { find, now } from './shop.ts'
import type { Shop } from './shop.ts'
import type { CheckoutRecord } from './state.ts'

/** addCheckoutPage serves the page on which a buyer pays, `/checkout/<session id>`. */
export function addCheckoutPage(router: Router, shop: Shop): void {
  router.get('/checkout/:id', (req, res) => {
    const checkout = openCheckout(shop, req.params.id, res)
    if (checkout) sendForm(shop, res, checkout, null)
  })
  router.post('/checkout/:id', readForm, (req, res) => {
    const checkout = openCheckout(shop, req.params.id, res)
    if (!checkout) return
    const form: Record<string, unknown> = req.body ?? {}
    const card = readCard(form.card)
    const email = typeof form.email === 'string' && form.email !== '' ? form.email : null
    if (card === null) sendForm(shop, res, checkout, 'Please choose a card.')
    else if (payCheckout(shop, checkout, card, email))
      res.redirect(303, checkout.successUrl.replaceAll('{CHECKOUT_SESSION_ID}', checkout.id))
    else sendForm(shop, res, checkout, 'Your card was declined. Nothing was charged: please try another card.')
  })
}

/** openCheckout gives a checkout that can be paid, or answers why it cannot. */
function openCheckout(shop: Shop, id: string, res: Response): CheckoutRecord | null {
  const checkout = Object.hasOwn(shop.state.checkouts, id) ? shop.state.checkouts[id] : undefined
  if (!checkout) sendSorry(res, 404, 'No such checkout', 'There is no checkout at this address.')
  else if (checkout.status === 'complete')
    sendSorry(res, 200, 'Already paid', 'This checkout is complete. You were not charged again.', checkout.cancelUrl)
  else if (checkout.status === 'expired' || now(shop) >= checkout.expiresAt) {
    sendSorry(
      res,
      200,
      'This checkout has expired',
      'Nothing was charged. Please start again from the plans page.',
      checkout.cancelUrl
    )
  } else if (checkout.customerId !== null && shop.state.customers[checkout.customerId]?.deleted !== false) {
    sendSorry(res, 200, 'This account was closed', 'Nothing was charged.', checkout.cancelUrl)
  } else return checkout
  return null
}

function sendForm(shop: Shop, res: Response, checkout: CheckoutRecord, fault: string | null): void {
  const price = find(shop.state.prices, 'price', checkout.priceId)
  const product = find(shop.state.products, 'product', price.productId)
  const each = `${money(price.amount * checkout.quantity, price.currency)} per ${price.interval ?? 'month'}`
  const trialEnd = checkout.trialEnd ?? (checkout.trialDays > 0 ? now(shop) + checkout.trialDays * DAY : null)
  const due = money(dueToday(shop.state, checkout), price.currency)
  const trial =
    trialEnd === null ? null : html`<p>Free until ${new Date(trialEnd * 1000).toISOString().slice(0, 10)}, then ${each}.</p>`
  const email = checkout.customerId
    ? null
    : html`<label
        >Email<br /><input type="email" name="email" autocomplete="email" value="${checkout.customerEmail ?? ''}"
      /></label>`
  const alert = fault === null ? null : html`<p class="error" role="alert">${fault}</p>`
  const cancel = checkout.cancelUrl === null ? null : html`<a class="button second" href="${checkout.cancelUrl}">Cancel</a>`
  const content = html`<section>
      <h1>Subscribe to ${product.name}</h1>
      <p class="price">${each}</p>
      ${trial}
      <p class="quiet">Due today: ${due}</p>
    </section>
    <section>
      ${alert}
      <form method="post">
        ${email}${cardChoice()}<button>${trialEnd === null ? `Pay ${due}` : 'Start trial'}</button>${cancel}
      </form>
    </section>`
  sendPage(res, `Pay for ${product.name}`, content, fault === null ? 200 : 402)
}
