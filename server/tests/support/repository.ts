import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SourceFile } from './boundaries.ts'

/** ROOT is the repository's folder. */
export const ROOT = resolve(import.meta.dirname, '../../..')

/** readFiles reads the files that match the patterns, sorted by path; nothing below node_modules or a data folder. */
export function readFiles(...patterns: string[]): SourceFile[] {
  return globSync(patterns, { cwd: ROOT, exclude: (path) => /(^|[\\/])(node_modules|\.data|dist)([\\/]|$)/.test(path) })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}
