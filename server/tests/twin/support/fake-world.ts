import type { World } from '../../../../scripts/twin/dialect.ts'

/** SentWebhook is one webhook as a dialect handed it over. */
export type SentWebhook = Parameters<World['send']>[0]

/**
 * FakeWorld is a World for the tests of one dialect: its clock stands where it is put, its ids count up and are the same
 * in every run, and what is sent is kept in `sent`, in order, instead of being delivered. `changes` counts `changed()`.
 */
export type FakeWorld = World & {
  sent: SentWebhook[]
  readonly changes: number
  /** setNow puts the clock, in Unix milliseconds; it may not go back. */
  setNow(ms: number): void
  advance(byMs: number): void
  /** take empties `sent` and returns what was in it. */
  take(): SentWebhook[]
  /** parsed returns the bodies of `sent` as JSON, in order, without taking them. */
  parsed(): unknown[]
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** createFakeWorld starts the clock at `startMs` (default 2026-01-31T10:00:00Z: a month-end, on purpose). */
export function createFakeWorld(startMs = Date.UTC(2026, 0, 31, 10)): FakeWorld {
  let nowMs = startMs
  let changes = 0
  let given = 0
  const random = seededRandom(1)
  const sent: SentWebhook[] = []
  return {
    sent,
    get changes() {
      return changes
    },
    nowMs: () => nowMs,
    random,
    id(prefix, length = 24) {
      given += 1
      let text = ''
      for (let rest = given; rest > 0; rest = Math.floor(rest / ALPHABET.length)) text = ALPHABET.charAt(rest % ALPHABET.length) + text
      return prefix + text.padStart(length, '0')
    },
    send: (webhook) => void sent.push(webhook),
    changed: () => void (changes += 1),
    setNow(ms) {
      if (ms < nowMs) throw new Error(`The clock stands at ${new Date(nowMs).toISOString()} and does not go back to ${new Date(ms).toISOString()}.`)
      nowMs = ms
    },
    advance: (byMs) => void (nowMs += byMs),
    take: () => sent.splice(0),
    parsed: () => sent.map(({ body }): unknown => JSON.parse(body))
  }
}

// mulberry32: small, seeded, good enough to choose with.
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
