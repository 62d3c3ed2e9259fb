import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './parley-process.ts'

const namesIn = (file: string, pattern: RegExp) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].map((match) => match[1] ?? '').toSorted()

test('.env.example names every variable that the server reads, and no other', () => {
  const read = namesIn('server/src/config.ts', /^ {2}([A-Z][A-Z0-9_]+): read\./gm)
  expect(read.length).toBeGreaterThan(20)
  expect(namesIn('.env.example', /^#([A-Z][A-Z0-9_]+)=/gm)).toEqual(read)
})
