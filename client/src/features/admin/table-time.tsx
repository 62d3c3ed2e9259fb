import { formatUtc } from '../../lib/format.ts'

const ofThisYear = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' })
const ofAnyYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** TableTime writes an instant on one line of a narrow column, in the reader's time, with UTC on hover; null is a dash. */
export function TableTime({ instant }: { instant: string | null }) {
  if (instant === null) return '–'
  return <time dateTime={instant} title={formatUtc(instant)} style={{ whiteSpace: 'nowrap' }}>{formatShort(instant)}</time>
}

function formatShort(instant: string): string {
  const date = new Date(instant)
  return (date.getFullYear() === new Date().getFullYear() ? ofThisYear : ofAnyYear).format(date)
}
