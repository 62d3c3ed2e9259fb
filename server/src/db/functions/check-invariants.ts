import { z } from 'zod'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

const checkSchema = z.object({
  place: z.number(),
  name: z.string(),
  violations: z.number(),
  example: z.string().nullable()
})
export type Check = z.output<typeof checkSchema>

/**
 * checkInvariants asks the database which invariants hold and whether every grant is as it must be: one row per check in the
 * order of ARCHITECTURE.md, `violations` 0 where it holds, else `example` is one of them in words.
 */
export function checkInvariants(db: Database): Promise<Check[]> {
  return call(db, 'check_invariants', {}, checkSchema)
}
