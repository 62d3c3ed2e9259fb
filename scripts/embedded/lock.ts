import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { matchOwner } from './private-file.ts'
import { identify, isAlive, processIdentitySchema, type ProcessIdentity } from './process-identity.ts'
import { codeOf, StartError } from './start-error.ts'

/**
 * takeLock makes this process the holder of `path` and returns what gives it back. A holder that no longer runs is
 * ignored, also when its process number was given to another process. Throws {@link StartError} that names a living holder,
 * and file errors as they are.
 */
export function takeLock(path: string, folder: string): () => void {
  const self = identify(process.pid)
  if (self === null) throw new StartError('Cannot find out when this process was started: is /proc mounted?')
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    if (create(path, self)) return () => release(path, self)
    const holder = readHolder(path)
    if (holder !== null && isAlive(holder)) {
      throw new StartError(`Process ${holder.pid} already uses the data folder ${folder}: stop it, or set DATA_DIR to another folder.`)
    }
    removeLeftLock(path)
  }
  throw new StartError(`Several processes want the data folder ${folder} at the same moment: try again.`)
}

function create(path: string, self: ProcessIdentity): boolean {
  try {
    const file = openSync(path, 'wx', 0o600)
    writeSync(file, `${JSON.stringify(self)}\n`)
    closeSync(file)
    matchOwner(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    const holder = processIdentitySchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return holder.success ? holder.data : null
  } catch (error) {
    // Not there any more, or not yet written to its end.
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return null
    throw error
  }
}

// Between our look and the removal another process may have done the same and become the holder: what was moved away
// is looked at again and put back.
function removeLeftLock(path: string): void {
  const left = `${path}.${process.pid}`
  try {
    renameSync(path, left)
    const holder = readHolder(left)
    if (holder !== null && isAlive(holder)) renameSync(left, path)
    else rmSync(left, { force: true })
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function release(path: string, self: ProcessIdentity): void {
  const holder = readHolder(path)
  if (holder?.pid === self.pid && holder.startedAt === self.startedAt) rmSync(path, { force: true })
}
