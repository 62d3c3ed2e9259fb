import { randomBytes, sign } from 'node:crypto'
import { LOCAL_CLERK_ISSUER } from '../config-production.ts'

/**
 * SessionClaims: who is signed in, in which organization, for the web page at which origin (`authorizedParty`), and whether
 * they operate the service.
 */
export type SessionClaims = {
  userId: string
  organization: { id: string; role: string } | null
  operator: boolean
  authorizedParty: string
  expiresInSeconds: number
}

/** LOCAL_KEY_ID names the local key in the tokens it signs. */
export const LOCAL_KEY_ID = 'ins_local'

/**
 * signSessionToken makes a Clerk session token, version 2 (https://clerk.com/docs/backend-requests/resources/session-tokens):
 * the active organization is the claim `o`, with its role without the prefix `org:`; `metadata` is what an application of
 * Clerk's puts there from the user's public metadata. Signed RS256 with the local key (PEM).
 */
export function signSessionToken(privateKey: string, claims: SessionClaims): string {
  const { userId, organization } = claims
  const now = Math.floor(Date.now() / 1000)
  // An expired token was issued before it expired.
  const issuedAt = Math.min(now, now + claims.expiresInSeconds - 60) - 5
  const payload = {
    azp: claims.authorizedParty,
    iss: LOCAL_CLERK_ISSUER,
    sub: userId,
    sid: `sess_${randomBytes(12).toString('hex')}`,
    sts: 'active',
    v: 2,
    fva: [0, -1],
    iat: issuedAt,
    nbf: issuedAt,
    exp: now + claims.expiresInSeconds,
    ...(organization === null ? {} : { o: { id: organization.id, rol: organization.role, slg: slugOf(organization.id) } }),
    ...(claims.operator ? { metadata: { role: 'operator' } } : {})
  }
  const signed = [{ alg: 'RS256', kid: LOCAL_KEY_ID, typ: 'JWT' }, payload].map(encode).join('.')
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function slugOf(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}
