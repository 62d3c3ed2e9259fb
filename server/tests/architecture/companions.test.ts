import { describe, expect, test } from '@jest/globals'
import type { SourceFile } from '../support/boundaries.ts'
import { missingCompanions } from '../support/companions.ts'
import { readFiles } from '../support/repository.ts'

test('every SQL function has its file, its pgTAP test and its TypeScript mirror, and nothing is left over', () => {
  const files = readFiles('supabase/{schemas,tests}/**/*.sql', 'server/src/db/functions/*.ts')
  expect(files.length).toBeGreaterThan(0)
  expect(missingCompanions(files)).toEqual([])
})

describe('a missing part is reported', () => {
  const whole: SourceFile[] = [
    { path: 'supabase/schemas/functions/read_it.sql', text: 'create or replace function api.read_it()' },
    { path: 'supabase/tests/read_it.test.sql', text: '' },
    { path: 'server/src/db/functions/read-it.ts', text: 'export async function readIt() {}' },
    { path: 'supabase/schemas/internal/add_it.sql', text: 'create function app.add_it()' },
    { path: 'supabase/tests/internal/add_it.test.sql', text: '' },
    { path: 'supabase/tests/read_it.order.test.sql', text: '' },
    { path: 'supabase/tests/_grants.test.sql', text: '' }
  ]
  const without = (path: string) => whole.filter((file) => file.path !== path)
  const withText = (path: string, text: string) => [...without(path), { path, text }]

  const PLANTS: [name: string, files: SourceFile[], report: string][] = [
    ['no pgTAP test', without('supabase/tests/read_it.test.sql'), 'needs supabase/tests/read_it.test.sql'],
    ['no mirror', without('server/src/db/functions/read-it.ts'), 'needs server/src/db/functions/read-it.ts'],
    ['a mirror of another name', withText('server/src/db/functions/read-it.ts', 'export const readItAll = 1'), 'must export readIt'],
    ['no SQL file for a test', [...whole, { path: 'supabase/tests/gone.test.sql', text: '' }], 'needs supabase/schemas/functions/gone.sql'],
    ['no SQL file for a mirror', [...whole, { path: 'server/src/db/functions/gone.ts', text: '' }], 'needs supabase/schemas/functions/gone.sql'],
    ['no test of an internal function', without('supabase/tests/internal/add_it.test.sql'), 'needs supabase/tests/internal/add_it.test.sql'],
    ['no internal function for a test', [...whole, { path: 'supabase/tests/internal/gone.test.sql', text: '' }], 'needs supabase/schemas/internal/gone.sql'],
    ['a file that defines another function', withText('supabase/schemas/functions/read_it.sql', 'create function api.read()'), 'must define api.read_it and no other'],
    ['a file that defines two', withText('supabase/schemas/internal/add_it.sql', 'create function app.add_it()\ncreate function app.b()'), 'must define app.add_it and no other']
  ]

  test.each(PLANTS)('%s', (_name, files, report) => {
    expect(missingCompanions(files)).toEqual([expect.stringContaining(report)])
  })

  test('and a whole set is not', () => expect(missingCompanions(whole)).toEqual([]))
})
