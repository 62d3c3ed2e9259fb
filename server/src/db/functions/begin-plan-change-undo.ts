import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'
import { beginningColumns } from '../operation-row.ts'

const undoSchema = z.object({
  outcome: z.enum(['undone', 'started', 'nothing', 'too_late', 'busy']),
  planChangeId: z.string().nullable(),
  ...beginningColumns
})

/**
 * beginPlanChangeUndo takes back a scheduled change; `started`: the processor knows of it, perform the operation. `too_late`:
 * it was told, and does not take it back.
 */
export function beginPlanChangeUndo(db: Database, args: { accountId: string }): Promise<z.output<typeof undoSchema>> {
  return callForOne(db, 'begin_plan_change_undo', args, undoSchema)
}
