import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from '@jest/globals'
import { importsOf } from '../../../server/tests/support/boundaries.ts'

const SOURCE = join(import.meta.dirname, '..', '..', 'src')
// What another app cannot have: Parley's router and session, its screens, its frame.
const REFUSED = /^(@tanstack\/react-router|@clerk\/|features\/|app\/(?!theme\.ts$)|lib\/config\.ts$)/

function reachedFrom(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const imported = importsOf(readFileSync(file, 'utf8'))
  for (const target of imported) {
    const path = join(dirname(file), target)
    if (target.startsWith('.') && /\.tsx?$/.test(target) && existsSync(path)) reachedFrom(path, seen)
    else if (!target.startsWith('.')) seen.add(target)
  }
  return seen
}

test('the kit reaches neither router, session nor screens of Parley, so that another app can mount it', () => {
  const reached = [...reachedFrom(join(SOURCE, 'kit', 'parley-kit.ts'))].map((name) => (name.startsWith('/') ? relative(SOURCE, name) : name))
  expect(reached).toEqual(expect.arrayContaining(['kit/billing-dashboard.tsx', 'lib/queries.ts', '@mantine/core']))
  expect(reached.filter((name) => REFUSED.test(name))).toEqual([])
})
