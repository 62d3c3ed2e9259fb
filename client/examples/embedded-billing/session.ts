const RENEW_BEFORE_MS = 60_000

/** localTokens returns a source of session tokens of Parley's local sign-in for one user; with Clerk it is Clerk's `getToken`. */
export function localTokens(userId: string): () => Promise<string> {
  let current: { token: string; expiresAt: string } | null = null
  return async () => {
    if (current === null || Date.parse(current.expiresAt) - RENEW_BEFORE_MS < Date.now()) current = await signIn(userId)
    return current.token
  }
}

async function signIn(userId: string): Promise<{ token: string; expiresAt: string }> {
  const response = await fetch('/sandbox/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ userId })
  })
  const body: unknown = await response.json().catch(() => null)
  if (isSession(body)) return body
  throw new Error(`Parley's local sign-in answered ${response.status}. Does CLERK_AUTHORIZED_PARTIES list ${location.origin}?`)
}

function isSession(body: unknown): body is { token: string; expiresAt: string } {
  return (
    typeof body === 'object' && body !== null && 'token' in body && typeof body.token === 'string' &&
    'expiresAt' in body && typeof body.expiresAt === 'string'
  )
}
