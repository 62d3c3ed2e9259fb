import type { Request } from 'express'
import { z } from 'zod'
import { pageSchema } from '../contract/page.ts'
import { Problem } from '../errors.ts'
import { parseQuery } from './validate.ts'

const DEFAULT_LIMIT = 50
// The most rows a function of the database answers at once.
const MAX_ROWS = 100

/** encodeCursor hides the place of a page's last row, so that its shape may change without breaking callers. */
export function encodeCursor(place: Record<string, string | number>): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** decodeCursor reads what {@link encodeCursor} wrote; throws `invalid_request` for anything else. */
export function decodeCursor<Schema extends z.ZodType>(cursor: string, placeSchema: Schema): z.output<Schema> {
  const parsed = placeSchema.safeParse(readJson(cursor))
  if (parsed.success) return parsed.data
  throw new Problem('invalid_request', 'The cursor is not one of this list. Start again without it.', {
    errors: [{ field: 'cursor', problem: 'is not one of this list' }]
  })
}

/** timePlaceSchema is the place in a list that is ordered by a time and an id. */
export const timePlaceSchema = z.strictObject({
  // Postgres has neither a year 0 nor offsets of 16 hours, reads no time of any length, and writes at most microseconds.
  time: z.iso.datetime({ offset: true }).regex(/^(?!0000)[^.]*(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-5]):\d\d)$/),
  id: z.guid()
})

/** textPlaceSchema is a text in the place of a list, such as an id that a processor chose: any that Postgres can hold. */
export const textPlaceSchema = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'))

/** readPage parses `?limit&cursor`. `place` is null on the first page; ask the database for `rowLimit` rows. */
export function readPage<Schema extends z.ZodType>(req: Request, placeSchema: Schema): PageRequest<z.output<Schema>> {
  return toPageRequest(parseQuery(pageSchema, req), placeSchema)
}

/** PageRequest is the page that is asked for: `place` is where the one before ended. */
export type PageRequest<Place> = { limit: number; rowLimit: number; place: Place | null }

/** toPageRequest is {@link readPage} for a list that has filters beside `limit` and `cursor` in its query. */
export function toPageRequest<Schema extends z.ZodType>(
  query: z.output<typeof pageSchema>,
  placeSchema: Schema
): PageRequest<z.output<Schema>> {
  const limit = query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit)
  return {
    limit,
    rowLimit: Math.min(limit + 1, MAX_ROWS),
    place: query.cursor === undefined ? null : decodeCursor(query.cursor, placeSchema)
  }
}

/**
 * toPage makes the answer. One row more than `limit` tells that another page follows; where the database could not give
 * one more, a full page tells it, and the next one may be empty.
 */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
  placeOf: (row: Row) => Record<string, string | number>
): { data: Item[]; nextCursor: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const goesOn = rows.length > limit || rows.length === MAX_ROWS
  return {
    data: page.map(toItem),
    nextCursor: goesOn && last !== undefined ? encodeCursor(placeOf(last)) : null
  }
}

function readJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return null
  }
}
