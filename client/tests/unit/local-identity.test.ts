import { afterEach, expect, jest, test } from '@jest/globals'
import { createTokenSource } from '../../src/features/session/local-identity.ts'

const HOUR_MS = 3_600_000
const realFetch = globalThis.fetch

afterEach(() => {
  globalThis.fetch = realFetch
})

function answerWith(...answers: (() => Response | Error)[]) {
  const asked = jest.fn(async () => {
    const answer = answers[Math.min(asked.mock.calls.length, answers.length) - 1]?.()
    if (answer instanceof Response) return answer
    throw answer ?? new Error('Nothing more is answered.')
  })
  globalThis.fetch = asked
  return asked
}

const session = (token: string, expiresInMs: number) => () =>
  Response.json({ token, expiresAt: new Date(Date.now() + expiresInMs).toISOString() })

test('who asks for a token at the same time shares one sign-in, and later ones use its token', async () => {
  const asked = answerWith(session('one', HOUR_MS), session('two', HOUR_MS))
  const getToken = createTokenSource({ userId: 'alice' })
  expect(await Promise.all([getToken(), getToken(), getToken()])).toEqual(['one', 'one', 'one'])
  expect(await getToken()).toBe('one')
  expect(asked).toHaveBeenCalledTimes(1)
})

test('a token is replaced before it expires', async () => {
  answerWith(session('one', 30_000), session('two', HOUR_MS))
  const getToken = createTokenSource({ userId: 'alice' })
  expect(await getToken()).toBe('one')
  expect(await getToken()).toBe('two')
  expect(await getToken()).toBe('two')
})

test('a sign-in that failed is not remembered', async () => {
  answerWith(() => new TypeError('Failed to fetch'), session('two', HOUR_MS))
  const getToken = createTokenSource({ userId: 'alice' })
  await expect(getToken()).rejects.toThrow('Parley cannot be reached')
  expect(await getToken()).toBe('two')
})
