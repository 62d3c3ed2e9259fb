import { describe } from '@jest/globals'
import { proveOrdersOf } from './twin-orders-of.ts'

describe('Stripe in the shapes of 2024', () => proveOrdersOf({ name: 'stripe', shape: '2024' }))
