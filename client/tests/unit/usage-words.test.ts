import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import type { Meter } from '../../src/kit/meter-state.ts'
import { downloadName } from '../../src/features/usage/download-name.ts'
import { forecastSentence } from '../../src/features/usage/forecast-sentence.ts'
import { eventSentence } from '../../src/features/usage/ledger-words.ts'
import { signedAmount } from '../../src/features/usage/signed-amount.ts'

describe('a row of the ledger says what it is about', () => {
  const answer = { metric: 'messages', operation: 'answer', chatbotId: 'id', chatbotName: 'Support Bot', channel: 'widget' as const }

  test('with chatbot and channel', () => expect(eventSentence(answer, 'Messages')).toBe('Answer · Support Bot · Widget'))

  test('also when the chatbot is gone', () =>
    expect(eventSentence({ ...answer, chatbotName: null }, 'Messages')).toBe('Answer · a deleted chatbot · Widget'))

  test('and a level by what was added', () =>
    expect(eventSentence({ ...answer, metric: 'storage_bytes', operation: null, channel: null }, 'Storage')).toBe('Document · Support Bot'))

  test('and an unknown operation by its name, or the metric by its title', () => {
    const other = { ...answer, metric: 'faxes', chatbotId: null, chatbotName: null, channel: null }
    expect(eventSentence({ ...other, operation: 'send_fax' }, 'Faxes')).toBe('Send fax')
    expect(eventSentence({ ...other, operation: null }, 'Faxes')).toBe('Faxes')
  })
})

test('amounts show which way they go', () => {
  expect(['+1', '−483', '0']).toEqual([signedAmount('messages', 1), signedAmount('llm_tokens', -483), signedAmount('messages', 0)])
  expect(signedAmount('storage_bytes', -2000)).toBe('−2 kB')
})

describe("a file's name", () => {
  test.each([
    ['attachment; filename="parley-messages-2026-11-20.csv"', 'parley-messages-2026-11-20.csv'],
    ['attachment; filename=a.csv', 'a.csv'],
    ["attachment; filename=\"x.csv\"; filename*=UTF-8''%C3%BC.csv", 'ü.csv'],
    ["attachment; filename*=UTF-8''%E0%A4%A; filename=\"x.csv\"", 'x.csv'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment', 'usage.csv'],
    [null, 'usage.csv']
  ])('of %p is %p', (header, name) => expect(downloadName(header, 'usage.csv')).toBe(name))
})

describe('where a counter is heading', () => {
  const meter = (change: Partial<Meter>): Meter => ({
    metric: 'messages', title: 'Messages', kind: 'counter', unit: 'message', used: 40, quota: 100, remaining: 60,
    resetsAt: '2026-12-20T12:00:00.000Z', forecast: null, ...change
  })

  test('is told by the day on which the limit is reached', () =>
    expect(forecastSentence(meter({ forecast: { projected: 160, reachesQuotaAt: '2026-12-04T12:00:00.000Z' } }))).toMatch(
      /^At this pace you reach the limit of 100 on .*4/
    ))

  test('or by how much it will be', () =>
    expect(forecastSentence(meter({ forecast: { projected: 80, reachesQuotaAt: null } }))).toMatch(/^At this pace it will be 80 by .*20.*, of 100\.$/))

  test('is not guessed early in a window, nor once it is used up, nor for a level', () => {
    expect(forecastSentence(meter({}))).toBeNull()
    expect(forecastSentence(meter({ used: 100, forecast: { projected: 200, reachesQuotaAt: null } }))).toMatch(/^Messages are used up until /)
    expect(forecastSentence(meter({ kind: 'gauge' }))).toBeNull()
  })
})

test('a day in UTC stays that day for a reader in the west', () => {
  const module = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'features', 'usage', 'utc-day.ts')).href
  const code = `const { formatUtcDay } = await import('${module}'); process.stdout.write(formatUtcDay('2026-11-20'))`
  const { stdout } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'America/Los_Angeles', LC_ALL: 'en_US' }
  })
  expect(stdout).toBe('Nov 20')
})
