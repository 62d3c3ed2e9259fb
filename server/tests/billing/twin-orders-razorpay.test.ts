import { describe } from '@jest/globals'
import { proveOrdersOf } from './twin-orders-of.ts'

describe('Razorpay', () => proveOrdersOf({ name: 'razorpay', shape: 'current' }))
