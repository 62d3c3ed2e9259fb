import type { Request, Response } from 'express'
import { z } from 'zod'
import { Refusal } from '../errors.ts'
import type { Shop } from '../shop.ts'

/** Context is what routes and pages need. `catchUp` lets what is due happen; `during` does too, and then does one change. */
export type Context = { shop: Shop; during: <Result>(change: () => Result) => Result; catchUp: () => void }

/** answer sends an entity, or what else the API answers with. */
export function answer(shop: Shop, res: Response, data: unknown, status = 200): void {
  res.status(status).json({ data, meta: { request_id: shop.uuid() } })
}

/** parsed reads a body or a query. @throws {Refusal} that names every field which is not as it should be. */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const fields = result.error.issues.map((issue) => ({ field: issue.path.join('.') || 'body', message: issue.message }))
  throw new Refusal(400, 'shared', 'invalid_field', 'Request does not pass validation.', fields)
}

/** idOf is the id in a request's path. */
export function idOf(req: Request): string {
  return z.string().parse(req.params['id'])
}

/** namesIn reads a query parameter that is a list with commas, such as `include` or `status`. */
export function namesIn(req: Request, parameter: string): string[] {
  const value = req.query[parameter]
  return typeof value === 'string' && value !== '' ? value.split(',') : []
}

const paging = z.object({
  after: z.string().optional(),
  per_page: z.coerce.number().int().min(1).default(50),
  order_by: z.string().optional()
})

/**
 * answerPage sends one page of entities that are in the order in which they were made; `order_by=id[DESC]` turns it. A page
 * begins after the entity `after`, which may be gone: ids sort by time.
 */
export function answerPage<Entity>(
  shop: Shop,
  req: Request,
  res: Response,
  entities: Entity[],
  idOfEntity: (entity: Entity) => string
): void {
  const { after, per_page, order_by } = parsed(paging, req.query)
  const descending = order_by?.toUpperCase().endsWith('[DESC]') ?? false
  const ordered = descending ? entities.toReversed() : entities
  const known = after === undefined ? -1 : ordered.findIndex((entity) => idOfEntity(entity) === after)
  const beyond = (id: string) => (descending ? id < String(after) : id > String(after))
  const start = after === undefined || known >= 0 ? known + 1 : ordered.findIndex((entity) => beyond(idOfEntity(entity)))
  const size = Math.min(per_page, 200)
  const page = start < 0 ? [] : ordered.slice(start, start + size)
  const last = page.at(-1)
  const query = new URL(req.originalUrl, shop.origin).searchParams
  query.set('after', last === undefined ? (after ?? '') : idOfEntity(last))
  res.json({
    data: page,
    meta: {
      request_id: shop.uuid(),
      pagination: {
        per_page: size,
        // The address under which it was asked: the SDK appends what does not begin with its own.
        next: `${req.protocol}://${req.get('host') ?? ''}${req.baseUrl}${req.path}?${query.toString()}`,
        has_more: start >= 0 && start + size < ordered.length,
        estimated_total: ordered.length
      }
    }
  })
}

const COMPARISONS: Record<string, (difference: number) => boolean> = {
  '': (difference) => difference === 0,
  '[LT]': (difference) => difference < 0,
  '[LTE]': (difference) => difference <= 0,
  '[GT]': (difference) => difference > 0,
  '[GTE]': (difference) => difference >= 0
}

/** since keeps the entities whose times are as a query such as `updated_at[GTE]=…` asks. */
export function since<Entity extends Record<Name, string | null>, Name extends string>(
  req: Request,
  entities: Entity[],
  names: Name[]
): Entity[] {
  const query = new URL(req.originalUrl, 'http://twin').searchParams
  const tests = names.flatMap((name) =>
    Object.entries(COMPARISONS).flatMap(([operator, holds]) => {
      const wanted = query.get(name + operator)
      return wanted === null ? [] : [(entity: Entity) => holds(Date.parse(entity[name] ?? '') - Date.parse(wanted))]
    })
  )
  return entities.filter((entity) => tests.every((passes) => passes(entity)))
}

/** matching keeps the entities whose field is among those a query parameter names; all where it names none. */
export function matching<Entity>(
  req: Request,
  entities: Entity[],
  fields: Record<string, (entity: Entity) => string | null>
): Entity[] {
  return Object.entries(fields).reduce((rest, [parameter, read]) => {
    const wanted = namesIn(req, parameter)
    return wanted.length === 0 ? rest : rest.filter((entity) => wanted.includes(read(entity) ?? ''))
  }, entities)
}
