import { basename } from 'node:path'
import type { SourceFile } from './boundaries.ts'

/**
 * missingCompanions returns one sentence per broken trio. One SQL function is one file of supabase/schemas/functions that
 * defines `api.<name>`, one supabase/tests/<name>.test.sql, and one server/src/db/functions/<kebab-name>.ts that exports
 * its camelCase name; a function of schema app has a file of supabase/schemas/internal and a test in supabase/tests/internal.
 * A long test is continued in `<name>.<aspect>.test.sql`; a test of several functions has a name that starts with `_`.
 */
export function missingCompanions(files: SourceFile[]): string[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const namesIn = (folder: string, suffix: string) =>
    files.filter(({ path }) => path === `${folder}/${basename(path)}` && path.endsWith(suffix)).map(({ path }) => basename(path, suffix))
  const require = (path: string, origin: string) => (texts.has(path) ? [] : [`${origin} needs ${path}.`])

  const functions = namesIn('supabase/schemas/functions', '.sql')
  const internals = namesIn('supabase/schemas/internal', '.sql')
  return [
    ...functions.flatMap((name) => {
      const path = `supabase/schemas/functions/${name}.sql`
      const mirror = `server/src/db/functions/${kebab(name)}.ts`
      return [
        ...definesOnly(path, `api.${name}`, texts),
        ...require(`supabase/tests/${name}.test.sql`, path),
        ...require(mirror, path),
        ...exportsFunction(mirror, camel(name), texts)
      ]
    }),
    ...internals.flatMap((name) => {
      const path = `supabase/schemas/internal/${name}.sql`
      return [...definesOnly(path, `app.${name}`, texts), ...require(`supabase/tests/internal/${name}.test.sql`, path)]
    }),
    ...namesIn('server/src/db/functions', '.ts').flatMap((name) =>
      require(`supabase/schemas/functions/${name.replaceAll('-', '_')}.sql`, `server/src/db/functions/${name}.ts`)
    ),
    ...namesIn('supabase/tests', '.test.sql')
      .filter((name) => !name.startsWith('_'))
      .flatMap((name) => require(`supabase/schemas/functions/${withoutAspect(name)}.sql`, `supabase/tests/${name}.test.sql`)),
    ...namesIn('supabase/tests/internal', '.test.sql')
      .filter((name) => !name.startsWith('_'))
      .flatMap((name) => require(`supabase/schemas/internal/${withoutAspect(name)}.sql`, `supabase/tests/internal/${name}.test.sql`))
  ]
}

function definesOnly(path: string, name: string, texts: Map<string, string>): string[] {
  const created = [...(texts.get(path) ?? '').matchAll(/^create (?:or replace )?function ([a-z0-9_.]+)/gim)].map(([, found]) => found)
  return created.length === 1 && created[0] === name ? [] : [`${path} must define ${name} and no other function.`]
}

function exportsFunction(path: string, name: string, texts: Map<string, string>): string[] {
  const text = texts.get(path)
  if (text === undefined || new RegExp(`^export (async )?(function|const) ${name}\\b`, 'm').test(text)) return []
  return [`${path} must export ${name}.`]
}

function withoutAspect(name: string): string {
  return name.replace(/\..*$/, '')
}

function kebab(name: string): string {
  return name.replaceAll('_', '-')
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
