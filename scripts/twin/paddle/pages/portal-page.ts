import { Router } from 'express'
import type { Request } from 'express'
import { z } from 'zod'
import type { Card } from '../../dialect.ts'
import type { Context } from '../api/context.ts'
import { setCard } from '../control.ts'
import { notFound, Refusal } from '../errors.ts'
import { cancel, undoScheduledChange } from '../lifecycle.ts'
import { amountsOf } from '../money.ts'
import type { Shop } from '../shop.ts'
import type { PortalSession } from '../state/customer.ts'
import type { Subscription } from '../state/subscription.ts'
import type { Transaction } from '../state/transaction.ts'
import { cardChoice, chosenCard } from './cards.ts'
import { amountText, dayText, html, pageOf } from './html.ts'
import type { Html } from './html.ts'

const CANCEL = 'Cancel the subscription'

const form = z.object({ action: z.enum(['card', 'cancel', 'undo']), subscription_id: z.string() })

/** portalPages are where a customer sees what was paid, changes the card, and cancels or does not after all. */
export function portalPages({ shop, during, catchUp }: Context): Router {
  const router = Router()
  router.get('/portal/:session', (req, res) => {
    catchUp()
    res.send(page(shop, sessionOf(shop, req), null))
  })
  router.post('/portal/:session', (req, res) => {
    catchUp()
    const session = sessionOf(shop, req)
    const { action, subscription_id } = form.parse(req.body)
    const subscription = shop.subscription(subscription_id)
    if (subscription.customer_id !== session.customer_id) throw notFound('Subscription', subscription_id)
    try {
      during(() => {
        if (action === 'cancel') cancel(shop, subscription, 'next_billing_period')
        else if (action === 'undo') undoScheduledChange(shop, subscription)
        else setCard(shop, subscription.id, cardIn(req))
      })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      res.status(error.status).send(page(shop, session, error.message))
      return
    }
    res.redirect(303, `/portal/${session.id}?token=${session.token}`)
  })
  return router
}

function cardIn(req: Request): Card {
  const card = chosenCard(req.body)
  if (card === null) throw new Refusal(400, 'shared', 'bad_request', 'Choose a card.')
  return card
}

function sessionOf(shop: Shop, req: Request): PortalSession {
  const id = z.string().parse(req.params['session'])
  const session = Object.hasOwn(shop.state.portalSessions, id) ? shop.state.portalSessions[id] : undefined
  const valid = session?.token === req.query['token'] && (session?.expires_ms ?? Infinity) > shop.nowMs()
  if (!session || !valid) throw notFound('Portal session', id)
  return session
}

function page(shop: Shop, session: PortalSession, fault: string | null): string {
  const customer = shop.customer(session.customer_id)
  const theirs = (one: { customer_id: string | null }) => one.customer_id === customer.id
  const action = `/portal/${session.id}?token=${session.token}`
  const subscriptions = Object.values(shop.state.subscriptions).filter(theirs).toReversed()
  const paid = Object.values(shop.state.transactions).filter((one) => theirs(one) && one.billed_at !== null).toReversed()
  return pageOf(
    'Customer portal',
    html`<h1>Your subscriptions</h1>
      <p>${customer.email}, card ending in ${shop.wallet(customer.id).last4}</p>
      ${fault === null ? html`` : html`<p class="fault" role="alert">${fault}</p>`}
      ${subscriptions.map((one) => subscriptionPart(one, action))}
      <h2>Payments</h2>
      <table>
        ${paid.map(paymentRow)}
      </table>`
  )
}

function subscriptionPart(subscription: Subscription, action: string): Html {
  const { id, status, scheduled_change: change, current_billing_period: period } = subscription
  const names = subscription.items.map(({ price }) => price.name ?? price.description).join(', ')
  const button = (name: string, text: string) =>
    html`<form method="post" action="${action}">
      <input type="hidden" name="subscription_id" value="${id}" />
      <button class="quiet" name="action" value="${name}">${text}</button>
    </form>`
  const card = html`<form method="post" action="${action}">
    <input type="hidden" name="subscription_id" value="${id}" />
    ${cardChoice()}
    <button name="action" value="card">Use this card</button>
  </form>`
  return html`<section class="card" id="${id}">
    <h2>${names}</h2>
    <p>Status: ${status}${period ? html`, until ${dayText(period.ends_at)}` : html``}</p>
    ${change ? html`<p>Will ${change.action} on ${dayText(change.effective_at)}.</p>` : html``}
    ${status === 'canceled' ? html`` : card}
    ${change ? button('undo', `Do not ${change.action}`) : status === 'canceled' ? html`` : button('cancel', CANCEL)}
  </section>`
}

function paymentRow(transaction: Transaction): Html {
  const { grandTotalMinor } = amountsOf(transaction)
  return html`<tr>
    <td>${dayText(transaction.created_at)}</td>
    <td>${transaction.status}</td>
    <td>${amountText(grandTotalMinor, transaction.currency_code)}</td>
  </tr>`
}
