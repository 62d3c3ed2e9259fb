import { describe, expect, test } from '@jest/globals'
import { median, ordersOf, pairedRatios, quantile, spreadOf } from '../../../scripts/bench/arithmetic.ts'
import { runLoop, startRecorder } from '../../../scripts/bench/closed-loop.ts'
import { compare, type Schedule, summarise, type Way } from '../../../scripts/bench/comparison.ts'

const SCHEDULE: Schedule = { rounds: 4, seed: '7', warmupMs: 0, durationMs: 1, progress: () => undefined }

describe('what is made of the rounds', () => {
  test('a median of an odd number is the middle one, of an even number the mean of the middle two', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([100, 1, 3, 2])).toBe(2.5)
    expect(median([4])).toBe(4)
    expect(() => median([])).toThrow('no median')
  })

  test('a quantile is a value that was measured', () => {
    const sorted = Float64Array.from({ length: 100 }, (_, index) => index + 1)
    expect([0, 0.5, 0.99, 1].map((share) => quantile(sorted, share))).toEqual([1, 50, 99, 100])
    expect(() => quantile(new Float64Array(), 0.5)).toThrow('no quantile')
  })

  test('ratios are taken round by round: a slow round of both is no difference', () => {
    expect(pairedRatios([100, 10, 300], [50, 5, 100])).toEqual([2, 2, 3])
    expect(spreadOf([2, 2, 3])).toEqual({ median: 2, least: 2, most: 3 })
  })

  test('a void round is no ratio', () => {
    expect(() => pairedRatios([100, 0], [50, 5])).toThrow('Round 2 is void')
    expect(() => pairedRatios([100], [0])).toThrow('Round 1 is void')
    expect(() => pairedRatios([100], [Number.NaN])).toThrow('Round 1 is void')
    expect(() => pairedRatios([100, 100], [50])).toThrow('cannot be compared')
  })
})

describe('the order of the ways', () => {
  const orders = ordersOf(4, 8, 'seed')

  test('has every way once in every round', () => {
    expect(orders).toHaveLength(8)
    for (const order of orders) expect(new Set(order)).toEqual(new Set([0, 1, 2, 3]))
    for (const order of orders) expect(order).toHaveLength(4)
  })

  test('changes: every way comes first in some round, and nobody always follows the same one', () => {
    expect(new Set(orders.map(([first]) => first)).size).toBe(4)
    const followers = (way: number) => new Set(orders.map((order) => order[order.indexOf(way) + 1]))
    for (const way of [0, 1, 2, 3]) expect(followers(way).size).toBeGreaterThan(1)
  })

  test('of two ways is each half of the time', () => {
    expect(ordersOf(2, 4, 'seed').filter(([first]) => first === 0)).toHaveLength(2)
  })

  test('is drawn from the seed', () => {
    expect(ordersOf(4, 8, 'seed')).toEqual(orders)
    expect(['a', 'b', 'c', 'd'].map((seed) => String(ordersOf(4, 1, seed)))).not.toEqual(Array.from({ length: 4 }, () => String(orders[0])))
  })
})

/** scripted is a way that answers these rates, one per round, and tells `log` when it is asked. */
function scripted(name: string, rates: number[], log: string[]): Way {
  return {
    name,
    open: () => {
      log.push(`open ${name}`)
      const left = [...rates]
      return Promise.resolve({
        measure: () => {
          log.push(name)
          const perSecond = left.shift()
          if (perSecond === undefined) throw new Error(`${name} broke`)
          return Promise.resolve({ perSecond, calls: 1, p50Ms: 1, p99Ms: 2, maxMs: 3 })
        },
        close: () => Promise.resolve(void log.push(`close ${name}`))
      })
    }
  }
}

describe('a comparison', () => {
  test('runs every way once per round, and takes medians and paired ratios', async () => {
    const log: string[] = []
    const ways = [scripted('ours', [300, 30, 200, 400], log), scripted('bare', [100, 10, 100, 100], log)]
    const measured = await compare({ title: 'cold', ways, wanted: [{ of: 'ours', to: 'bare', target: 2 }] }, SCHEDULE)
    const asked = log.filter((line) => line === 'ours' || line === 'bare')
    for (let round = 0; round < 4; round += 1) expect(asked.slice(2 * round, 2 * round + 2).toSorted()).toEqual(['bare', 'ours'])
    expect([asked[0], asked[2], asked[4], asked[6]].filter((name) => name === 'bare')).toHaveLength(2)
    expect(measured.ways.map(({ name, perSecond }) => [name, perSecond])).toEqual([['ours', 250], ['bare', 100]])
    expect(measured.ratios).toEqual([{ of: 'ours', to: 'bare', target: 2, median: 3, least: 2, most: 4, rounds: [3, 3, 2, 4] }])
    expect(log.slice(-2)).toEqual(['close bare', 'close ours'])
  })

  test('ends with the fault of a way, and closes what it opened', async () => {
    const log: string[] = []
    const ways = [scripted('ours', [1, 1, 1, 1], log), scripted('broken', [1], log)]
    await expect(compare({ title: 'cold', ways, wanted: [] }, SCHEDULE)).rejects.toThrow('broken broke')
    expect(log.slice(-2)).toEqual(['close broken', 'close ours'])
  })

  test('knows no ratio to what was not measured', () => {
    expect(() => summarise('cold', [], [{ of: 'a', to: 'b', target: null }])).toThrow('"a" was not measured')
  })
})

describe('a closed loop', () => {
  test('has as many callers under way as it was told, and counts what they were answered', async () => {
    let under = 0
    let most = 0
    const sample = await runLoop(5, { warmupMs: 0, durationMs: 30 }, async () => {
      under += 1
      most = Math.max(most, under)
      await new Promise((done) => setTimeout(done, 1))
      under -= 1
    })
    expect(most).toBe(5)
    expect(under).toBe(0)
    expect(sample.calls).toBeGreaterThanOrEqual(20)
    expect(sample.p50Ms).toBeLessThanOrEqual(sample.p99Ms)
  })

  test('leaves out the warm-up and what ended too late', () => {
    const recorder = startRecorder({ warmupMs: 0, durationMs: 1_000 })
    const begin = performance.now()
    recorder.ended(begin - 5_000, begin - 4_000)
    for (let call = 0; call < 20; call += 1) recorder.ended(begin, begin + call + 1)
    recorder.ended(begin, begin + 5_000)
    const { calls, maxMs, perSecond } = recorder.sample()
    expect([calls, Math.round(maxMs), Math.round(perSecond)]).toEqual([20, 20, 20])
  })

  test('goes on past its time until there is enough for a sample, and divides by the time it took', () => {
    const recorder = startRecorder({ warmupMs: 0, durationMs: 1 })
    const begin = performance.now()
    expect(recorder.isOver(begin + 50)).toBe(false)
    for (let call = 1; call <= 20; call += 1) recorder.ended(begin, begin + call * 100)
    expect(recorder.isOver(begin + 2_001)).toBe(true)
    expect(Math.round(recorder.sample().perSecond)).toBe(10)
  })

  test('ends with the fault of a call', async () => {
    await expect(runLoop(2, { warmupMs: 0, durationMs: 20 }, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  })
})
