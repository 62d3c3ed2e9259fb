import { chmodSync, chownSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf, fileFault } from './start-error.ts'

/** readPrivateFile returns the text of a file, or null when it does not exist. Throws {@link StartError} otherwise. */
export function readPrivateFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw fileFault('read', path, error)
  }
}

/** writePrivateFile replaces a file at once, as a whole, with mode 0600. Throws {@link StartError}. */
export function writePrivateFile(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}`
  try {
    writeFileSync(unfinished, text, { mode: 0o600 })
    chmodSync(unfinished, 0o600)
    matchOwner(unfinished)
    renameSync(unfinished, path)
  } catch (error) {
    throw fileFault('write', path, error)
  }
}

/** matchOwner lets root leave a file to the owner of its folder, who otherwise could not start here again. */
export function matchOwner(path: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}
