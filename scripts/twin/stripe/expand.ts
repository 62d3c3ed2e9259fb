import { invalid } from './fault.ts'
import type { Form } from './form.ts'
import { renderCustomer, renderList, renderPrice, renderProduct } from './render-catalog.ts'
import { renderInvoice, renderInvoicePayment } from './render-invoice.ts'
import { renderCheckoutLines } from './render-page-objects.ts'
import { renderCharge, renderPaymentIntent } from './render-payment.ts'
import { renderSchedule, renderSubscription } from './render-subscription.ts'
import { find, now } from './shop.ts'
import type { Json, JsonObject, Shop } from './shop.ts'

/** expanded puts whole objects in the place of the ids that `expand` names, e.g. `latest_invoice.payments`, `data.customer`. */
export function expanded(shop: Shop, answer: JsonObject, form: Form): JsonObject {
  const paths = Array.isArray(form.expand) ? form.expand : []
  let result = answer
  for (const path of paths) {
    if (typeof path !== 'string') throw invalid('Invalid array', 'expand')
    result = at(shop, result, path.split('.'), path)
  }
  return result
}

function at(shop: Shop, node: JsonObject, [name = '', ...rest]: string[], path: string): JsonObject {
  const value = included(shop, node, name) ?? node[name]
  if (value === undefined) throw invalid(`This property cannot be expanded (${path}).`, 'expand')
  return { ...node, [name]: below(shop, value, rest, path) }
}

function below(shop: Shop, value: Json, rest: string[], path: string): Json {
  if (value === null) return null
  if (Array.isArray(value)) return value.map((one) => below(shop, one, rest, path))
  const object = typeof value === 'string' ? retrieved(shop, value, path) : value
  if (typeof object !== 'object') throw invalid(`This property cannot be expanded (${path}).`, 'expand')
  return rest.length === 0 ? object : at(shop, object, rest, path)
}

/** included are lists that an object carries only when they are asked for. */
function included(shop: Shop, node: JsonObject, name: string): JsonObject | undefined {
  const id = typeof node.id === 'string' ? node.id : ''
  if (node.object === 'invoice' && name === 'payments') {
    const payment = renderInvoicePayment(find(shop.state.invoices, 'invoice', id))
    return renderList('/v1/invoice_payments', payment ? [payment] : [])
  }
  if (node.object === 'checkout.session' && name === 'line_items') {
    return renderCheckoutLines(shop.state, find(shop.state.checkouts, 'checkout.session', id))
  }
  return undefined
}

function retrieved(shop: Shop, id: string, path: string): JsonObject {
  const { state, origin } = shop
  if (id.startsWith('cus_')) return renderCustomer(find(state.customers, 'customer', id))
  if (id.startsWith('sub_sched_')) return renderSchedule(state, find(state.schedules, 'subscription_schedule', id), now(shop))
  if (id.startsWith('sub_')) return renderSubscription(state, find(state.subscriptions, 'subscription', id))
  if (id.startsWith('in_')) return renderInvoice(state, find(state.invoices, 'invoice', id), origin)
  if (id.startsWith('pi_')) return renderPaymentIntent(find(state.paymentIntents, 'payment_intent', id))
  if (id.startsWith('ch_')) return renderCharge(state, find(state.charges, 'charge', id), origin)
  if (Object.hasOwn(state.prices, id)) return renderPrice(find(state.prices, 'price', id))
  if (Object.hasOwn(state.products, id)) return renderProduct(find(state.products, 'product', id))
  throw invalid(`This property cannot be expanded (${path}).`, 'expand')
}
