import { describe, expect, test } from '@jest/globals'
import { boundaryViolations, importsOf } from '../support/boundaries.ts'
import { readFiles } from '../support/repository.ts'

const files = readFiles('server/**/*.ts', 'scripts/**/*.{ts,mjs}', 'client/**/*.{ts,tsx}')

test('every import stays inside its boundaries', () => {
  expect(files.length).toBeGreaterThan(0)
  expect(boundaryViolations(files)).toEqual([])
})

test('no file only forwards: no barrel, no utils', () => {
  const named = files.filter(({ path }) => /(^|\/)(index|utils?|helpers?)(\.tsx?|\/)/.test(path))
  const barrels = files.filter(({ text }) => /^(\s*(\/\*[\s\S]*?\*\/|\/\/.*|export\s[^'"]*\bfrom\s*['"][^'"]*['"];?))+\s*$/.test(text))
  expect([...named, ...barrels].map(({ path }) => path)).toEqual([])
})

describe('a crossed boundary is reported', () => {
  const PLANTS: [path: string, text: string, report: string][] = [
    ['server/src/routes/me.ts', `import pg from 'pg'`, 'imports pg: only server/src/db/ and scripts/ may'],
    ['server/src/routes/me.ts', `import type { Pool } from 'pg'`, 'imports pg:'],
    ['server/src/jobs/x.ts', `const { createClient } = await import('@supabase/supabase-js')`, 'only server/src/db/ may'],
    ['scripts/smoke.ts', `import { createClient } from '@supabase/supabase-js'`, 'only server/src/db/ may'],
    ['scripts/smoke.ts', `import Stripe from 'stripe'`, 'only server/src/billing/processors/stripe/ may'],
    ['server/src/billing/processors/paddle/a.ts', `import type Stripe from 'stripe'`, 'only server/src/billing/processors/stripe/ may'],
    ['server/src/billing/processors/stripe/a.ts', `import { rpc } from '../../../db/database.ts'`, 'a processor knows neither'],
    ['server/src/billing/processors/stripe/a.ts', `import {\n  b,\n  c\n} from '../paddle/b.ts'`, 'a processor knows neither'],
    ['server/src/billing/processors/stripe/a.ts', `export { router } from '../../../routes/me.ts'`, 'a processor knows neither'],
    ['server/src/billing/processors/stripe/a.ts', `let request: import('express').Request`, 'a processor knows neither'],
    ['client/src/app.tsx', `import { readConfig } from '../../server/src/config.ts'`, 'the client knows only server/src/contract/'],
    ['server/src/contract/usage.ts', `import { Problem } from '../errors.ts'`, 'the contract is shared'],
    ['server/src/app.ts', `import '../../scripts/start.ts'`, 'must run without its tools'],
    ['server/src/config.ts', `const port = process.env.PORT`, 'reads process.env: only server/src/main.ts may'],
    ['server/src/config.ts', `const { env } = process`, 'reads process.env'],
    ['server/src/config.ts', `import { env } from 'node:process'`, 'reads process.env']
  ]

  test.each(PLANTS)('%s: %s', (path, text, report) => {
    const violations = boundaryViolations([{ path, text: `import { z } from 'zod'\n${text}\n` }])
    expect(violations).toEqual([expect.stringContaining(report)])
    expect(violations[0]).toMatch(new RegExp(`^${path} .* \\(ARCHITECTURE\\.md, section Boundaries\\)\\.$`))
  })
})

test('what is allowed is not reported', () => {
  const allowed = [
    { path: 'server/src/db/postgres.ts', text: `import pg from 'pg'` },
    { path: 'server/src/main.ts', text: `main(process.env)` },
    { path: 'server/src/billing/processors/stripe/a.ts', text: `import Stripe from 'stripe'\nimport { x } from './b.ts'\nimport { y } from '../../payload.ts'` },
    { path: 'client/src/app.tsx', text: `import { usage } from '../../server/src/contract/usage.ts'` },
    { path: 'server/tests/db/a.test.ts', text: `import { Client } from 'pg'` },
    { path: 'server/src/config.ts', text: `/** Never read process.env here. */\nlet a = 1 // import('pg') would be wrong\n// import pg from 'pg'` }
  ]
  expect(boundaryViolations(allowed)).toEqual([])
})

test('every form of import is seen', () => {
  const code = `import a from 'a'\nimport 'b'\nimport { c,\n d } from "c"\nexport * from 'd'\nawait import('e')\nrequire('f')\nimport type { G } from 'g'`
  expect(importsOf(code)).toEqual(['a', 'b', 'c', 'd', 'g', 'e', 'f'])
})
