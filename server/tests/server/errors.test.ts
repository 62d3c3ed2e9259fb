import { describe, expect, test } from '@jest/globals'
import { DatabaseError, DatabaseUnavailable } from '../../src/db/database.ts'
import { capProblem, ERRORS, type Problem, problemBody, quotaProblem, toProblem } from '../../src/errors.ts'

const raised = (sqlstate: string): Problem =>
  toProblem(new DatabaseError({ sqlstate, message: 'a sentence', detail: 'inner detail', hint: 'inner hint' }))

describe('toProblem', () => {
  test.each([
    ['PY001', 400, 'unknown_metric'],
    ['PY002', 400, 'unknown_plan'],
    ['PY003', 400, 'invalid_amount'],
    ['PY004', 400, 'invalid_argument'],
    ['PY402', 402, 'quota_exceeded'],
    ['PY404', 404, 'not_found'],
    ['PY409', 422, 'request_id_reused'],
    ['PY410', 400, 'metric_moves_with_rows'],
    ['PY411', 400, 'immutable'],
    ['PY412', 500, 'unknown_price'],
    ['PY413', 500, 'account_not_linked'],
    ['PY414', 402, 'chatbot_read_only'],
    ['PY415', 403, 'account_closed'],
    ['PY416', 404, 'not_found']
  ])('maps %s to %i %s', (sqlstate, status, code) => {
    expect(raised(sqlstate)).toMatchObject({ status, code })
  })

  test('says what the database says only for its own 4xx', () => {
    expect(raised('PY004').message).toBe('a sentence')
    for (const sqlstate of ['23505', '42501', 'PGRST202', 'PY412', 'XX000']) {
      const problem = raised(sqlstate)
      expect(problem.status).toBe(500)
      expect(JSON.stringify(problemBody(problem, 'request', '/'))).not.toMatch(/a sentence|inner|sqlstate|23505/)
    }
  })

  test('asks to repeat when the database is away', () => {
    const problem = toProblem(new DatabaseUnavailable('ECONNREFUSED 10.0.0.1:5432'))
    expect(problem).toMatchObject({ status: 503, code: 'service_unavailable', headers: { 'Retry-After': '1' } })
    expect(problem.message).not.toContain('10.0.0.1')
  })

  test.each(['40001', '40P01'])('asks to repeat what Postgres took back for the sake of others (%s)', (sqlstate) => {
    const problem = toProblem(new DatabaseError({ sqlstate, message: 'could not serialize' }))
    expect(problem).toMatchObject({ status: 503, code: 'service_unavailable', headers: { 'Retry-After': '1' } })
    expect(problem.message).toBe('Others were changing the same account at this moment, and nothing was done. Repeat the request in a second.')
  })

  test('tells nothing about an unexpected error', () => {
    const problem = toProblem(new TypeError('cannot read properties of secret'))
    expect(problem).toMatchObject({ status: 500, code: 'internal_error' })
    expect(problem.message).not.toContain('secret')
  })
})

describe('capProblem', () => {
  test('says how many of how many answers, when it returns, and what to do', () => {
    const resetsAt = '2026-12-01T09:30:00+00:00'
    const problem = capProblem({ used: 1050, quota: 1050, remaining: 0, resetsAt, plan: 'growth' }, 'bot-1')
    expect([problem.status, problem.code, problem.message]).toEqual([
      402,
      'chatbot_cap_reached',
      'This chatbot has given 1,050 of the 1,050 answers its own monthly cap allows; it returns on 1 December 2026 at 09:30 UTC. ' +
        'Raise or remove the cap in its settings.'
    ])
    expect(problem.limit).toEqual({
      metric: 'chatbot_messages', used: 1050, quota: 1050, remaining: 0, resetsAt: '2026-12-01T09:30:00.000Z', requested: 1
    })
    expect(problem.resolutions).toEqual([
      { action: 'raise_cap', chatbotId: 'bot-1' },
      { action: 'wait', until: '2026-12-01T09:30:00.000Z' }
    ])
  })
})

describe('quotaProblem', () => {
  test('says what is used up, how much of how much, and that a level must be freed', () => {
    const problem = quotaProblem({ used: 3, quota: 3, remaining: 0, resetsAt: null, plan: 'starter' }, 'chatbots', 1)
    expect(problem.message).toBe('Limit reached: 3 of 3 chatbots are used on the starter plan. Delete some or upgrade the plan.')
    expect(problem.limit).toEqual({ metric: 'chatbots', used: 3, quota: 3, remaining: 0, resetsAt: null, requested: 1 })
    expect(problem.resolutions).toEqual([{ action: 'upgrade' }, { action: 'delete', metric: 'chatbots', count: 1 }])
  })

  test('says when a counter starts again', () => {
    const resetsAt = '2026-12-20T09:30:00.123456+00:00'
    const problem = quotaProblem({ used: 100, quota: 100, remaining: 0, resetsAt, plan: 'free' }, 'messages', 1)
    expect(problem.message).toContain('100 of 100 messages are used')
    expect(problem.message).toContain('20 December 2026 at 09:30 UTC')
    expect(problem.resolutions).toContainEqual({ action: 'wait', until: '2026-12-20T09:30:00.123Z' })
  })

  test('says how much more is needed than is left', () => {
    const problem = quotaProblem(
      { used: 9_000_000, quota: 10_000_000, remaining: 1_000_000, resetsAt: null, plan: 'free' },
      'storage_bytes',
      2_500_000
    )
    expect(problem.message).toContain('9,000,000 of 10,000,000 storage bytes are used on the free plan, and this needs 2,500,000.')
    expect(problem.resolutions).toContainEqual({ action: 'delete', metric: 'storage_bytes', count: 1_500_000 })
  })
})

test('every code has a status of 4xx or 5xx, a title and a meaning', () => {
  for (const { status, title, meaning } of Object.values(ERRORS)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(title.length).toBeGreaterThan(0)
    expect(meaning).toMatch(/[.]$/)
  }
})
