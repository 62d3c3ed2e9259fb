import { z } from 'zod'
import { localSessionSchema, type NewLocalSession, newLocalSessionSchema } from '../../../../server/src/contract/local-session.ts'
import { readProblem, Unreachable } from '../../lib/api.ts'

const STORAGE_KEY = 'parley.identity'
const RENEW_BEFORE_MS = 60_000

/** Identity is who somebody chose to be, where the sign-in is local. */
export type Identity = NewLocalSession

/** readIdentity returns who this browser signed in as last; null where nobody is, or what is kept is unreadable. */
export function readIdentity(): Identity | null {
  const parsed = z.string().transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue('is no JSON')
      return z.NEVER
    }
  }).pipe(newLocalSessionSchema).safeParse(localStorage.getItem(STORAGE_KEY))
  return parsed.success ? parsed.data : null
}

/** keepIdentity keeps who is signed in for the next visit; null signs out. */
export function keepIdentity(identity: Identity | null): void {
  if (identity === null) localStorage.removeItem(STORAGE_KEY)
  else localStorage.setItem(STORAGE_KEY, JSON.stringify(identity))
}

/** signIn asks for a session token. Throws {@link ApiProblem} or {@link Unreachable}. */
export async function signIn(identity: Identity): Promise<{ token: string; expiresAtMs: number }> {
  let response: Response
  try {
    response = await fetch('/sandbox/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(identity)
    })
  } catch (error) {
    throw new Unreachable(error)
  }
  if (!response.ok) throw await readProblem(response)
  const { token, expiresAt } = localSessionSchema.parse(await response.json())
  return { token, expiresAtMs: Date.parse(expiresAt) }
}

/** createTokenSource keeps a token until shortly before it expires; callers at the same time share one request. */
export function createTokenSource(identity: Identity): () => Promise<string> {
  let asked: ReturnType<typeof signIn> | null = null
  let renewAtMs = Infinity
  return async () => {
    if (asked === null || renewAtMs < Date.now()) {
      renewAtMs = Infinity
      asked = signIn(identity)
      asked.then(
        ({ expiresAtMs }) => {
          renewAtMs = expiresAtMs - RENEW_BEFORE_MS
        },
        () => {
          asked = null
        }
      )
    }
    return (await asked).token
  }
}
