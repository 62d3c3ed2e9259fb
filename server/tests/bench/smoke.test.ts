import { expect, test } from '@jest/globals'
import { batch } from '../../../scripts/bench/batch.ts'

const TIMEOUT_MS = 120_000

// One suite for all: ground, populations, ways and proof are shared. How fast anything is, nobody asks here.
test('a suite measures what it says, on a database of its own', async () => {
  const seen: string[] = []
  const finding = await batch({
    seed: '1', quick: true, profile: false, rounds: 1, warmupMs: 0, durationMs: 50, progress: (line) => seen.push(line)
  })
  expect(finding.measured.map(({ title }) => title)).toEqual(['cold, 64 callers', 'hot, 64 callers', 'refused, cold, 64 callers'])
  for (const { ways, ratios } of finding.measured) {
    expect(ways.map(({ name }) => name)).toEqual(expect.arrayContaining(['pg, batched', 'supabase-js, one call per decision']))
    for (const { rounds } of ways) expect(rounds.map(({ calls }) => calls >= 20)).toEqual([true])
    for (const { median } of ratios) expect(median).toBeGreaterThan(0)
  }
  expect(finding.method.at(-1)).toMatch(/the counters equalled the sum of the ledger: [\d,]+ units/)
  expect(seen).toContain('hot, 64 callers · round 1/1 · pg, batched')
}, TIMEOUT_MS)
