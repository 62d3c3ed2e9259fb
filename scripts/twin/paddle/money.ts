import type { Line, Transaction } from './state/transaction.ts'

/** feeMinor is what Paddle keeps of a payment: 5 % and 50 cents (paddle.com/pricing). */
function feeMinor(totalMinor: number): number {
  return totalMinor === 0 ? 0 : Math.round(totalMinor / 20) + 50
}

/** Amounts are the sums of a transaction in minor units. The twin's buyers owe no tax. */
export type Amounts = {
  totalMinor: number
  creditMinor: number
  toBalanceMinor: number
  grandTotalMinor: number
  feeMinor: number
}

/** amountsOf sums a transaction up: what it is for, the credit used on it, and what is to be paid. */
export function amountsOf(transaction: Pick<Transaction, 'lines' | 'creditMinor' | 'toBalanceMinor'>): Amounts {
  const totalMinor = sumOf(transaction.lines)
  const grandTotalMinor = totalMinor - transaction.creditMinor
  const { creditMinor, toBalanceMinor } = transaction
  return { totalMinor, creditMinor, toBalanceMinor, grandTotalMinor, feeMinor: feeMinor(grandTotalMinor) }
}

/** sumOf adds the amounts of lines up. */
export function sumOf(lines: Pick<Line, 'amountMinor'>[]): number {
  return lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
}

/** proratedMinor is the share of an amount, rounded to whole minor units. */
export function proratedMinor(amountMinor: number, rate: number): number {
  return Math.round(amountMinor * rate)
}

/** readMinor reads an amount as Paddle writes it. @throws {RangeError} when it is no whole number. */
export function readMinor(amount: string): number {
  const minor = Number(amount)
  if (!/^[0-9]{1,15}$/.test(amount)) throw new RangeError(`${amount} is no amount in minor units`)
  return minor
}
