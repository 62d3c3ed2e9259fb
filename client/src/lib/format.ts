import type { Money } from '../../../server/src/contract/money.ts'

const numbers = new Intl.NumberFormat()
const days = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const daysOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const zoned = new Intl.DateTimeFormat(undefined, {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short'
})
const STEP = 1000

/** formatNumber groups digits as the reader's language does. */
export function formatNumber(value: number): string {
  return numbers.format(value)
}

/** formatBytes writes bytes in decimal units, as plans are written, with at most one digit after the point: `3.1 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(STEP)))
  const value = bytes / STEP ** power
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: power === 0 ? 0 : 1 }).format(value)} ${units[power] ?? ''}`
}

/** formatAmount writes an amount of a metric: bytes as bytes, all else as a number. */
export function formatAmount(metric: string, value: number): string {
  return metric === 'storage_bytes' ? formatBytes(value) : formatNumber(value)
}

/** formatQuota writes a quota; null is unlimited. */
export function formatQuota(metric: string, quota: number | null): string {
  return quota === null ? 'unlimited' : formatAmount(metric, quota)
}

/** formatMoney writes an amount of minor units in its currency. */
export function formatMoney({ amountMinor, currency }: Money): string {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amountMinor / 10 ** digits)
}

/** formatDay writes the local day of an instant, with the year where it is not the current one. */
export function formatDay(instant: string): string {
  const date = new Date(instant)
  return (date.getFullYear() === new Date().getFullYear() ? days : daysOfYear).format(date)
}

/** formatInstant writes an instant in local time. */
export function formatInstant(instant: string): string {
  return instants.format(new Date(instant))
}

/** formatZoned writes an instant in local time with the name of the zone, for a moment that people must not miss. */
export function formatZoned(instant: string): string {
  return zoned.format(new Date(instant))
}

/** formatUtc writes an instant in UTC, for the hover text of a local one. */
export function formatUtc(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** plural: `1 chatbot`, `3 chatbots`. */
export function plural(count: number, unit: string): string {
  return `${formatNumber(count)} ${unit}${count === 1 ? '' : 's'}`
}
