import { z } from 'zod'
import { Problem } from '../errors.ts'

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
      return malformedJson(message)
    case 'encoding.unsupported':
      return new Problem('unsupported_media_type', 'The body has a Content-Encoding that is not read here. Send it as it is.')
    case 'charset.unsupported':
      return new Problem('unsupported_media_type', 'The body has a charset that is not read here. Send UTF-8.')
    case 'request.size.invalid':
    case 'request.aborted':
    case 'entity.verify.failed':
      return notWhole()
    default:
      return null
  }
}

/** malformedJson is the problem for what JSON.parse refused with `message`, of which it takes only the place: the rest quotes the body. */
export function malformedJson(message: string): Problem {
  return new Problem('malformed_json', `The body is not valid JSON${positionIn(message)}.`)
}

/** notWhole is the problem for a body whose connection ended before it. */
export function notWhole(): Problem {
  return new Problem('invalid_request', 'The body did not arrive whole.')
}

const unpackingErrorSchema = z.object({ status: z.literal(400), expose: z.literal(true), errno: z.number() })

/** isUnpackingError: what zlib throws on a broken body, which body-parser marks as the caller's fault without a type. */
function isUnpackingError(error: unknown): boolean {
  return error instanceof Error && unpackingErrorSchema.safeParse(error).success
}

function notUnpacked(): Problem {
  return new Problem('invalid_request', 'The body is not what its Content-Encoding says.')
}

function positionIn(message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1]
  if (position !== undefined) return `, at position ${position}`
  return /unexpected end/i.test(message) ? ': it ends too early' : ''
}
