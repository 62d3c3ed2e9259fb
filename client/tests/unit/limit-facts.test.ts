import { describe, expect, test } from '@jest/globals'
import type { BillingPlans } from '../../../server/src/contract/billing-plans.ts'
import type { Limit, ProblemBody } from '../../../server/src/contract/problem.ts'
import type { Usage } from '../../../server/src/contract/usage.ts'
import {
  amountInWords, excessOf, factsOf, limitTitle, planThatHelps, quotaInWords, shortfallInWords, usedInWords
} from '../../src/features/limits/limit-facts.ts'

type SoldPlan = BillingPlans['data'][number]

function limit(metric: string, used: number, quota: number | null, requested = 1): Limit {
  return { metric, used, quota, remaining: quota === null ? null : Math.max(0, quota - used), resetsAt: null, requested }
}

function plan(name: string, direction: SoldPlan['direction'], chatbots: number | null): SoldPlan {
  return {
    plan: name, name, prices: { month: null, year: null }, yearlySavingPercent: null, trialDays: 0, current: direction === null, direction,
    quotas: [{ metric: 'chatbots', title: 'Chatbots', unit: 'chatbot', kind: 'gauge', quota: chatbots }]
  }
}

function problem(code: string, numbers?: Limit): ProblemBody {
  const body = { type: 'about:blank', title: 'Refused', status: 402, code, detail: 'No.', instance: '/', requestId: 'r' }
  return numbers === undefined ? body : { ...body, limit: numbers }
}

const PLANS = [plan('free', 'downgrade', 1), plan('starter', null, 3), plan('growth', 'upgrade', 10), plan('enterprise', 'upgrade', null)]

describe('the facts of a limit', () => {
  test('the numbers are in words, in the unit of the limit', () => {
    expect(usedInWords(limit('chatbots', 3, 3))).toBe('3 of 3 chatbots')
    expect(usedInWords(limit('chatbots', 1, 1))).toBe('1 of 1 chatbot')
    expect(usedInWords(limit('storage_bytes', 1000, 2000))).toBe('1 kB of 2 kB of storage')
    expect(usedInWords(limit('messages', 7, null))).toBe('7 messages')
    expect(amountInWords('new_metric', 2)).toBe('2 new metric')
    expect(quotaInWords('storage_bytes', null)).toBe('unlimited storage')
    expect(quotaInWords('api_calls', null)).toBe('unlimited API calls')
  })

  test('every limit is named in the title', () => {
    expect(limitTitle(problem('quota_exceeded', limit('messages', 1, 1)))).toBe('Message limit reached')
    expect(limitTitle(problem('chatbot_cap_reached', limit('chatbot_messages', 1, 1)))).toMatch(/own cap/)
    expect(limitTitle(problem('chatbot_read_only'))).toMatch(/read-only/)
  })

  test('what is asked for and what is left are told only where something is left', () => {
    expect(shortfallInWords(limit('storage_bytes', 1000, 2000, 4000))).toBe('This needs 4 kB, and 1 kB is left.')
    expect(shortfallInWords(limit('chatbots', 3, 3))).toBeNull()
  })

  test('a level says how much must go, also above the quota', () => {
    expect(excessOf(limit('chatbots', 3, 3))).toBe(1)
    expect(excessOf(limit('chatbots', 5, 3))).toBe(3)
    expect(excessOf(limit('storage_bytes', 10, 100, 95))).toBe(5)
  })

  test('the smallest larger plan that holds what is asked for is offered, never one that does not help', () => {
    expect(planThatHelps(PLANS, limit('chatbots', 3, 3))).toMatchObject({ plan: { plan: 'growth' }, quota: 10 })
    expect(planThatHelps(PLANS, limit('chatbots', 10, 3))).toMatchObject({ plan: { plan: 'enterprise' }, quota: null })
    expect(planThatHelps(PLANS.slice(0, 3), limit('chatbots', 10, 3))).toBeNull()
    expect(planThatHelps(PLANS, limit('chatbot_messages', 10, 3))).toBeNull()
  })

  test('a read-only chatbot is explained by the meter of chatbots', () => {
    const row = { title: 'Chatbots', kind: 'gauge', unit: 'chatbot', remaining: 0, resetsAt: null, forecast: null } as const
    const usage: Usage = {
      plan: 'free', windowStart: null, resetsAt: null, asOf: '2026-11-21T00:00:00Z', metrics: [{ metric: 'chatbots', used: 3, quota: 1, ...row }]
    }
    expect(factsOf(problem('chatbot_read_only'), usage)).toMatchObject({ used: 3, quota: 1 })
    expect(factsOf(problem('chatbot_read_only'), undefined)).toBeNull()
    const own = limit('messages', 5, 5)
    expect(factsOf(problem('quota_exceeded', own), usage)).toBe(own)
  })
})
