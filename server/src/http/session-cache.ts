import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Session } from './session.ts'

/** SessionCacheOptions: `capacity` is the greatest number of tokens kept; `nowMs` the clock, which must be the one Clerk's check reads. */
export type SessionCacheOptions = { capacity?: number; nowMs?: () => number }

type Entry = { session: Session; fromMs: number; untilMs: number }

const CAPACITY = 10_000
// A Clerk token lives this long. One that lives longer is verified again each minute, so that a key which was taken out of
// use ends the sessions it signed here as soon as there.
const LONGEST_MS = 60_000
// Every text of a session: 10,000 of them must stay small whatever a token holds.
const LONGEST_TEXT = 255

const timesSchema = z.object({ exp: z.number(), nbf: z.number().optional(), iat: z.number().optional() })

/**
 * SessionCache keeps what Clerk's check made of tokens it has accepted, so that the same token is not verified for every
 * request. It holds hashes (SHA-256), never tokens, and nothing that depends on a request rather than on its token.
 *
 * It is stricter than Clerk, never laxer: an entry serves from the latest of `nbf`, `iat` and its verification until `exp`, without
 * the 5 s that Clerk allows clocks to differ by, and for a minute at most; before and after that Clerk decides. Of refused
 * tokens nothing is kept. The oldest entry makes room for a new one.
 *
 * `drop` forgets what a user or organization is known by when Clerk reports their end to this process. Clerk's check, which
 * asks nobody, still takes a token of theirs for the rest of its minute, here and in every other process; what refuses them
 * then is the database (SQLSTATE PY415: a closed account is granted nothing and buys nothing).
 */
export class SessionCache {
  readonly #capacity: number
  readonly #nowMs: () => number
  // In the order of verification.
  readonly #entries = new Map<string, Entry>()
  // By user and by organization.
  readonly #keysOf = new Map<string, Set<string>>()

  constructor({ capacity = CAPACITY, nowMs = () => Date.now() }: SessionCacheOptions = {}) {
    this.#capacity = capacity
    this.#nowMs = nowMs
  }

  /** size is the number of tokens kept. */
  get size(): number {
    return this.#entries.size
  }

  /** find answers the session of a token whose verification still holds, else null. */
  find(token: string): Session | null {
    const key = keyOf(token)
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    const now = this.#nowMs()
    if (entry.fromMs <= now && now < entry.untilMs) return entry.session
    this.#remove(key, entry)
    return null
  }

  /** remember keeps the session of a token that has just passed every check there is. */
  remember(token: string, session: Session): void {
    const times = timesOf(token)
    if (times === null || textsOf(session).some((text) => text.length > LONGEST_TEXT)) return
    const now = this.#nowMs()
    const fromMs = Math.max(now, (times.nbf ?? 0) * 1000, (times.iat ?? 0) * 1000)
    const untilMs = Math.min(now + LONGEST_MS, times.exp * 1000)
    if (untilMs <= fromMs) return
    const key = keyOf(token)
    const before = this.#entries.get(key)
    if (before !== undefined) this.#remove(key, before)
    this.#makeRoom()
    this.#entries.set(key, { session: Object.freeze({ ...session }), fromMs, untilMs })
    for (const id of idsOf(session)) {
      const keys = this.#keysOf.get(id)
      if (keys === undefined) this.#keysOf.set(id, new Set([key]))
      else keys.add(key)
    }
  }

  /** drop forgets every token of a user, or every one with that organization active. */
  drop(userOrOrganizationId: string): void {
    for (const key of this.#keysOf.get(userOrOrganizationId) ?? []) {
      const entry = this.#entries.get(key)
      if (entry !== undefined) this.#remove(key, entry)
    }
  }

  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size < this.#capacity) return
      this.#remove(key, entry)
    }
  }

  #remove(key: string, { session }: Entry): void {
    this.#entries.delete(key)
    for (const id of idsOf(session)) {
      const keys = this.#keysOf.get(id)
      keys?.delete(key)
      if (keys?.size === 0) this.#keysOf.delete(id)
    }
  }
}

// One character per byte: 32 in all.
function keyOf(token: string): string {
  return hash('sha256', token, 'binary')
}

/**
 * timesOf reads the times of the token that was sent: Clerk may have verified a fresher one in place of one that had expired
 * (a browser's refresh token), whose times say nothing about this one.
 */
function timesOf(token: string): z.output<typeof timesSchema> | null {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const times = timesSchema.safeParse(payload)
    return times.success ? times.data : null
  } catch {
    return null
  }
}

function idsOf({ userId, organizationId }: Session): string[] {
  return organizationId === null ? [userId] : [userId, organizationId]
}

function textsOf({ accountId, userId, organizationId, role }: Session): string[] {
  return [accountId, userId, organizationId ?? '', role ?? '']
}
