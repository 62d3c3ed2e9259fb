import express, { type RequestHandler } from 'express'
import { z } from 'zod'
import { Problem } from '../errors.ts'

/** JSON_LIMIT_BYTES is the largest JSON body; larger texts are uploaded as files. */
export const JSON_LIMIT_BYTES = 100 * 1024
const MAX_DEPTH = 20

/** jsonBody parses JSON bodies into `req.body`, which stays undefined for any other media type. */
export function jsonBody(): RequestHandler[] {
  return [express.json({ limit: JSON_LIMIT_BYTES, strict: true }), refuseHostileJson]
}

/**
 * refuseHostileJson refuses what parses but breaks things further on: nesting deeper than 20, and text Postgres cannot
 * hold (the NUL character, halves of surrogate pairs).
 */
const refuseHostileJson: RequestHandler = (req, _res, next) => {
  const open: { value: unknown; path: string; depth: number }[] = [{ value: req.body, path: '', depth: 1 }]
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { value, path, depth } = entry
    if (typeof value === 'string') refuseText(value, path)
    if (typeof value !== 'object' || value === null) continue
    if (depth > MAX_DEPTH) throw new Problem('invalid_request', `The body is nested more than ${MAX_DEPTH} levels deep.`)
    for (const [name, member] of Object.entries(value)) {
      refuseText(name, path)
      open.push({ value: member, path: path === '' ? name : `${path}.${name}`, depth: depth + 1 })
    }
  }
  next()
}

function refuseText(text: string, field: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  const problem = 'has a character that cannot be stored (NUL or half a surrogate pair)'
  throw new Problem('invalid_request', `The body is not valid. ${field}: ${problem}.`, { errors: [{ field, problem }] })
}

const bodyErrorSchema = z.object({ type: z.string(), message: z.string(), limit: z.number().optional() })

/** toBodyProblem translates the errors of express's body parsers and of URLs it cannot decode, null for all others. */
export function toBodyProblem(error: unknown): Problem | null {
  if (error instanceof URIError) return new Problem('invalid_request', 'The path is not validly percent-encoded.')
  const parsed = bodyErrorSchema.safeParse(error)
  if (!parsed.success || !(error instanceof Error)) return isUnpackingError(error) ? notUnpacked() : null
  const { type, message, limit } = parsed.data
  switch (type) {
    case 'entity.too.large':
      return new Problem('payload_too_large', `The body is larger than the ${(limit ?? 0).toLocaleString('en-US')} bytes allowed here.`)
    case 'entity.parse.failed':
      return new Problem('malformed_json', `The body is not valid JSON${positionIn(message)}.`)
    case 'encoding.unsupported':
      return new Problem('unsupported_media_type', 'The body has a Content-Encoding that is not read here. Send it as it is.')
    case 'charset.unsupported':
      return new Problem('unsupported_media_type', 'The body has a charset that is not read here. Send UTF-8.')
    case 'request.size.invalid':
    case 'request.aborted':
    case 'entity.verify.failed':
      return new Problem('invalid_request', 'The body did not arrive whole.')
    default:
      return null
  }
}

const unpackingErrorSchema = z.object({ status: z.literal(400), expose: z.literal(true), errno: z.number() })

/** isUnpackingError: what zlib throws on a broken body, which body-parser marks as the caller's fault without a type. */
function isUnpackingError(error: unknown): boolean {
  return error instanceof Error && unpackingErrorSchema.safeParse(error).success
}

function notUnpacked(): Problem {
  return new Problem('invalid_request', 'The body is not what its Content-Encoding says.')
}

/** positionIn takes only the number out of the parser's message, which quotes the body. */
function positionIn(message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1]
  if (position !== undefined) return `, at position ${position}`
  return /unexpected end/i.test(message) ? ': it ends too early' : ''
}
