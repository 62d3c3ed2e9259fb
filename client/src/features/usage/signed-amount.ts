import { formatAmount } from '../../lib/format.ts'

/** signedAmount writes what a row adds (`+1`) or gives back (`−483`). */
export function signedAmount(metric: string, amount: number): string {
  if (amount === 0) return formatAmount(metric, 0)
  return `${amount < 0 ? '−' : '+'}${formatAmount(metric, Math.abs(amount))}`
}
