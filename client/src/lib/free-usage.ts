import type { Usage } from '../../../server/src/contract/usage.ts'

/** withFreed is the usage after amounts of levels were given back, in each metric's unit; never below zero. */
export function withFreed(usage: Usage, freed: Readonly<Record<string, number>>): Usage {
  const metrics = usage.metrics.map((row) => {
    const amount = freed[row.metric]
    if (amount === undefined || row.kind !== 'gauge') return row
    const used = Math.max(0, row.used - amount)
    return { ...row, used, remaining: row.quota === null ? null : Math.max(0, row.quota - used) }
  })
  return { ...usage, metrics }
}
