import { z } from 'zod'
import { accountIdentifier, identifier } from '../../payload.ts'
import { metadata, reference } from './shape.ts'

/**
 * checkoutSession parses a checkout session. The metadata are written by our server and win over `client_reference_id`,
 * which a buyer can choose when a Payment Link is used.
 */
export const checkoutSession = z
  .object({
    object: z.literal('checkout.session'),
    id: identifier,
    mode: z.string(),
    customer: reference.nullish(),
    subscription: reference.nullish(),
    client_reference_id: accountIdentifier,
    metadata
  })
  .transform((raw) => ({
    mode: raw.mode,
    accountId: raw.metadata ?? raw.client_reference_id,
    customerId: raw.customer ?? null,
    subscriptionId: raw.subscription ?? null
  }))
