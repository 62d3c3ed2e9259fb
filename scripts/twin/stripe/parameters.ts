import { z } from 'zod'
import { Fault, invalid } from './fault.ts'
import { find } from './shop.ts'
import type { Json, JsonObject } from './shop.ts'
import type { Form } from './form.ts'
import { renderList } from './render-catalog.ts'

/** integer, flag, stamp and words are the kinds of values that form encoding carries as text. */
export const integer = z
  .string()
  .regex(/^-?[0-9]{1,12}$/)
  .transform(Number)
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
export const words = z.string().max(5000)
/** metadata: an empty text for a name takes the name away; an empty text for all takes them all. */
export const metadata = z.union([z.literal('').transform((): Record<string, string> => ({})), z.record(z.string(), z.string())])
/** anything is a parameter that Stripe knows and that makes no difference at the twin. */
export const anything = z.json().optional()
/** emptyable is a text that an empty one takes away. */
export const emptyable = z.string().transform((value) => (value === '' ? null : value))

const range = z.strictObject({ gt: integer, gte: integer, lt: integer, lte: integer }).partial()

/** LISTING are the parameters that every list takes. */
export const LISTING = {
  limit: integer.optional(),
  starting_after: words.optional(),
  ending_before: words.optional(),
  created: z.union([integer, range]).optional(),
  expand: anything
}

/** parameters checks what came against what Stripe takes, and refuses in Stripe's words; unknown names are refused too. */
export function parameters<Shape extends z.ZodRawShape>(shape: Shape, form: Form): z.output<z.ZodObject<Shape>> {
  const parsed = z.strictObject({ expand: anything, ...shape }).safeParse(form)
  if (parsed.success) return z.object(shape).parse(form)
  throw faultOf(parsed.error)
}

function faultOf(error: z.ZodError): Fault {
  const issue = error.issues[0]
  const path = issue?.path.map(String) ?? []
  const name = (names: string[]): string => names.map((one, place) => (place === 0 ? one : `[${one}]`)).join('')
  const fault = (message: string, code: string, param: string): Fault =>
    new Fault(400, { type: 'invalid_request_error', code, message, param }, true)
  if (issue?.code === 'unrecognized_keys') {
    const unknown = name([...path, issue.keys[0] ?? ''])
    return fault(`Received unknown parameter: ${unknown}`, 'parameter_unknown', unknown)
  }
  if (issue?.code === 'invalid_type' && issue.input === undefined) {
    return fault(`Missing required param: ${name(path)}.`, 'parameter_missing', name(path))
  }
  return fault(`Invalid value for ${name(path)}.`, 'parameter_invalid', name(path))
}

/** merged is metadata after an update: what is sent is set, an empty text takes a name away, the rest stays. */
export function merged(before: Record<string, string>, sent: Record<string, string> | undefined): Record<string, string> {
  if (sent === undefined) return before
  if (Object.keys(sent).length === 0) return {}
  return Object.fromEntries(Object.entries({ ...before, ...sent }).filter(([, value]) => value !== ''))
}

/** Listing is what a list was asked for. */
export type Listing = {
  limit?: number | undefined
  starting_after?: string | undefined
  ending_before?: string | undefined
  created?:
    number | { gt?: number | undefined; gte?: number | undefined; lt?: number | undefined; lte?: number | undefined } | undefined
}

/** page answers one page of `records` (in the order they were made), newest first, as Stripe lists everything. */
export function page<Kept extends { id: string; created: number }>(
  url: string,
  what: string,
  records: Kept[],
  asked: Listing,
  render: (record: Kept) => Json
): JsonObject {
  const limit = asked.limit ?? 10
  if (limit < 1 || limit > 100) throw invalid('This value must be between 1 and 100.', 'limit', 'parameter_invalid_integer')
  const newest = records.toReversed().filter(({ created }) => inRange(created, asked.created))
  const at = (id: string, param: string): number => {
    const place = newest.findIndex((record) => record.id === id)
    if (place < 0) find({}, what, id, param)
    return place
  }
  if (asked.ending_before !== undefined) {
    const until = at(asked.ending_before, 'ending_before')
    const from = Math.max(0, until - limit)
    return renderList(url, newest.slice(from, until).map(render), from > 0)
  }
  const from = asked.starting_after === undefined ? 0 : at(asked.starting_after, 'starting_after') + 1
  return renderList(url, newest.slice(from, from + limit).map(render), newest.length > from + limit)
}

function inRange(created: number, wanted: Listing['created']): boolean {
  if (wanted === undefined) return true
  if (typeof wanted === 'number') return created === wanted
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = wanted
  return created > gt && created >= gte && created < lt && created <= lte
}
