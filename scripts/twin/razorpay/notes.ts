import { z } from 'zod'

/** notesSchema: notes without an entry are an empty array at Razorpay, which is what PHP makes of an empty map. */
export const notesSchema = z.union([z.array(z.never()), z.record(z.string(), z.union([z.string(), z.number()]))])
/** Notes are what the shop writes onto an entity for itself. */
export type Notes = z.infer<typeof notesSchema>

/** noteOf is one note as text, or null. */
export function noteOf(notes: Notes, name: string): string | null {
  const value = Array.isArray(notes) || !Object.hasOwn(notes, name) ? undefined : notes[name]
  return value === undefined ? null : String(value)
}
