import { accessSync, chmodSync, constants, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { takeLock } from './lock.ts'
import { fileFault, StartError } from './start-error.ts'

/** DEFAULT_DATA_DIR is `.data` in the checkout. */
export const DEFAULT_DATA_DIR = resolve(import.meta.dirname, '..', '..', '.data')

/** DataPaths are the files of one installation. Only `postgres` belongs to the user that Postgres runs as. */
export type DataPaths = {
  folder: string
  lock: string
  run: string
  secrets: string
  postgres: string
  postgrestLog: string
  twin: string
}

/** DataFolder is a folder that this process alone may use until it calls `release` (safe to repeat). */
export type DataFolder = DataPaths & { release(): void }

/** dataPaths names the files below `dataDir`, which need not exist. */
export function dataPaths(dataDir: string): DataPaths {
  const folder = resolve(dataDir)
  return {
    folder,
    lock: join(folder, 'lock'),
    run: join(folder, 'run.json'),
    secrets: join(folder, 'secrets.json'),
    postgres: join(folder, 'postgres'),
    postgrestLog: join(folder, 'postgrest.log'),
    twin: join(folder, 'twin.json')
  }
}

/**
 * openDataFolder creates the folder where needed and takes it for this process. Throws {@link StartError} with one
 * sentence: no rights, something else has its name, another running process has it.
 */
export function openDataFolder(dataDir: string): DataFolder {
  const wanted = resolve(dataDir)
  try {
    if (!existsSync(wanted)) createFolder(wanted)
    if (!statSync(wanted).isDirectory()) throw new StartError(`Cannot use the data folder ${wanted}: it is a file.`)
    accessSync(wanted, constants.R_OK | constants.W_OK | constants.X_OK)
    const paths = dataPaths(realpathSync(wanted))
    return { ...paths, release: takeLock(paths.lock, paths.folder) }
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(`${fileFault('use the data folder', wanted, error).message.slice(0, -1)}; set DATA_DIR to one of yours.`, { cause: error })
  }
}

// Not `recursive`: on a file system that refuses folders (/proc) Node then tries for ever.
function createFolder(folder: string): void {
  if (!existsSync(dirname(folder))) createFolder(dirname(folder))
  // Root's Postgres runs as another user, who has to pass through on the way to its own folder.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700
  mkdirSync(folder, { mode })
  chmodSync(folder, mode)
}
