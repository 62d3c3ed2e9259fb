/** formatPayload writes JSON on lines of its own; null where the text is no JSON. */
export function formatPayload(payload: string): string | null {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return null
  }
}
