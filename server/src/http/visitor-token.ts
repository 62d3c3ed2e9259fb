import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Request } from 'express'

const TOKEN_BYTES = 32

/** newVisitorToken is a token for a visit of somebody unknown, 43 characters. */
export function newVisitorToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/**
 * tokenOfIdentity is the token of a visit with an identity: the same in every browser of that person, and another one once
 * the secret is replaced. It is no signature of an id: those are SHA-256, so that no id can be chosen whose signature is one.
 */
export function tokenOfIdentity(identitySecret: string, userId: string): string {
  return createHmac('sha512', identitySecret).update(userId).digest().subarray(0, TOKEN_BYTES).toString('base64url')
}

/** visitorTokenOf reads the token a visitor came with, null when there is none. */
export function visitorTokenOf(req: Request): string | null {
  return /^Bearer +([\w-]{43})$/i.exec(req.get('authorization') ?? '')?.[1] ?? null
}

/** digestOf is what the database keeps of a token: its SHA-256 in hex. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** isSigned checks in constant time that `signature` (64 hex digits) is the site's HMAC-SHA256 of its user's id. */
export function isSigned(identitySecret: string, userId: string, signature: string): boolean {
  const expected = createHmac('sha256', identitySecret).update(userId).digest()
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
