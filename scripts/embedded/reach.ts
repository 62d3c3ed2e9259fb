import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Programs } from './binaries.ts'
import { canReadAnywhere } from './child.ts'
import { canReach, type OsUser } from './os-user.ts'
import { StartError } from './start-error.ts'

/** Reach: the folder to run programs from, and whether the child must be lent the right to enter closed folders. */
export type Reach = { folder: string; readAnywhere: boolean }

const COPIES = '/var/lib/parley'

/**
 * reachPrograms makes programs usable by `user` (null: the present one). Root's own clone often lies below a folder that
 * is closed to others (/root): then the child is lent the right to read there or, where the kernel refuses that, gets a
 * copy under /var/lib/parley. Throws {@link StartError} when neither works.
 */
export function reachPrograms(programs: Programs, user: OsUser | null): Reach {
  const { folder } = programs
  if (user === null || canReach(join(folder, 'x'), user)) return { folder, readAnywhere: false }
  if (canReadAnywhere(user, folder)) return { folder, readAnywhere: true }
  return { folder: copyOf(programs), readAnywhere: false }
}

/**
 * reachData tells how `user` gets at its data folder: by path, by path with the lent right, or, where that is refused,
 * as `/proc/self/cwd`, because a working folder stays usable below a closed one.
 */
export function reachData(folder: string, user: OsUser | null): Reach {
  if (user === null || canReach(join(folder, 'x'), user)) return { folder, readAnywhere: false }
  if (canReadAnywhere(user, folder)) return { folder, readAnywhere: true }
  if (process.platform === 'linux') return { folder: '/proc/self/cwd', readAnywhere: false }
  throw new StartError(`${folder} lies below a folder that only root may enter: set DATA_DIR to another one.`)
}

function copyOf({ folder, version }: Programs): string {
  const copy = join(COPIES, `${basename(dirname(folder))}-${basename(folder)}-${version}`)
  try {
    mkdirSync(COPIES, { recursive: true, mode: 0o755 })
    const { uid, mode } = statSync(COPIES)
    if (uid !== 0 || (mode & 0o022) !== 0) throw new Error(`${COPIES} can be changed by others than root`)
    if (existsSync(copy)) return copy
    const unfinished = `${copy}.${process.pid}`
    rmSync(unfinished, { recursive: true, force: true })
    // Without verbatimSymlinks the links between the shared libraries would point back into the closed folder.
    cpSync(folder, unfinished, { recursive: true, verbatimSymlinks: true })
    renameSync(unfinished, copy)
    return copy
  } catch (error) {
    throw new StartError(
      `${folder} lies below a folder that only root may enter, and a copy in ${COPIES} failed ` +
        `(${error instanceof Error ? error.message : String(error)}): clone to another place, or start as an ordinary user.`
    )
  }
}
