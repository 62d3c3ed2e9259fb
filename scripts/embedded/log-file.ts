import { fstatSync, openSync, renameSync, statSync } from 'node:fs'
import { matchOwner } from './private-file.ts'
import { fileFault } from './start-error.ts'

const KEEP_BYTES = 10_000_000

/** LogFile is open for appending; `size` is where this run's lines begin. The caller closes `descriptor`. */
export type LogFile = { path: string; descriptor: number; size: number }

/** openLog opens a child's log, readable by its owner alone. One that passed 10 MB is first moved to `<path>.1`. */
export function openLog(path: string): LogFile {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > KEEP_BYTES) renameSync(path, `${path}.1`)
    const descriptor = openSync(path, 'a', 0o600)
    matchOwner(path)
    return { path, descriptor, size: fstatSync(descriptor).size }
  } catch (error) {
    throw fileFault('write', path, error)
  }
}

/** reasonInLog returns the last FATAL message of a Postgres log, without its time and process, else its last line, or null. */
export function reasonInLog(text: string): string | null {
  const messages = [...text.matchAll(/(?:FATAL|PANIC): {2}(.*)/g)].map((match) => match[1] ?? '')
  return messages.at(-1) ?? text.trimEnd().split('\n').at(-1) ?? null
}
