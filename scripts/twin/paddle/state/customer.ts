import { z } from 'zod'
import { CARDS } from '../../dialect.ts'
import { customData } from './catalog.ts'

/** customer is Paddle's customer entity, as stored and as answered. */
export const customer = z.object({
  id: z.string(),
  name: z.string().nullable(),
  email: z.string(),
  locale: z.string(),
  status: z.enum(['active', 'archived']),
  marketing_consent: z.boolean(),
  custom_data: customData,
  created_at: z.string(),
  updated_at: z.string(),
  import_meta: z.null()
})

/** Customer is the output of {@link customer}. */
export type Customer = z.output<typeof customer>

/** address is Paddle's address entity; every customer of the twin lives in the same country. */
export const address = z.object({
  id: z.string(),
  customer_id: z.string(),
  description: z.string().nullable(),
  first_line: z.string().nullable(),
  second_line: z.string().nullable(),
  city: z.string().nullable(),
  postal_code: z.string().nullable(),
  region: z.string().nullable(),
  country_code: z.string(),
  custom_data: customData,
  status: z.literal('active'),
  created_at: z.string(),
  updated_at: z.string(),
  import_meta: z.null()
})

/** Address is the output of {@link address}. */
export type Address = z.output<typeof address>

/** wallet is what the twin knows of a customer beside the entity: the saved card, and the credit balance in minor units. */
export const wallet = z.object({ card: z.enum(CARDS).nullable(), last4: z.string(), creditMinor: z.number().int() })

/** Wallet is the output of {@link wallet}. */
export type Wallet = z.output<typeof wallet>

/** portalSession is a link to the portal page; `expires_ms` null = it stays valid (a subscription's management links). */
export const portalSession = z.object({
  id: z.string(),
  customer_id: z.string(),
  token: z.string(),
  expires_ms: z.number().nullable()
})

/** PortalSession is the output of {@link portalSession}. */
export type PortalSession = z.output<typeof portalSession>
