import { z } from 'zod'
import { ProcessorRefusal } from '../../processor.ts'
import type { Asker } from './asking.ts'

const YEARS = 10
const plan = z.object({ entity: z.literal('plan'), period: z.string(), interval: z.int().min(1) })
const CYCLES_A_YEAR: Record<string, number> = { monthly: 12, quarterly: 4, yearly: 1 }

/**
 * cyclesOf asks how often a plan is charged in ten years. Razorpay wants to know beforehand how many charges there will be,
 * none may lie more than 100 years ahead, and there is no "until canceled". Ten years outlive the card that pays; a change
 * of plan grants them anew. Throws {@link ProcessorRefusal} for a plan that is neither monthly, quarterly nor yearly.
 */
export async function cyclesOf({ client }: Asker, planId: string): Promise<number> {
  const { period, interval } = await client.ask((sdk) => sdk.plans.fetch(encodeURIComponent(planId)), plan)
  const cycles = Math.floor(((CYCLES_A_YEAR[period] ?? 0) * YEARS) / interval)
  if (cycles < 1) throw new ProcessorRefusal('invalid', 'The Razorpay plan is neither monthly nor yearly.')
  return cycles
}
