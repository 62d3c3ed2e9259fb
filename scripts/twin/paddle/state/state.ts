import { z } from 'zod'
import { adjustment } from './adjustment.ts'
import { price, product } from './catalog.ts'
import { address, customer, portalSession, wallet } from './customer.ts'
import { subscription } from './subscription.ts'
import { transaction } from './transaction.ts'

const notificationSetting = z.object({
  id: z.string(),
  description: z.string(),
  type: z.enum(['url', 'email']),
  destination: z.string(),
  active: z.boolean(),
  api_version: z.number().int(),
  include_sensitive_fields: z.boolean(),
  traffic_source: z.enum(['platform', 'simulation', 'all']),
  subscribed_events: z.array(z.string()),
  endpoint_secret_key: z.string()
})

/** NotificationSetting is a place that notifications are sent to. */
export type NotificationSetting = z.output<typeof notificationSetting>

const event = z.object({ event_id: z.string(), event_type: z.string(), occurred_at: z.string(), data: z.unknown() })

/** PaddleEvent is one thing that happened, as GET /events answers it. */
export type PaddleEvent = z.output<typeof event>

/**
 * state is all the twin knows, as plain JSON. Each record is in the order in which its entities were made.
 * `lastStampMicros` is the last time given to anything and `clockMs` the latest time at which anything was done.
 */
export const state = z.object({
  lastStampMicros: z.number().int(),
  clockMs: z.number(),
  invoices: z.number().int(),
  products: z.record(z.string(), product),
  prices: z.record(z.string(), price),
  customers: z.record(z.string(), customer),
  addresses: z.record(z.string(), address),
  wallets: z.record(z.string(), wallet),
  portalSessions: z.record(z.string(), portalSession),
  transactions: z.record(z.string(), transaction),
  subscriptions: z.record(z.string(), subscription),
  adjustments: z.record(z.string(), adjustment),
  notificationSettings: z.record(z.string(), notificationSetting),
  events: z.array(event)
})

/** State is the output of {@link state}. */
export type State = z.output<typeof state>

/** emptyState is a Paddle account on its first day. */
export function emptyState(): State {
  return {
    lastStampMicros: 0,
    clockMs: 0,
    invoices: 0,
    products: {},
    prices: {},
    customers: {},
    addresses: {},
    wallets: {},
    portalSessions: {},
    transactions: {},
    subscriptions: {},
    adjustments: {},
    notificationSettings: {},
    events: []
  }
}
