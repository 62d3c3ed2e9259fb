import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { identify, isAlive, worksIn } from './process-identity.ts'
import { codeOf, fileFault } from './start-error.ts'
import { endProcess } from './stop-child.ts'

/**
 * readPostmasterFile reads `postmaster.pid`, or returns null when there is none. Line 1 is the process, line 8 the status,
 * `ready` once connections are taken (src/include/utils/pidfile.h; pg_ctl waits the same way).
 */
export function readPostmasterFile(folder: string): { pid: number; status: string } | null {
  const path = join(folder, 'postmaster.pid')
  try {
    const lines = readFileSync(path, 'utf8').split('\n')
    return { pid: Number(lines[0]), status: (lines[7] ?? '').trim() }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw fileFault('read', path, error)
  }
}

/** removeLeftPostmaster ends a Postgres that outlived its starter on these files, and removes a file that names nobody. */
export async function removeLeftPostmaster(folder: string, log: (line: string) => void): Promise<void> {
  const file = readPostmasterFile(folder)
  if (file === null || !(file.pid > 0)) return
  const left = identify(file.pid)
  if (left === null) return
  if (worksIn(file.pid, folder)) {
    log(`ending the Postgres that an earlier start left running (process ${file.pid})…`)
    await endProcess(left, ['SIGINT', 'SIGQUIT', 'SIGKILL'], 10_000)
  } else if (isAlive(left)) {
    // Its number now belongs to a stranger, whom Postgres would take for a running server.
    rmSync(join(folder, 'postmaster.pid'), { force: true })
  }
}
