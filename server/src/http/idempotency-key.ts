import type { Request } from 'express'
import { Problem } from '../errors.ts'

/**
 * idempotencyKeyOf reads the `Idempotency-Key` header, null when there is none. The IETF draft writes the value as a quoted
 * string, most clients write it bare; both mean the same key. Throws `invalid_request` unless it has 1 to 255 printable
 * ASCII characters.
 */
export function idempotencyKeyOf(req: Request): string | null {
  const header = req.get('idempotency-key')
  if (header === undefined) return null
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)
  const key = quoted?.[1]?.replace(/\\(["\\])/g, '$1') ?? header
  if (/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)) return key
  throw new Problem('invalid_request', 'The Idempotency-Key header needs 1 to 255 printable ASCII characters.', {
    errors: [{ field: 'Idempotency-Key', problem: 'needs 1 to 255 printable ASCII characters' }]
  })
}
