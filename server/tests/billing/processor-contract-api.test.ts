import { expect, test } from '@jest/globals'
import type { ProcessorName } from '../../src/billing/billing-event.ts'
import { allProcessors } from './all-processors.ts'
import { PADDLE_SCENARIO } from './api-scenarios/paddle.ts'
import { RAZORPAY_SCENARIO } from './api-scenarios/razorpay.ts'
import { STRIPE_SCENARIO } from './api-scenarios/stripe.ts'
import { type ApiScenario, processorApiContract } from './processor-contract-api.ts'

const SCENARIOS: Record<ProcessorName, ApiScenario> = { stripe: STRIPE_SCENARIO, paddle: PADDLE_SCENARIO, razorpay: RAZORPAY_SCENARIO }

test('the API of every processor that the server makes is under the contract', () => {
  const asked = allProcessors().filter(({ api }) => api !== null)
  expect(Object.values(SCENARIOS).map(({ name }) => name).sort()).toEqual(asked.map(({ name }) => name).sort())
})

for (const scenario of Object.values(SCENARIOS)) processorApiContract(scenario)
