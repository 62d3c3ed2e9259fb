import { Router } from 'express'
import { z } from 'zod'
import { addressOf, createCustomer, openPortal, updateCustomer } from '../customers.ts'
import { customData } from '../state/catalog.ts'
import { answer, answerPage, idOf, matching, parsed } from './context.ts'
import type { Context } from './context.ts'

const changes = z.object({
  email: z.email().optional(),
  name: z.string().nullable().optional(),
  locale: z.string().optional(),
  custom_data: customData.optional(),
  status: z.enum(['active', 'archived']).optional()
})
const newCustomer = changes.omit({ status: true }).extend({ email: z.email() })
const portalRequest = z.object({ subscription_ids: z.array(z.string()).max(25).nullish() })

// How long Paddle's links work is not published; they are "temporary and shouldn't be cached".
const PORTAL_LIFETIME_MS = 24 * 3_600_000

/** customerRoutes are customers, their addresses and their links to the portal. */
export function customerRoutes({ shop, during }: Context): Router {
  const router = Router()
  router.get('/customers', (req, res) => {
    const customers = matching(req, Object.values(shop.state.customers), {
      id: ({ id }) => id,
      email: ({ email }) => email,
      status: ({ status }) => status
    })
    answerPage(shop, req, res, customers, ({ id }) => id)
  })
  router.post('/customers', (req, res) => {
    const { email, name, locale, custom_data } = parsed(newCustomer, req.body)
    const given = { email, name: name ?? null, locale: locale ?? 'en', custom_data: custom_data ?? null }
    answer(shop, res, during(() => createCustomer(shop, given)), 201)
  })
  router.get('/customers/:id', (req, res) => answer(shop, res, shop.customer(idOf(req))))
  router.patch('/customers/:id', (req, res) => {
    const customer = shop.customer(idOf(req))
    const wanted = Object.fromEntries(Object.entries(parsed(changes, req.body)).filter(([, value]) => value !== undefined))
    during(() => updateCustomer(shop, customer, wanted))
    answer(shop, res, customer)
  })
  router.get('/customers/:id/addresses', (req, res) => {
    const addresses = Object.values(shop.state.addresses).filter((one) => one.customer_id === idOf(req))
    answerPage(shop, req, res, addresses, ({ id }) => id)
  })
  router.post('/customers/:id/addresses', (req, res) => {
    const customer = shop.customer(idOf(req))
    answer(shop, res, during(() => addressOf(shop, customer)), 201)
  })
  router.post('/customers/:id/portal-sessions', (req, res) => {
    const customer = shop.customer(idOf(req))
    const ids = parsed(portalRequest, req.body).subscription_ids ?? []
    const subscriptions = ids.map((id) => shop.subscription(id))
    const session = during(() => openPortal(shop, customer.id, PORTAL_LIFETIME_MS))
    const page = (action: string) => `${shop.origin}/portal/${session.id}?action=${action}&token=${session.token}`
    const urls = {
      general: { overview: page('overview') },
      subscriptions: subscriptions.map(({ id }) => ({
        id,
        cancel_subscription: page(`cancel_subscription&subscription_id=${id}`),
        update_subscription_payment_method: page(`update_subscription_payment_method&subscription_id=${id}`)
      }))
    }
    answer(shop, res, { id: session.id, customer_id: customer.id, urls, created_at: shop.stamp() }, 201)
  })
  return router
}
