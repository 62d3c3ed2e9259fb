import { formatDay, formatInstant, formatUtc, formatZoned } from './format.ts'

const FORMATS = { day: formatDay, instant: formatInstant, zoned: formatZoned }

/** LocalTime shows an instant in the reader's time and tells UTC on hover. */
export function LocalTime({ instant, as = 'instant' }: { instant: string; as?: keyof typeof FORMATS }) {
  return (
    <time dateTime={instant} title={formatUtc(instant)}>
      {FORMATS[as](instant)}
    </time>
  )
}
