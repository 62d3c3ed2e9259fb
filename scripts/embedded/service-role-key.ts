import { createHmac } from 'node:crypto'

const TEN_YEARS_SECONDS = 10 * 365 * 24 * 3600

/** serviceRoleKey signs the key that lets the server act as `service_role`: an HS256 JWT, as Supabase's service key is. */
export function serviceRoleKey(jwtSecret: string): string {
  const issuedAt = Math.floor(Date.now() / 1000)
  const claims = { iss: 'parley-embedded', role: 'service_role', iat: issuedAt, exp: issuedAt + TEN_YEARS_SECONDS }
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${createHmac('sha256', jwtSecret).update(signed).digest('base64url')}`
}
