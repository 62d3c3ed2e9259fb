import { z } from 'zod'
import { callSchema } from './history.ts'

/**
 * plannedSchema is a call that a process is to make. `via`: one call of the database function, an entry of the batch number
 * `batch` that is sent in one, the batcher of the process, or POST /api/usage of the server number `server`. `named`: the label
 * is sent as request id, else as what it is for. `giveBack` is how much of it is given back once it is granted.
 */
export const plannedSchema = z.object({
  kind: z.enum(['take', 'give']),
  via: z.enum(['single', 'many', 'batcher', 'http']),
  label: z.string(),
  named: z.boolean(),
  accountId: z.string(),
  metric: z.string(),
  amount: z.number(),
  batch: z.number(),
  server: z.number(),
  giveBack: z.number().nullable()
})
export type Planned = z.output<typeof plannedSchema>

/** Access is how a process reaches the database. */
export const accessSchema = z.discriminatedUnion('transport', [
  z.object({ transport: z.literal('pg'), url: z.string() }),
  z.object({ transport: z.literal('postgrest'), url: z.string(), key: z.string() })
])
export type Access = z.output<typeof accessSchema>

/**
 * orderSchema is what the suite tells a process: to open the database and learn of the servers, or to make calls, all of them
 * at once. `tokens` are the session tokens by account.
 */
export const orderSchema = z.discriminatedUnion('order', [
  z.object({ order: z.literal('open'), access: accessSchema, servers: z.array(z.string()) }),
  z.object({ order: z.literal('race'), callers: z.array(plannedSchema), tokens: z.record(z.string(), z.string()) })
])
export type Order = z.output<typeof orderSchema>

/**
 * wordSchema is what a process tells the suite: that it is ready, how many calls came back by now, or all of them.
 * `repeats` is how often any was asked again, since the process began.
 */
export const wordSchema = z.discriminatedUnion('word', [
  z.object({ word: z.literal('ready') }),
  z.object({ word: z.literal('answered'), count: z.number() }),
  z.object({ word: z.literal('done'), calls: z.array(callSchema), repeats: z.number() })
])
export type Word = z.output<typeof wordSchema>
