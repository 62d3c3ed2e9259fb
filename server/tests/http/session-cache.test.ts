import { describe, expect, test } from '@jest/globals'
import type { Session } from '../../src/http/session.ts'
import { SessionCache } from '../../src/http/session-cache.ts'

const START_SECONDS = 1_800_000_000

/** tokenOf makes a token that is verified nowhere; its signature tells equal claims apart. */
function tokenOf(claims: Record<string, unknown>, signature = 'c2ln'): string {
  const [header, payload] = [{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return `${header}.${payload}.${signature}`
}

function sessionOf(userId: string, change: Partial<Session> = {}): Session {
  const organizationId = change.organizationId ?? null
  return { accountId: organizationId ?? userId, userId, organizationId, role: null, operator: false, ...change }
}

/** start makes a cache whose clock reads START_SECONDS plus what `at` was called with last. */
function start(capacity?: number) {
  let nowMs = START_SECONDS * 1000
  const at = (seconds: number): void => {
    nowMs = (START_SECONDS + seconds) * 1000
  }
  return { cache: new SessionCache({ nowMs: () => nowMs, ...(capacity !== undefined && { capacity }) }), at }
}

/** from and until are claims relative to START_SECONDS. */
function lasting(untilSeconds: number, change: Record<string, unknown> = {}): string {
  return tokenOf({ nbf: START_SECONDS - 5, iat: START_SECONDS - 5, exp: START_SECONDS + untilSeconds, ...change })
}

describe('a verified token', () => {
  test('is known until the moment it expires, and not then', () => {
    const { cache, at } = start()
    const token = lasting(40)
    cache.remember(token, sessionOf('user_a'))
    expect(cache.find(token)).toEqual(sessionOf('user_a'))
    at(39.999)
    expect(cache.find(token)).toEqual(sessionOf('user_a'))
    at(40)
    expect(cache.find(token)).toBeNull()
    expect(cache.size).toBe(0)
  })

  test('is known for a minute at most, however long it lives', () => {
    const { cache, at } = start()
    const token = lasting(86_400)
    cache.remember(token, sessionOf('user_a'))
    at(59.999)
    expect(cache.find(token)).not.toBeNull()
    at(60)
    expect(cache.find(token)).toBeNull()
    cache.remember(token, sessionOf('user_a'))
    at(119.999)
    expect(cache.find(token)).not.toBeNull()
  })

  test('that begins within the seconds by which clocks may differ is left to Clerk until it begins', () => {
    for (const begins of [{ nbf: START_SECONDS + 4 }, { iat: START_SECONDS + 4 }, { nbf: START_SECONDS + 1, iat: START_SECONDS + 4 }]) {
      const { cache, at } = start()
      const token = lasting(40, begins)
      cache.remember(token, sessionOf('user_a'))
      at(3.999)
      expect(cache.find(token)).toBeNull()
      at(4)
      cache.remember(token, sessionOf('user_a'))
      expect(cache.find(token)).not.toBeNull()
    }
  })

  test('is verified again when the clock was set back', () => {
    const { cache, at } = start()
    const token = lasting(40)
    cache.remember(token, sessionOf('user_a'))
    at(-1)
    expect(cache.find(token)).toBeNull()
  })

  test.each([
    ['has expired', lasting(0)],
    ['expired seconds ago, which Clerk forgives', lasting(-4)],
    ['says no end', tokenOf({ nbf: START_SECONDS })],
    ['says its end in words', lasting(40, { exp: '2099-01-01' })],
    ['says its beginning in words', lasting(40, { nbf: 'now' })],
    ['has no end that a clock reaches', `e30.${Buffer.from('{"exp":1e999}').toString('base64url')}.c2ln`],
    ['begins after its end', lasting(3, { nbf: START_SECONDS + 4 })],
    ['cannot be read', 'a.b.c'],
    ['has no payload', 'a']
  ])('that %s is not kept', (_what, token) => {
    const { cache } = start()
    cache.remember(token, sessionOf('user_a'))
    expect(cache.size).toBe(0)
    expect(cache.find(token)).toBeNull()
  })

  test('of which one character is another is another token', () => {
    const { cache } = start()
    const token = lasting(40)
    cache.remember(token, sessionOf('user_a'))
    for (const [index, character] of [...token].entries()) {
      const changed = token.slice(0, index) + (character === 'A' ? 'B' : 'A') + token.slice(index + 1)
      expect([index, cache.find(changed)]).toEqual([index, null])
    }
    expect(cache.find(`${token} `)).toBeNull()
    expect(cache.find(token)).not.toBeNull()
  })

  test('keeps its own organization, role and operator beside others of the same user', () => {
    const { cache } = start()
    const sessions = [
      sessionOf('user_a'),
      sessionOf('user_a', { organizationId: 'org_1', role: 'org:admin' }),
      sessionOf('user_a', { organizationId: 'org_2', role: 'org:member' }),
      sessionOf('user_a', { operator: true })
    ]
    const tokens = sessions.map((_session, index) => lasting(40, { sid: `sess_${index}` }))
    for (const [index, session] of sessions.entries()) cache.remember(tokens[index] ?? '', session)
    expect(tokens.map((token) => cache.find(token))).toEqual(sessions)
  })

  test('gives a session that nobody can change for the next request', () => {
    const { cache } = start()
    const session = sessionOf('user_a')
    cache.remember(lasting(40), session)
    session.operator = true
    const found = cache.find(lasting(40))
    expect(found?.operator).toBe(false)
    expect(Object.isFrozen(found)).toBe(true)
  })
})

describe('a cache', () => {
  test('never holds more than its capacity; the token verified first makes room', () => {
    const { cache } = start(3)
    const tokens = Array.from({ length: 50 }, (_none, index) => lasting(40, { sid: `sess_${index}` }))
    for (const [index, token] of tokens.entries()) {
      cache.remember(token, sessionOf(`user_${index}`))
      expect(cache.size).toBe(Math.min(index + 1, 3))
    }
    expect(tokens.flatMap((token, index) => (cache.find(token) === null ? [] : [index]))).toEqual([47, 48, 49])
    // What was pushed out is in no index either: dropping it touches nothing.
    cache.drop('user_0')
    expect(cache.size).toBe(3)
  })

  test('counts a token that is remembered again once, and as the newest', () => {
    const { cache } = start(2)
    const [first, second, third] = [lasting(40, { sid: '1' }), lasting(40, { sid: '2' }), lasting(40, { sid: '3' })]
    cache.remember(first, sessionOf('user_a'))
    cache.remember(second, sessionOf('user_a'))
    cache.remember(first, sessionOf('user_a'))
    expect(cache.size).toBe(2)
    cache.remember(third, sessionOf('user_a'))
    expect([first, second, third].map((token) => cache.find(token) !== null)).toEqual([true, false, true])
  })

  test('does not keep texts of a size only a hostile token has', () => {
    const { cache } = start()
    cache.remember(lasting(40), sessionOf('user_a', { organizationId: 'org_1', role: 'r'.repeat(256) }))
    expect(cache.size).toBe(0)
  })

  test('drops every token of a user, in whatever organization, and no other', () => {
    const { cache } = start()
    const held: [string, Session][] = [
      [lasting(40, { sid: '1' }), sessionOf('user_a')],
      [lasting(40, { sid: '2' }), sessionOf('user_a', { organizationId: 'org_1' })],
      [lasting(40, { sid: '3' }), sessionOf('user_b', { organizationId: 'org_1' })],
      [lasting(40, { sid: '4' }), sessionOf('user_b')]
    ]
    const fill = (): void => {
      for (const [token, session] of held) cache.remember(token, session)
    }
    const kept = () => held.map(([token]) => cache.find(token) !== null)
    fill()
    cache.drop('user_a')
    expect(kept()).toEqual([false, false, true, true])
    fill()
    cache.drop('org_1')
    expect(kept()).toEqual([true, false, false, true])
    cache.drop('user_unknown')
    cache.drop('user_a')
    cache.drop('user_b')
    expect(cache.size).toBe(0)
  })
})
