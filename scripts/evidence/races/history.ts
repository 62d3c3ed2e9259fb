import { z } from 'zod'

/**
 * answerSchema is a decision as its caller got it. `plan` and `replayed` are null where the way it came does not tell;
 * `resetsAtMs` names the window by its end (epoch milliseconds, cut), null for a level, which has none.
 */
export const answerSchema = z.object({
  allowed: z.boolean(),
  used: z.number(),
  quota: z.number().nullable(),
  plan: z.string().nullable(),
  resetsAtMs: z.number().nullable(),
  replayed: z.boolean().nullable()
})
export type Answer = z.output<typeof answerSchema>

/**
 * callSchema is one call as its process noted it: it took effect, if it did, between `startMs` and `endMs`, milliseconds of
 * the machine's monotonic clock, which all processes share. `label` is the request id, or what the ledger row has as its
 * operation; a `give` with the label of a `take` gives that one back. Without an answer `error` says why.
 */
export const callSchema = z.object({
  label: z.string(),
  kind: z.enum(['take', 'give']),
  accountId: z.string(),
  metric: z.string(),
  amount: z.number(),
  startMs: z.number(),
  endMs: z.number(),
  answer: answerSchema.nullable(),
  error: z.string().nullable()
})
export type Call = z.output<typeof callSchema>

/** Window is the start of a window in epoch milliseconds (cut), or `level` for a metric that never starts again. */
export type Window = number | 'level'

/** LedgerRow is a row of usage_events; `label` as of {@link Call}, null when it has none. */
export type LedgerRow = { accountId: string; metric: string; window: Window; amount: number; label: string | null }

/** Counter is a row of counters. */
export type Counter = { accountId: string; metric: string; window: Window; used: number }

/** Version is what an account had at some time: it can have been in force from `fromMs` to `untilMs`, and at no other time. */
export type Version = {
  accountId: string
  plan: string
  windowStartMs: number
  windowEndMs: number
  fromMs: number
  untilMs: number
}

/**
 * History is all that happened to some accounts: every call anybody made, and what the database holds after them. `ledger` is
 * in the order of its ids; `quotas` are by {@link quotaKey}, null = unlimited; `levels` are the metrics without windows.
 */
export type History = {
  calls: Call[]
  ledger: LedgerRow[]
  counters: Counter[]
  versions: Version[]
  quotas: ReadonlyMap<string, number | null>
  levels: ReadonlySet<string>
}

/** quotaKey names a quota in {@link History}. */
export function quotaKey(plan: string, metric: string): string {
  return `${plan} ${metric}`
}

/** monotonicMs reads the clock of {@link Call}: CLOCK_MONOTONIC, one for all processes of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
