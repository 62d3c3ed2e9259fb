import { z } from 'zod'
import { timestamp } from './call.ts'

/**
 * decisionSchema is what every quota function answers: whether the amount was taken and how the metric stands afterwards.
 * `quota` and `remaining` are null when the plan sets no limit; `resetsAt` is null for gauges, which never start again;
 * `replayed` means that the same request id was decided before and this is that decision.
 */
export const decisionSchema = z.object({
  allowed: z.boolean(),
  used: z.number(),
  quota: z.number().nullable(),
  remaining: z.number().nullable(),
  resetsAt: timestamp.nullable(),
  plan: z.string(),
  replayed: z.boolean()
})
export type Decision = z.output<typeof decisionSchema>

/** Channel is where a message came from. */
export type Channel = 'playground' | 'widget' | 'api'

/** Source says what caused a charge; each usage event keeps it, so that later breakdowns never guess. */
export type Source = {
  chatbotId?: string | null
  conversationId?: string | null
  channel?: Channel | null
  operation?: string | null
}
