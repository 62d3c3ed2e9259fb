import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { codeOf } from '../../embedded/start-error.ts'
import type { Edit } from './mutant.ts'

const PREFIX = 'parley-mutants-'
const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', '.git', '.data', 'coverage', 'client/screenshots'])

/** Tree is a copy of the repository in a temporary folder; `apply` writes an edit and returns what takes it back. */
export type Tree = { root: string; read(file: string): string | null; apply(edit: Edit): () => void; remove(): void }

/**
 * copyTree copies the tree at `from` and shares its node_modules. The built client comes along, so that it is not built
 * again. What a killed process left behind is removed by the next copy.
 */
export function copyTree(from: string): Tree {
  removeAbandonedTrees()
  const root = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  try {
    cpSync(from, root, { recursive: true, filter: (source) => isTaken(relative(from, source)) })
    symlinkSync(join(from, 'node_modules'), join(root, 'node_modules'))
  } catch (error) {
    rmSync(root, { recursive: true, force: true })
    throw error
  }
  const read = (file: string): string | null => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null)
  return {
    root,
    read,
    apply({ file, text }) {
      const before = read(file)
      writeFileSync(join(root, file), text)
      return () => (before === null ? rmSync(join(root, file)) : writeFileSync(join(root, file), before))
    },
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
}

function isTaken(path: string): boolean {
  return !LEFT_OUT.has(path) && !(dirname(path) === 'client' && path.startsWith('client/dist.'))
}

function removeAbandonedTrees(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (owner !== undefined && hasEnded(Number(owner))) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function hasEnded(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return false
  } catch (error) {
    // Anything else: it lives and belongs to somebody else, as do its trees.
    return codeOf(error) === 'ESRCH'
  }
}
