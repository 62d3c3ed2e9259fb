import { expect, test } from '@jest/globals'
import { readFiles } from '../support/repository.ts'

const sources = readFiles('server/src/**/*.ts', 'scripts/**/*.{ts,mjs}', 'client/src/**/*.{ts,tsx}', 'supabase/schemas/**/*.sql')
const tests = readFiles('server/tests/**/*.ts', 'supabase/tests/**/*.sql')

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

function percentile(share: number): number {
  const counts = sources.map(({ text }) => lineCount(text)).sort((a, b) => a - b)
  return counts[Math.min(counts.length - 1, Math.floor(counts.length * share))] ?? 0
}

test('no file is longer than 400 lines', () => {
  const long = [...sources, ...tests].filter(({ text }) => lineCount(text) > 400)
  expect(long.map(({ path, text }) => `${path}: ${lineCount(text)}`)).toEqual([])
})

test('half of the source files have at most 80 lines, 95 of 100 at most 250', () => {
  expect(sources.length).toBeGreaterThan(0)
  expect(percentile(0.5)).toBeLessThanOrEqual(80)
  expect(percentile(0.95)).toBeLessThanOrEqual(250)
})
