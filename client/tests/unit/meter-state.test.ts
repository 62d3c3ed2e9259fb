import { describe, expect, test } from '@jest/globals'
import { meterState, meterText } from '../../src/kit/meter-state.ts'

const messages = (used: number, quota: number | null) => ({ metric: 'messages', used, quota })

describe('a meter says in words how it stands', () => {
  test.each([
    [0, 100, 'fine', null],
    [79, 100, 'fine', null],
    [80, 100, 'near', 'Near the limit'],
    [99, 100, 'near', 'Near the limit'],
    [100, 100, 'reached', 'Limit reached'],
    [102, 100, 'over', 'Over the limit by 2'],
    [0, 0, 'reached', 'Limit reached'],
    [1, 0, 'over', 'Over the limit by 1'],
    [1_000_000, null, 'unlimited', null]
  ])('%p of %p', (used, quota, kind, label) => {
    expect(meterState(messages(used, quota))).toMatchObject({ kind, label })
  })

  test('and an excess of storage is told in bytes', () => {
    expect(meterState({ metric: 'storage_bytes', used: 3000, quota: 1000 }).label).toBe('Over the limit by 2 kB')
  })
})

test('a meter without a limit fills no bar, one without room is full', () => {
  expect(meterState(messages(7, null)).percent).toBe(0)
  expect(meterState(messages(0, 0)).percent).toBe(100)
})

test('what a screen reader hears has used, limit, rest and verdict', () => {
  expect(meterText(messages(42, 100))).toBe('42 of 100 used, 58 left')
  expect(meterText(messages(90, 100))).toBe('90 of 100 used, 10 left. Near the limit')
  expect(meterText(messages(102, 100))).toBe('102 of 100 used. Over the limit by 2')
  expect(meterText(messages(5, null))).toBe('5 used, unlimited')
})
