import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'

const nextSchema = z.object({ at: timestamp.nullable() })

/** nextChangeAt tells when Parley next has something to do by itself; null = nothing is waiting. */
export async function nextChangeAt(db: Database): Promise<string | null> {
  return (await callForOne(db, 'next_change_at', {}, nextSchema)).at
}
