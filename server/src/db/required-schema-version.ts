import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const MIGRATIONS = join(import.meta.dirname, '../../../supabase/migrations')

let required: string | null | undefined

/**
 * requiredSchemaVersion is the newest migration of this checkout (yyyymmddhhmmss), which the code was written for. Null
 * where the server runs without its `supabase` folder.
 */
export function requiredSchemaVersion(): string | null {
  required ??= readNewest()
  return required
}

/** isOlder tells whether a database is behind; one that is ahead is fine, as it is while a new release is rolled out. */
export function isOlder(version: string | null, needed: string | null): boolean {
  return needed !== null && (version === null || version < needed)
}

function readNewest(): string | null {
  try {
    const versions = readdirSync(MIGRATIONS).flatMap((file) => /^(\d{14})_.*\.sql$/.exec(file)?.[1] ?? [])
    return versions.sort().at(-1) ?? null
  } catch {
    return null
  }
}
