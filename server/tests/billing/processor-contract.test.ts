import { expect, test } from '@jest/globals'
import { buildEvent, signatureHeader } from '../../../scripts/webhook/delivery.ts'
import type { ProcessorName } from '../../src/billing/billing-event.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createRazorpay } from '../../src/billing/processors/razorpay/razorpay.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { patched, scenarioOf } from '../support/processors/scenario.ts'
import { razorpayEvent, razorpaySignature, subscriptionEntity } from '../support/razorpay-payloads.ts'
import { allProcessors } from './all-processors.ts'
import { type ContractSubject, processorContract } from './processor-contract.ts'

const stripeCreated = buildEvent('stripe', scenarioOf('stripe'))
const paddleCreated = buildEvent('paddle', scenarioOf('paddle'))
const razorpayActivated = razorpayEvent('subscription.activated', { subscription: subscriptionEntity() })

const stripe: ContractSubject = {
  name: 'stripe',
  sign: (...delivery) => signatureHeader('stripe', ...delivery),
  create: (webhookSecrets) => createStripe({ webhookSecrets, apiKey: null }),
  toleranceSeconds: 300,
  known: JSON.stringify(stripeCreated),
  unknown: JSON.stringify({ ...stripeCreated, type: 'customer.tax_id.created' }),
  malformed: JSON.stringify(patched(stripeCreated, 'data.object.status', 'frozen')),
  joinSignatures: (headers) => [headers[0], ...headers.slice(1).map((header) => header.split(',')[1])].join(',')
}

const paddle: ContractSubject = {
  name: 'paddle',
  sign: (...delivery) => signatureHeader('paddle', ...delivery),
  create: (webhookSecrets) => createPaddle({ webhookSecrets, apiKey: null, environment: 'sandbox' }),
  toleranceSeconds: 5,
  known: JSON.stringify(paddleCreated),
  unknown: JSON.stringify({ ...paddleCreated, event_type: 'address.created' }),
  malformed: JSON.stringify(patched(paddleCreated, 'data.status', 'frozen')),
  joinSignatures: (headers) => [headers[0], ...headers.slice(1).map((header) => header.split(';')[1])].join(';')
}

const razorpay: ContractSubject = {
  name: 'razorpay',
  sign: (body, secret) => ({ 'x-razorpay-signature': razorpaySignature(body, secret) }),
  create: (webhookSecrets) => createRazorpay({ webhookSecrets, keyId: null, keySecret: null }),
  toleranceSeconds: null,
  known: JSON.stringify(razorpayActivated),
  unknown: JSON.stringify({ ...razorpayActivated, event: 'payout.processed' }),
  malformed: JSON.stringify(patched(razorpayActivated, 'payload.subscription.entity.status', 'frozen')),
  joinSignatures: null
}

const SUBJECTS: Record<ProcessorName, ContractSubject> = { stripe, paddle, razorpay }

test('every processor that the server makes is under the contract', () => {
  expect(Object.values(SUBJECTS).map(({ name }) => name).sort()).toEqual(allProcessors().map(({ name }) => name).sort())
})

for (const subject of Object.values(SUBJECTS)) processorContract(subject)
