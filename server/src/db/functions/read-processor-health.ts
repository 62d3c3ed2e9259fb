import { z } from 'zod'
import { call, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const healthSchema = z.object({
  processor: z.string(),
  lastEventAt: timestamp.nullable(),
  deliveries: z.number(),
  failed: z.number(),
  dead: z.number(),
  normalGapSeconds: z.number(),
  gapSeconds: z.number().nullable(),
  silent: z.boolean()
})
export type ProcessorHealth = z.output<typeof healthSchema>

/**
 * readProcessorHealth tells of each processor that ever delivered, or has subscriptions, whether it has been silent for longer
 * than is normal; `lastEventAt` and `gapSeconds` are null where it never delivered anything.
 */
export function readProcessorHealth(db: Database): Promise<ProcessorHealth[]> {
  return call(db, 'read_processor_health', {}, healthSchema)
}
