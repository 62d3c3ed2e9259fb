import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { UsageDay } from '../../../server/src/contract/usage-history.ts'
import { chartDays, daysOfWindow } from '../../src/features/usage/usage-days.ts'
import { chartGroups, groupUsage } from '../../src/features/usage/usage-groups.ts'

const WINDOW = { windowStart: '2026-11-20T09:30:00.000Z', windowEnd: '2026-11-24T09:30:00.000Z' }
const BOT = '5a3a6e47-0d62-458d-99af-611b26a3c5c7'

const used = (entry: Partial<UsageDay>): UsageDay => ({
  day: '2026-11-20', chatbotId: BOT, chatbotName: 'Support', channel: 'playground', amount: 1, events: 1, ...entry
})
const history = (...days: UsageDay[]) => ({ ...WINDOW, metric: 'messages', days })

describe('the days of a window', () => {
  test('are all that it touches, in UTC', () =>
    expect(daysOfWindow(WINDOW.windowStart, WINDOW.windowEnd)).toEqual([
      '2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23', '2026-11-24'
    ]))

  test('end before an end at midnight: a window is half-open', () =>
    expect(daysOfWindow('2026-11-20T00:00:00.000Z', '2026-11-22T00:00:00.000Z')).toEqual(['2026-11-20', '2026-11-21']))

  test('without use are there with nothing', () => {
    const rows = chartDays(history(used({ day: '2026-11-22', amount: 3 })), 'chatbot')
    expect(rows.map(({ day, total }) => [day, total])).toEqual([
      ['2026-11-20', 0], ['2026-11-21', 0], ['2026-11-22', 3], ['2026-11-23', 0], ['2026-11-24', 0]
    ])
  })

  test('include a day long after it on which something was given back, and none between', () => {
    const rows = chartDays(history(used({ amount: 5 }), used({ day: '2027-02-01', amount: -2 })), 'chatbot')
    expect(rows.slice(-2).map(({ day, total }) => [day, total])).toEqual([['2026-11-24', 0], ['2027-02-01', -2]])
  })

  test('add entries of one group on one day up', () => {
    const rows = chartDays(history(used({ channel: 'api', amount: 2 }), used({ channel: 'widget', amount: 3 })), 'chatbot')
    expect(rows[0]).toEqual({ day: '2026-11-20', total: 5, amounts: { [BOT]: 5 } })
  })
})

describe('groups', () => {
  test('are the largest first, and each names its rows in the ledger', () => {
    const groups = groupUsage(history(used({ channel: 'api' }), used({ channel: 'widget', amount: 4 })), 'channel')
    expect(groups.map(({ name, amount, filter }) => [name, amount, filter])).toEqual([
      ['Widget', 4, { metric: 'messages', windowStart: WINDOW.windowStart, channel: 'widget' }],
      ['API', 1, { metric: 'messages', windowStart: WINDOW.windowStart, channel: 'api' }]
    ])
  })

  test('tell what has no chatbot from what had one that was deleted', () => {
    const groups = groupUsage(history(used({ chatbotId: null, chatbotName: null, amount: 2 }), used({ chatbotName: null })), 'chatbot')
    expect(groups.map(({ name, filter }) => [name, filter?.chatbotId])).toEqual([['No chatbot', 'none'], ['Deleted chatbot', BOT]])
  })

  test('without a channel have no link: the ledger cannot be asked for them', () =>
    expect(groupUsage(history(used({ channel: null })), 'channel')[0]).toMatchObject({ name: 'No channel', filter: null }))

  test('that are too many for the colours become one, with their sum', () => {
    const entries = ['a', 'b', 'c', 'd'].map((name, index) => used({ chatbotId: name, chatbotName: name, amount: 10 - index }))
    const { groups, keyOf } = chartGroups(groupUsage(history(...entries), 'chatbot'), 3)
    expect(groups.map(({ name, amount }) => [name, amount])).toEqual([['a', 10], ['b', 9], ['2 others', 15]])
    expect([keyOf('a'), keyOf('c'), keyOf('d')]).toEqual(['a', 'others', 'others'])
  })
})

test('whatever was used: chart, breakdowns and the window have one total', () => {
  const entry = fc.record({
    day: fc.constantFrom('2026-11-20', '2026-11-23', '2026-11-25'),
    chatbotId: fc.constantFrom(null, 'a', 'b', 'c', 'd'),
    chatbotName: fc.constant(null),
    channel: fc.constantFrom(null, 'playground' as const, 'widget' as const, 'api' as const),
    amount: fc.integer({ min: -50, max: 1000 }),
    events: fc.constant(1)
  })
  fc.assert(
    fc.property(fc.array(entry), fc.constantFrom('chatbot' as const, 'channel' as const), (days, by) => {
      const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0)
      const all = sum(days.map(({ amount }) => amount))
      const { groups, keyOf } = chartGroups(groupUsage(history(...days), by), 3)
      const rows = chartDays(history(...days), by, keyOf)
      expect(sum(groups.map(({ amount }) => amount))).toBe(all)
      expect(sum(rows.map(({ total }) => total))).toBe(all)
      for (const { key, amount } of groups) expect(sum(rows.map(({ amounts }) => amounts[key] ?? 0))).toBe(amount)
    }),
    { seed: 20261121 }
  )
})
