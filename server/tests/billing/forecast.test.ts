import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { forecastUsage } from '../../src/billing/forecast.ts'

const HOUR_MS = 3_600_000

/** forecast reads instants as people write them. */
function forecast(start: string, end: string, now: string, used: number, quota: number | null = null) {
  const answer = forecastUsage({ used, quota, windowStartMs: Date.parse(start), windowEndMs: Date.parse(end), nowMs: Date.parse(now) })
  return answer && { projected: answer.projected, reachesQuotaAt: answer.reachesQuotaAtMs === null ? null : new Date(answer.reachesQuotaAtMs).toISOString() }
}

describe('the forecast', () => {
  test('goes on at the pace so far: half the window, half of it all', () => {
    expect(forecast('2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z', '2026-04-16T00:00:00Z', 60, 100)).toEqual({
      projected: 120,
      reachesQuotaAt: '2026-04-26T00:00:00.000Z'
    })
  })

  test.each([
    ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z', 28],
    ['2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z', 29],
    ['2026-04-10T09:15:30Z', '2026-05-10T09:15:30Z', 30],
    ['2026-01-31T10:00:00Z', '2026-02-28T10:00:00Z', 28],
    ['2026-10-10T00:00:00Z', '2026-11-10T00:00:00Z', 31]
  ])('knows how long the window from %s to %s is: %d days', (start, end, days) => {
    const now = new Date(Date.parse(start) + 7 * 24 * HOUR_MS).toISOString()
    expect(forecast(start, end, now, 70)?.projected).toBe(10 * days)
  })

  test('is silent until 48 hours of the window have passed, to the millisecond', () => {
    const at = (now: string) => forecast('2026-04-01T09:00:00Z', '2026-05-01T09:00:00Z', now, 4)
    expect(at('2026-03-31T00:00:00Z')).toBeNull()
    expect(at('2026-04-03T08:59:59.999Z')).toBeNull()
    expect(at('2026-04-03T09:00:00Z')).toEqual({ projected: 60, reachesQuotaAt: null })
  })

  test('is silent where nothing was used, and for levels, which have no window', () => {
    expect(forecast('2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z', '2026-04-16T00:00:00Z', 0, 100)).toBeNull()
    expect(forecastUsage({ used: 3, quota: 3, windowStartMs: null, windowEndMs: null, nowMs: Date.now() })).toBeNull()
  })

  test('tells when the quota is reached only if that is before the end of the window', () => {
    const at = (used: number) => forecast('2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z', '2026-04-16T00:00:00Z', used, 100)
    expect(at(49)).toEqual({ projected: 98, reachesQuotaAt: null })
    expect(at(50)).toEqual({ projected: 100, reachesQuotaAt: null })
    expect(at(51)).toEqual({ projected: 102, reachesQuotaAt: '2026-04-30T09:52:56.470Z' })
    expect(at(99)).toEqual({ projected: 198, reachesQuotaAt: '2026-04-16T03:38:10.909Z' })
  })

  test('tells no time where the quota is reached already, lowered since, or 0: the meter says it', () => {
    const at = (used: number, quota: number) => forecast('2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z', '2026-04-16T00:00:00Z', used, quota)
    expect(at(100, 100)).toEqual({ projected: 200, reachesQuotaAt: null })
    expect(at(130, 100)).toEqual({ projected: 260, reachesQuotaAt: null })
    expect(at(1, 0)).toEqual({ projected: 2, reachesQuotaAt: null })
  })

  test('of an unlimited metric has a number and no time', () => {
    expect(forecast('2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z', '2026-04-16T00:00:00Z', 12_345)).toEqual({ projected: 24_690, reachesQuotaAt: null })
  })

  test('by a clock that is past the end tells what was used, and may stand between two milliseconds', () => {
    expect(forecast('2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z', '2026-05-01T00:00:02Z', 7, 8)).toEqual({ projected: 7, reachesQuotaAt: null })
    const windowStartMs = Date.parse('2026-04-01T00:00:00Z')
    const args = { used: 7, quota: 8, windowStartMs, windowEndMs: windowStartMs + 96 * HOUR_MS, nowMs: windowStartMs + 48 * HOUR_MS + 0.25 }
    expect(forecastUsage(args)).toEqual({ projected: 14, reachesQuotaAtMs: windowStartMs + 197_485_714 })
  })

  test('holds for any window, clock and amount', () => {
    const amount = fc.integer({ min: 1, max: 9_007_199_254_740_991 })
    fc.assert(
      fc.property(fc.integer({ min: 48, max: 31 * 24 }), fc.integer({ min: 0, max: 31 * 24 }), amount, amount, (elapsed, left, used, quota) => {
        const windowStartMs = Date.parse('2026-01-31T10:00:00Z')
        const nowMs = windowStartMs + elapsed * HOUR_MS
        const windowEndMs = nowMs + left * HOUR_MS
        const answer = forecastUsage({ used, quota, windowStartMs, windowEndMs, nowMs })
        if (answer === null) throw new Error('There is a pace.')
        const { projected, reachesQuotaAtMs } = answer
        expect(Number.isSafeInteger(projected)).toBe(true)
        expect(projected).toBeGreaterThanOrEqual(used)
        if (reachesQuotaAtMs === null) {
          if (used < quota) expect(projected).toBeLessThanOrEqual(quota)
          return
        }
        expect(used).toBeLessThan(quota)
        expect(reachesQuotaAtMs).toBeGreaterThanOrEqual(nowMs)
        expect(reachesQuotaAtMs).toBeLessThan(windowEndMs)
        expect(projected).toBeGreaterThanOrEqual(quota)
      }),
      { seed: 20261121, numRuns: 500 }
    )
  })
})
