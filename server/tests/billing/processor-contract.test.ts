import { buildEvent } from '../../../scripts/webhook/delivery.ts'
import { createPaddle } from '../../src/billing/processors/paddle/paddle.ts'
import { createStripe } from '../../src/billing/processors/stripe/stripe.ts'
import { patched, scenarioOf } from '../support/processors/scenario.ts'
import { processorContract } from './processor-contract.ts'

const stripeCreated = buildEvent('stripe', scenarioOf('stripe'))
const paddleCreated = buildEvent('paddle', scenarioOf('paddle'))

processorContract({
  name: 'stripe',
  create: (webhookSecrets) => createStripe({ webhookSecrets, apiKey: null }),
  toleranceSeconds: 300,
  known: JSON.stringify(stripeCreated),
  unknown: JSON.stringify({ ...stripeCreated, type: 'customer.tax_id.created' }),
  malformed: JSON.stringify(patched(stripeCreated, 'data.object.status', 'frozen')),
  joinSignatures: (headers) => [headers[0], ...headers.slice(1).map((header) => header.split(',')[1])].join(',')
})

processorContract({
  name: 'paddle',
  create: (webhookSecrets) => createPaddle({ webhookSecrets, apiKey: null, environment: 'sandbox' }),
  toleranceSeconds: 5,
  known: JSON.stringify(paddleCreated),
  unknown: JSON.stringify({ ...paddleCreated, event_type: 'address.created' }),
  malformed: JSON.stringify(patched(paddleCreated, 'data.status', 'frozen')),
  joinSignatures: (headers) => [headers[0], ...headers.slice(1).map((header) => header.split(';')[1])].join(';')
})
