import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** SUPABASE_FOLDER is this checkout's `supabase/`, absolute. */
export const SUPABASE_FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../supabase')

/** SchemaFile is one file of `supabase/schemas`: its path inside `supabase/` (with `/`) and its text. */
export type SchemaFile = { path: string; sql: string }

/**
 * schemaPatterns reads `[db.migrations] schema_paths` of `supabase/config.toml`: the load order's only home, because the
 * Supabase CLI reads it from there too. One array of plain strings does not justify a TOML library; anything else in
 * that place throws.
 */
export function schemaPatterns(configToml: string): string[] {
  const withoutComments = configToml.replaceAll(/^\s*#.*$/gm, '')
  const section = /^\[db\.migrations\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(withoutComments)?.[1] ?? ''
  const array = /^\s*schema_paths\s*=\s*\[([\s\S]*?)\]/m.exec(section)?.[1]
  if (array === undefined) throw new Error('supabase/config.toml: [db.migrations] schema_paths is missing.')
  const patterns = [...array.matchAll(/"([^"\\]+)"/g)].map(([, pattern]) => pattern ?? '')
  const rest = array.replaceAll(/"[^"\\]+"/g, '').replaceAll(/[\s,]/g, '')
  if (patterns.length === 0 || rest !== '') {
    throw new Error('supabase/config.toml: schema_paths must be a list of strings in double quotes.')
  }
  return patterns
}

/**
 * readSchemaFiles returns the files of `supabase/schemas` in load order: pattern by pattern, each pattern sorted by name,
 * each file once. A listed path without `*` that does not exist, and a file that no pattern reaches, throw.
 */
export function readSchemaFiles(supabaseFolder = SUPABASE_FOLDER): SchemaFile[] {
  const patterns = schemaPatterns(readFileSync(join(supabaseFolder, 'config.toml'), 'utf8'))
  const paths = new Set<string>()
  for (const pattern of patterns) {
    const found = pattern.includes('*') ? globSync(pattern, { cwd: supabaseFolder }) : [pattern]
    for (const path of found.map(normalise).sort()) {
      if (!existsSync(join(supabaseFolder, path))) {
        throw new Error(`supabase/config.toml lists ${pattern}, which does not exist.`)
      }
      paths.add(path)
    }
  }
  const unreached = globSync('schemas/**/*.sql', { cwd: supabaseFolder })
    .map(normalise)
    .filter((path) => !paths.has(path))
  if (unreached.length > 0) {
    throw new Error(`supabase/config.toml: no schema_paths entry reaches ${unreached.sort().join(', ')}.`)
  }
  return [...paths].map((path) => ({ path, sql: readFileSync(join(supabaseFolder, path), 'utf8') }))
}

function normalise(path: string): string {
  return relative('.', path).replaceAll('\\', '/')
}
