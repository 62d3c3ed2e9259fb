import type { Response, Router } from 'express'
import { HOUR } from './calendar.ts'
import { cardChoice, readCard } from './card-choice.ts'
import { changeCard, planEnd } from './control.ts'
import { giveCard } from './customers.ts'
import { html, sendPage, sendSorry } from './html.ts'
import type { Html } from './html.ts'
import { money } from './lines.ts'
import { readForm } from './page-form.ts'
import { LAST4 } from './payments.ts'
import { find, inOneChange, now } from './shop.ts'
import type { Shop } from './shop.ts'
import type { CustomerRecord, PortalSessionRecord, SubscriptionRecord } from './state.ts'

/** How long a portal page can be used; Stripe says "short-lived". */
const PORTAL_SECONDS = HOUR

const STATUS: Record<SubscriptionRecord['status'], string> = {
  incomplete: 'not paid yet',
  trialing: 'on trial',
  active: 'active',
  past_due: 'past due: the last payment failed',
  unpaid: 'unpaid',
  paused: 'paused',
  canceled: 'canceled'
}

/** addPortalPage serves the page on which a customer manages what was bought, `/portal/<session id>`, and receipts. */
export function addPortalPage(router: Router, shop: Shop): void {
  router.get('/portal/:id', (req, res) => {
    const session = liveSession(shop, req.params.id, res)
    if (session) sendPortal(shop, res, session, null)
  })
  router.post('/portal/:id', readForm, (req, res) => {
    const session = liveSession(shop, req.params.id, res)
    if (!session) return
    const form: Record<string, unknown> = req.body ?? {}
    const fault = inOneChange(shop, null, () => act(shop, session, form))
    if (fault === null) res.redirect(303, `/portal/${session.id}`)
    else sendPortal(shop, res, session, fault)
  })
  router.get('/receipt/:id', (req, res) => {
    const intent = shop.state.paymentIntents[shop.state.charges[req.params.id]?.paymentIntentId ?? '']
    if (intent?.invoiceId) res.redirect(303, `/invoice/${intent.invoiceId}`)
    else sendSorry(res, 404, 'No such receipt', 'There is no receipt at this address.')
  })
}

function liveSession(shop: Shop, id: string, res: Response): PortalSessionRecord | null {
  const session = Object.hasOwn(shop.state.portalSessions, id) ? shop.state.portalSessions[id] : undefined
  if (!session) sendSorry(res, 404, 'No such page', 'There is no portal at this address.')
  else if (now(shop) > session.created + PORTAL_SECONDS || shop.state.customers[session.customerId]?.deleted !== false) {
    sendSorry(res, 200, 'This link has expired', 'Please open the portal again.', session.returnUrl)
  } else return session
  return null
}

function subscriptionsOf(shop: Shop, session: PortalSessionRecord): SubscriptionRecord[] {
  return Object.values(shop.state.subscriptions)
    .filter(({ customerId }) => customerId === session.customerId)
    .reverse()
}

/** act does what a form of the page asks for, and gives a sentence where it cannot. */
function act(shop: Shop, session: PortalSessionRecord, form: Record<string, unknown>): string | null {
  if (form.action === 'card') {
    const card = readCard(form.card)
    if (card === null) return 'Please choose a card.'
    if (card === 'declined') return 'Your card was declined. The card on file stays.'
    const running = subscriptionsOf(shop, session).filter(({ status }) => status !== 'canceled')
    const customer: CustomerRecord = find(shop.state.customers, 'customer', session.customerId)
    if (running.length === 0) giveCard(shop, customer, card)
    for (const one of running) changeCard(shop, one, card)
    return null
  }
  const one = subscriptionsOf(shop, session).find(({ id }) => id === form.subscription)
  if (!one || one.status === 'canceled') return 'This subscription has ended.'
  if (one.scheduleId !== null) return 'A plan change is waiting. Please take it back first.'
  if (form.action === 'cancel') planEnd(shop, one, true)
  else if (form.action === 'keep') planEnd(shop, one, false)
  else return 'Please choose what to do.'
  return null
}

function sendPortal(shop: Shop, res: Response, session: PortalSessionRecord, fault: string | null): void {
  const customer = find(shop.state.customers, 'customer', session.customerId)
  const alert = fault === null ? null : html`<p class="error" role="alert">${fault}</p>`
  const subscriptions = subscriptionsOf(shop, session).map((one) => subscriptionPart(shop, one))
  const none = subscriptions.length === 0 ? html`<section><p>There is no subscription.</p></section>` : null
  const invoices = Object.values(shop.state.invoices)
    .filter(({ customerId, finalizedAt }) => customerId === customer.id && finalizedAt !== null)
    .reverse()
  const rows = invoices.map(
    (one) =>
      html`<tr>
        <td>${dayOf(one.created)}<br /><a href="/invoice/${one.id}">${one.number}</a></td>
        <td>${money(one.amountDue, one.currency)}<br /><span class="quiet">${one.status}</span></td>
      </tr>`
  )
  const onFile = customer.card ? `Card ending in ${LAST4[customer.card]}` : 'No card on file'
  const back = session.returnUrl === null ? null : html`<a class="button second" href="${session.returnUrl}">Back to Parley</a>`
  const content = html`${alert}
    <section>
      <h1>Your subscription</h1>
      <p class="quiet">${customer.email ?? ''}</p>
    </section>
    ${subscriptions}${none}
    <section>
      <h2>Payment method</h2>
      <p>${onFile}</p>
      <form method="post"><input type="hidden" name="action" value="card" />${cardChoice()}<button>Change card</button></form>
    </section>
    <section>
      <h2>Invoices</h2>
      <table>
        ${rows}
      </table>
    </section>
    ${back}`
  sendPage(res, 'Your subscription', content, fault === null ? 200 : 402)
}

function subscriptionPart(shop: Shop, one: SubscriptionRecord): Html {
  const price = find(shop.state.prices, 'price', one.items[0]?.priceId ?? '')
  const product = find(shop.state.products, 'product', price.productId)
  const ends = one.cancelAtPeriodEnd ? one.periodEnd : one.cancelAt
  const next = one.status === 'canceled' ? null : ends === null ? `Renews on ${dayOf(one.periodEnd)}` : `Ends on ${dayOf(ends)}`
  const action = ends === null ? 'cancel' : 'keep'
  const button =
    ends === null
      ? html`<button class="second">Cancel at the end of the period</button>`
      : html`<button>Keep the subscription</button>`
  const form =
    one.status === 'canceled'
      ? null
      : html`<form method="post">
          <input type="hidden" name="action" value="${action}" /><input
            type="hidden"
            name="subscription"
            value="${one.id}"
          />${button}
        </form>`
  return html`<section>
    <h2>${product.name}</h2>
    <p>${money(price.amount, price.currency)} per ${price.interval ?? 'month'} · ${STATUS[one.status]}</p>
    <p class="quiet">${next}</p>
    ${form}
  </section>`
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}
