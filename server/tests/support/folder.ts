import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { closeAfterTests } from './database.ts'

/**
 * createFolder writes files (path inside it to text) into a temporary folder and returns its path; it is removed when the
 * test file ends.
 */
export function createFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-files-'))
  closeAfterTests(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}
