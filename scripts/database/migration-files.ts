import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SUPABASE_FOLDER } from './schema-files.ts'

/**
 * MigrationFile is one file of `supabase/migrations`. `version` is its 14-digit UTC timestamp, `name` the `verb_noun`
 * after it, `rollback` the text of the file of the same name under `supabase/rollbacks`, or null.
 */
export type MigrationFile = { version: string; name: string; file: string; sql: string; rollback: string | null }

/** readMigrations returns the migrations in order of version. A file that is no `<yyyymmddhhmmss>_<verb_noun>.sql` throws. */
export function readMigrations(supabaseFolder = SUPABASE_FOLDER): MigrationFile[] {
  const folder = join(supabaseFolder, 'migrations')
  if (!existsSync(folder)) return []
  const migrations = readdirSync(folder)
    .filter((file) => !file.startsWith('.'))
    .sort()
    .map((file) => readMigration(supabaseFolder, file))
  migrations.forEach((migration, index) => {
    const previous = migrations[index - 1]
    if (previous?.version === migration.version) {
      throw new Error(`supabase/migrations: ${previous.file} and ${migration.file} have the same version.`)
    }
  })
  return migrations
}

function readMigration(supabaseFolder: string, file: string): MigrationFile {
  const [, version, name] = /^(\d{14})_([a-z0-9_]+)\.sql$/.exec(file) ?? []
  if (version === undefined || name === undefined) {
    throw new Error(`supabase/migrations/${file}: the name must be <yyyymmddhhmmss>_<verb_noun>.sql.`)
  }
  const rollbackPath = join(supabaseFolder, 'rollbacks', file)
  return {
    version,
    name,
    file,
    sql: readFileSync(join(supabaseFolder, 'migrations', file), 'utf8'),
    rollback: existsSync(rollbackPath) ? readFileSync(rollbackPath, 'utf8') : null
  }
}
