import { z } from 'zod'

const rate = z.number().min(0).max(1)
const times = z.int().min(0).max(1_000_000)

/**
 * faultsSchema: what goes wrong between the twin and Parley, for one processor.
 * Webhooks: `duplicateRate` of them are sent twice, `lossRate` never arrive; `ackLossRate` of the deliveries arrive, but the
 * answer counts as lost, so that they come again. `shuffle`: the order within one change, over all, or as it happened.
 * API: `loseAnswers` of the requests take effect and then the connection breaks; `failBefore` of them are answered 500
 * without effect; `loseNext` and `failNext` do so to the next requests that change something (not GET).
 */
export const faultsSchema = z.strictObject({
  duplicateRate: rate,
  lossRate: rate,
  ackLossRate: rate,
  shuffle: z.enum(['none', 'group', 'all']),
  loseAnswers: rate,
  loseNext: times,
  failBefore: rate,
  failNext: times
})

/** Faults is the type of {@link faultsSchema}. Changes take effect at once. */
export type Faults = z.infer<typeof faultsSchema>

/** NO_FAULTS: all goes well, in the disorder that processors allow themselves. */
export const NO_FAULTS: Readonly<Faults> = {
  duplicateRate: 0,
  lossRate: 0,
  ackLossRate: 0,
  shuffle: 'group',
  loseAnswers: 0,
  loseNext: 0,
  failBefore: 0,
  failNext: 0
}
