import type { SignatureScheme } from '../../signature.ts'

/** STRIPE_SIGNATURE: `Stripe-Signature: t=…,v1=…` over `t.body` (docs.stripe.com/webhooks/signature); `v0` is no proof. */
export const STRIPE_SIGNATURE: SignatureScheme = {
  header: 'stripe-signature',
  separator: ',',
  timestampKey: 't',
  signatureKey: 'v1',
  joiner: '.'
}
