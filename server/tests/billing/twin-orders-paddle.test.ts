import { describe } from '@jest/globals'
import { proveOrdersOf } from './twin-orders-of.ts'

describe('Paddle', () => proveOrdersOf({ name: 'paddle', shape: 'current' }))
