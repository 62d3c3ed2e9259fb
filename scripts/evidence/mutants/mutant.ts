/**
 * Tests is one run of jest: `path` as jest takes it, and `name`, a regular expression for the full names of the tests that
 * are run; left out, all of the file. `withoutDatabase` saves the time that making one takes.
 */
export type Tests = { path: string; name?: string; withoutDatabase?: true }

/**
 * Mutant is one guard taken out of the code. `find` is where it stands in `file` (a path of the repository), exactly once or,
 * with `nth`, at the nth place of all. What comes in its place is either
 * - `replace`: for a file of supabase/schemas/{functions,internal,triggers} the whole file is applied again with that, or
 * - `statement`: for what a file declares once (a table, a grant, a policy): the SQL that takes it away.
 *
 * `tests` should notice, the first ones first. `quick` ones take a few seconds. `survives` says why none can notice.
 */
export type Mutant = {
  id: string
  guard: string
  file: string
  find: string
  nth?: number
  tests: Tests[]
  quick?: true
  survives?: string
} & ({ replace: string } | { statement: string })

/** Edit is a file to write, relative to the root of a tree. */
export type Edit = { file: string; text: string }

/** A migration after all others, so that the tests run unchanged against the mutated database. */
const MIGRATION = 'supabase/migrations/99991231235959_take_guard_out.sql'

/** isSql tells whether a mutant is one of the database. */
export function isSql(mutant: Mutant): boolean {
  return mutant.file.startsWith('supabase/')
}

/**
 * editOf makes the edit that takes the guard out of `source`, the text of its file; or says in a sentence why it cannot:
 * the guard is not there any more, or not at one place only.
 */
export function editOf(mutant: Mutant, source: string): Edit | string {
  const parts = source.split(mutant.find)
  const count = parts.length - 1
  const { nth } = mutant
  if (nth === undefined ? count !== 1 : count < nth) return `its text stands ${count} times in ${mutant.file}`
  if ('statement' in mutant) return { file: MIGRATION, text: mutant.statement }
  const place = nth ?? 1
  const text = [parts.slice(0, place).join(mutant.find), parts.slice(place).join(mutant.find)].join(mutant.replace)
  return { file: isSql(mutant) ? MIGRATION : mutant.file, text }
}

/** NO_CHANGE is what the tests of the database run with before any guard is gone: the same migration, empty. */
export const NO_CHANGE: Edit = { file: MIGRATION, text: '-- nothing is taken out\n' }

/** pgtap names pgTAP files, without folder ending: `pgtap('settle_usage', 'internal/reserve')`. */
export function pgtap(...files: string[]): Tests {
  const name = files.map((file) => `supabase/tests/${file.replaceAll('.', '\\.')}\\.test\\.sql`).join('|')
  return { path: 'server/tests/pgtap.test.ts', name }
}

/** races names a file of server/tests/db and tests in it; where both transports race, the one without PostgREST. */
export function races(file: string, name: string): Tests {
  return { path: `server/tests/db/${file}.test.ts`, name: `^(?!.*over postgrest).*(${name})` }
}

/** unit names a file below server/tests, with or without tests in it. */
export function unit(file: string, name?: string): Tests {
  return { path: `server/tests/${file}.test.ts`, ...(name !== undefined && { name }) }
}

/** pure is {@link unit} for a file that asks for no database. */
export function pure(file: string, name?: string): Tests {
  return { ...unit(file, name), withoutDatabase: true }
}
