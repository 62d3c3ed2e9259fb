import type { Request } from 'express'
import type { z } from 'zod'
import type { FieldError } from '../contract/problem.ts'
import { Problem } from '../errors.ts'

const MOST_ERRORS = 50

/**
 * parseBody parses a JSON body. Throws a {@link Problem}: `unsupported_media_type` when the body is something else than
 * JSON, `invalid_request` with one entry in `errors` per faulty field. Give it a strict schema, so that a misspelt field
 * is told rather than dropped.
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, req: Request): z.output<Schema> {
  if (req.body === undefined && hasBody(req)) {
    throw new Problem('unsupported_media_type', 'Send the body as JSON, with Content-Type: application/json.')
  }
  if (req.body === undefined) {
    throw new Problem('invalid_request', 'A JSON body is required.', { errors: [{ field: '', problem: 'is required' }] })
  }
  return parse(schema, req.body, 'The body')
}

/** parseParams parses the parameters in the path; throws the {@link Problem} `invalid_request`. */
export function parseParams<Schema extends z.ZodType>(schema: Schema, req: Request): z.output<Schema> {
  return parse(schema, req.params, 'The path')
}

/** parseQuery parses the query string, whose values are strings; throws the {@link Problem} `invalid_request`. */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, req: Request): z.output<Schema> {
  return parse(schema, req.query, 'The query')
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  // Enough to mend a request by; a hostile one has hundreds of thousands.
  const errors = parsed.error.issues.flatMap(toFieldErrors).slice(0, MOST_ERRORS)
  const sentences = errors.slice(0, 5).map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`))
  throw new Problem('invalid_request', `${what} is not valid. ${sentences.join('; ')}.`, { errors })
}

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...issue.path, key].join('.').slice(0, 200), problem: 'is not a known field' }))
  }
  return [{ field: issue.path.join('.'), problem: issue.message }]
}
