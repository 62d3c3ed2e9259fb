import { z } from 'zod'
import { callForOne } from '../call.ts'
import type { Database } from '../database.ts'

const versionSchema = z.object({ version: z.string().nullable() })

/** schemaVersion answers the newest applied migration's version (yyyymmddhhmmss), null where none was recorded. */
export async function schemaVersion(db: Database): Promise<string | null> {
  return (await callForOne(db, 'schema_version', {}, versionSchema)).version
}
