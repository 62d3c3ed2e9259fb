import { z } from 'zod'

/** pageSchema is the query of every list: `limit` 1 to 100 (50 when left out) and the opaque `cursor` of the page before. */
export const pageSchema = z.strictObject({
  limit: z
    .string()
    .regex(/^(100|[1-9][0-9]?)$/, 'is a number from 1 to 100')
    .optional()
    .meta({ description: 'How many at most, 1 to 100; 50 when left out.', example: '50' }),
  cursor: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .meta({ description: '`nextCursor` of the page before. Opaque: do not build it yourself.' })
})

/** pageOf is the answer of every list: the rows and the cursor of the next page, null on the last one. */
export function pageOf<Schema extends z.ZodType>(row: Schema) {
  return z.object({
    data: z.array(row),
    nextCursor: z.string().nullable().meta({ description: 'Send it as `cursor` to read on; null on the last page.' })
  })
}
