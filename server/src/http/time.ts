/** formatTime writes a timestamptz of the database as HTTP answers carry it: RFC 3339 in UTC, to the millisecond. */
export function formatTime(timestamp: string): string
export function formatTime(timestamp: string | null): string | null
export function formatTime(timestamp: string | null): string | null {
  return timestamp === null ? null : new Date(timestamp).toISOString()
}
