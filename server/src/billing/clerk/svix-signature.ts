import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Verification } from '../processor.ts'

const TOLERANCE_SECONDS = 300
const LONGEST_HEADER = 4096
const ID = /^[\x21-\x7e]{1,255}$/
const TIMESTAMP = /^[1-9][0-9]{0,11}$/
const SIGNATURE = /^v1,([A-Za-z0-9+/]{43}=)$/

/**
 * verifySvix checks a Svix signature (docs.svix.com/receiving/verifying-payloads/how-manual): base64 HMAC-SHA256 of
 * `<svix-id>.<svix-timestamp>.<body>`, several `v1,…` in one header apart by spaces. Every secret against every signature
 * in constant time, and the age on both sides of now. Never throws on anything a sender controls; no reason repeats it.
 */
export function verifySvix(
  delivery: { rawBody: Buffer; headers: IncomingHttpHeaders; nowMs: number },
  webhookSecrets: readonly string[]
): Verification {
  const keys = webhookSecrets.map(keyOf).filter((key) => key.length > 0)
  if (keys.length === 0) return invalid('no webhook secret configured')
  const id = headerOf(delivery.headers, 'svix-id', ID)
  if (id.fault !== null) return invalid(id.fault)
  const timestamp = headerOf(delivery.headers, 'svix-timestamp', TIMESTAMP)
  if (timestamp.fault !== null) return invalid(timestamp.fault)
  const header = headerOf(delivery.headers, 'svix-signature', /^/)
  if (header.fault !== null) return invalid(header.fault)

  // Versions other than v1 are passed over: they are asymmetric or not known yet.
  const signatures = header.value.split(' ').flatMap((part) => SIGNATURE.exec(part)?.[1] ?? [])
  if (signatures.length === 0) return invalid('the svix-signature header has no usable v1 signature')
  let found = false
  for (const key of keys) {
    const expected = digest(key, id.value, timestamp.value, delivery.rawBody)
    // No early return: the time taken must not tell which secret or signature was the right one.
    for (const signature of signatures) found = timingSafeEqual(expected, Buffer.from(signature, 'base64')) || found
  }
  if (!found) return invalid('no signature matches a configured secret')

  const ageSeconds = Math.floor(delivery.nowMs / 1000) - Number(timestamp.value)
  if (ageSeconds > TOLERANCE_SECONDS) {
    return invalid(`the timestamp is ${ageSeconds} s old, more than the ${TOLERANCE_SECONDS} s allowed`)
  }
  if (-ageSeconds > TOLERANCE_SECONDS) {
    return invalid(`the timestamp is ${-ageSeconds} s in the future, more than the ${TOLERANCE_SECONDS} s allowed`)
  }
  return { valid: true }
}

/** signSvix writes the `svix-signature` header of a delivery. */
export function signSvix(secret: string, delivery: { id: string; timestamp: number; body: string | Buffer }): string {
  return `v1,${digest(keyOf(secret), delivery.id, String(delivery.timestamp), delivery.body).toString('base64')}`
}

// What follows the prefix is base64. Node reads it leniently, as Svix's own library does there: a secret that is no base64
// is still a key, the same one on both sides.
function keyOf(secret: string): Buffer {
  return Buffer.from(secret.trim().replace(/^whsec_/, ''), 'base64')
}

function digest(key: Buffer, id: string, timestamp: string, body: string | Buffer): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
}

function headerOf(headers: IncomingHttpHeaders, name: string, shape: RegExp): { value: string; fault: string | null } {
  const value = headers[name]
  const fault = (reason: string) => ({ value: '', fault: `the ${name} header ${reason}` })
  if (value === undefined || value === '') return fault('is missing')
  if (typeof value !== 'string') return fault('came more than once')
  if (value.length > LONGEST_HEADER) return fault(`is longer than ${LONGEST_HEADER} characters`)
  return shape.test(value) ? { value, fault: null } : fault('is malformed')
}

function invalid(reason: string): Verification {
  return { valid: false, reason }
}
