import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Verification } from './processor.ts'

/**
 * SignatureScheme says how a processor writes its timestamped HMAC-SHA256 header: `t=1,v1=ab` and `1.body` for Stripe,
 * `ts=1;h1=ab` and `1:body` for Paddle. `header` is lower-case, as Node gives header names.
 */
export type SignatureScheme = {
  header: string
  separator: ',' | ';'
  timestampKey: string
  signatureKey: string
  joiner: '.' | ':'
}

/** SignedDelivery is what arrived: the bytes as they came, and the server's own time in milliseconds. */
export type SignedDelivery = { rawBody: Buffer; headers: IncomingHttpHeaders; nowMs: number }

type ParsedHeader = { timestamp: number; signatures: Buffer[] }

/** Some sixty signatures; no processor sends more than a handful, even while secrets are rolled. */
const LONGEST_HEADER = 4096
const TIMESTAMP = /^[1-9][0-9]{0,11}$/
const SIGNATURE = /^[0-9a-f]{64}$/

/** sign computes the signature of `rawBody` at `timestamp` (Unix seconds) as 64 lower-case hex digits. */
export function sign(scheme: SignatureScheme, secret: string, timestamp: number, rawBody: Buffer | string): string {
  return digest(scheme, secret, timestamp, rawBody).toString('hex')
}

/**
 * verifySignature checks every secret against every signature of the header in constant time, and that the timestamp
 * lies within `toleranceSeconds` of now on *both* sides: the processors' own SDKs let a timestamp from the future pass.
 * It never throws on anything a sender controls, and no reason repeats what was sent.
 */
export function verifySignature(
  scheme: SignatureScheme,
  delivery: SignedDelivery,
  webhookSecrets: readonly string[],
  toleranceSeconds: number
): Verification {
  // An empty key is a valid HMAC key that everybody knows.
  const secrets = webhookSecrets.filter((secret) => secret.trim() !== '')
  if (secrets.length === 0) return invalid('no webhook secret configured')

  const parsed = parseHeader(scheme, delivery.headers[scheme.header])
  if (typeof parsed === 'string') return invalid(parsed)
  if (!matches(scheme, secrets, parsed, delivery.rawBody)) return invalid('no signature matches a configured secret')

  const ageSeconds = Math.floor(delivery.nowMs / 1000) - parsed.timestamp
  if (ageSeconds > toleranceSeconds) {
    return invalid(`the timestamp is ${ageSeconds} s old, more than the ${toleranceSeconds} s allowed`)
  }
  if (-ageSeconds > toleranceSeconds) {
    return invalid(`the timestamp is ${-ageSeconds} s in the future, more than the ${toleranceSeconds} s allowed`)
  }
  return { valid: true }
}

/**
 * verifyBodySignature checks a header that holds nothing but the HMAC-SHA256 of the raw body in hex (Razorpay): every
 * secret, in constant time. No timestamp is signed, so that age cannot be checked: a captured delivery verifies for ever,
 * and only the inbox, which never forgets a body, keeps it from counting twice.
 */
export function verifyBodySignature(header: string, delivery: SignedDelivery, webhookSecrets: readonly string[]): Verification {
  const secrets = webhookSecrets.filter((secret) => secret.trim() !== '')
  if (secrets.length === 0) return invalid('no webhook secret configured')

  const value = delivery.headers[header]
  if (value === undefined || value === '') return invalid(`the ${header} header is missing`)
  if (typeof value !== 'string') return invalid(`the ${header} header came more than once`)
  if (!SIGNATURE.test(value)) return invalid(`the ${header} header is no signature of 64 hex digits`)
  const signature = Buffer.from(value, 'hex')
  let found = false
  for (const secret of secrets) found = timingSafeEqual(bodyDigest(secret, delivery.rawBody), signature) || found
  return found ? { valid: true } : invalid('no signature matches a configured secret')
}

/** signBody computes what {@link verifyBodySignature} checks, as 64 lower-case hex digits. */
export function signBody(secret: string, rawBody: Buffer | string): string {
  return bodyDigest(secret, rawBody).toString('hex')
}

function bodyDigest(secret: string, rawBody: Buffer | string): Buffer {
  return createHmac('sha256', secret).update(rawBody).digest()
}

function matches(scheme: SignatureScheme, secrets: string[], header: ParsedHeader, rawBody: Buffer): boolean {
  let found = false
  for (const secret of secrets) {
    const expected = digest(scheme, secret, header.timestamp, rawBody)
    // No early return: the time taken must not tell which secret or signature was the right one.
    for (const signature of header.signatures) found = timingSafeEqual(expected, signature) || found
  }
  return found
}

function digest(scheme: SignatureScheme, secret: string, timestamp: number, rawBody: Buffer | string): Buffer {
  return createHmac('sha256', secret).update(`${timestamp}${scheme.joiner}`).update(rawBody).digest()
}

/** parseHeader reads the header strictly, or says what is wrong with it. Unknown keys (Stripe's `v0`) are passed over. */
function parseHeader(scheme: SignatureScheme, value: string | string[] | undefined): ParsedHeader | string {
  const name = scheme.header
  if (value === undefined || value === '') return `the ${name} header is missing`
  if (typeof value !== 'string') return `the ${name} header came more than once`
  if (value.length > LONGEST_HEADER) return `the ${name} header is longer than ${LONGEST_HEADER} characters`

  let timestamp: number | null = null
  const signatures: Buffer[] = []
  for (const part of value.split(scheme.separator)) {
    const equals = part.indexOf('=')
    const key = part.slice(0, equals).trim()
    const content = part.slice(equals + 1).trim()
    // A comma or a space inside a value: two headers that Node or a proxy has joined into one.
    if (equals < 1 || /[\s,]/.test(content)) return `the ${name} header is malformed`
    if (key === scheme.timestampKey) {
      if (timestamp !== null) return `the ${name} header has more than one timestamp`
      if (!TIMESTAMP.test(content)) return `the ${name} header has a timestamp that is no number of seconds`
      timestamp = Number(content)
    } else if (key === scheme.signatureKey && SIGNATURE.test(content)) {
      signatures.push(Buffer.from(content, 'hex'))
    }
  }
  if (timestamp === null) return `the ${name} header has no timestamp`
  if (signatures.length === 0) return `the ${name} header has no usable ${scheme.signatureKey} signature`
  return { timestamp, signatures }
}

function invalid(reason: string): Verification {
  return { valid: false, reason }
}
