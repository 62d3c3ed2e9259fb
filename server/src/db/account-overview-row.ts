import { z } from 'zod'
import { timestamp } from './call.ts'

/** accountOverviewSchema is an account as operators see it: `plan` is in force, `status` is `none` without a subscription. */
export const accountOverviewSchema = z.object({
  accountId: z.string(),
  plan: z.string(),
  status: z.string(),
  processor: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  chatbots: z.number(),
  messagesUsed: z.number(),
  messagesQuota: z.number().nullable(),
  createdAt: timestamp,
  closedAt: timestamp.nullable()
})
export type AccountOverview = z.output<typeof accountOverviewSchema>
