import { describe } from '@jest/globals'
import { proveOrdersOf } from './twin-orders-of.ts'

describe('Stripe in current shapes', () => proveOrdersOf({ name: 'stripe', shape: 'current' }))
