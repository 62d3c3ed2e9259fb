const days = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const fullDays = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })

/** formatUtcDay writes a day that is one in UTC, such as 2026-11-20; by local time it would become the day before in the west. */
export function formatUtcDay(day: string): string {
  return days.format(new Date(`${day}T00:00:00Z`))
}

/** formatFullUtcDay writes it with the weekday and the year. */
export function formatFullUtcDay(day: string): string {
  return fullDays.format(new Date(`${day}T00:00:00Z`))
}
