import { meSchema, type Me } from '../../server/src/contract/me.ts'
import { usageSchema, type Usage } from '../../server/src/contract/usage.ts'
import { expectAnswer, type Api } from './api.ts'
import { Mismatch, readable } from './steps.ts'

/** Meter is how one metric stands; a quota of null is unlimited. */
export type Meter = Usage['metrics'][number]

/** readMe asks who is signed in. */
export async function readMe(api: Api): Promise<Me> {
  return expectAnswer(await api('GET', '/api/me'), 200, meSchema)
}

/** readUsage asks for all meters. */
export async function readUsage(api: Api): Promise<Usage> {
  return expectAnswer(await api('GET', '/api/usage'), 200, usageSchema)
}

/** meterOf picks one meter. Throws {@link Mismatch} when the account has none of that name. */
export function meterOf(usage: Usage, metric: string): Meter {
  const meter = usage.metrics.find((candidate) => candidate.metric === metric)
  if (meter === undefined) throw new Mismatch(`a meter of ${metric}`, usage.metrics.map((one) => one.metric).join(', '))
  return meter
}

/** demandUsed throws a {@link Mismatch} unless so much of the metric is used. */
export function demandUsed(usage: Usage, metric: string, used: number): Meter {
  const meter = meterOf(usage, metric)
  if (meter.used !== used) throw new Mismatch(`${readable(used)} ${metric} used`, `${readable(meter.used)} of ${readable(meter.quota)}`)
  return meter
}

/** describeMeter writes a meter such as "messages 0 of 10,000". */
export function describeMeter({ metric, used, quota }: Meter): string {
  return `${metric} ${readable(used)} of ${readable(quota)}`
}

/** usageTable is every meter, one line each. */
export function usageTable(usage: Usage): string {
  const rows = usage.metrics.map(({ title, used, quota, remaining, resetsAt }) => [
    title,
    readable(used),
    readable(quota),
    readable(remaining),
    resetsAt ?? 'a level'
  ])
  const table = [['', 'used', 'quota', 'remaining', 'starts again'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return table
    .map((row) => row.map((cell, column) => (column === 0 || column === 4 ? cell.padEnd : cell.padStart).call(cell, widths[column] ?? 0)).join('  '))
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n')
}
