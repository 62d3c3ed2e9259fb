/** StartError is a refusal whose message is one sentence for the person at the keyboard. Commands print it and exit 1. */
export class StartError extends Error {}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  ENOENT: 'no such file or folder',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links form a loop',
  EEXIST: 'something else has that name'
}

/** fileFault turns what `node:fs` threw about `path` into a sentence such as "Cannot write /data: permission denied." */
export function fileFault(action: string, path: string, error: unknown): StartError {
  const code = codeOf(error)
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
  return new StartError(`Cannot ${action} ${path}: ${reason}.`, { cause: error })
}

/** codeOf returns the `code` of a Node or Postgres error (`ENOENT`, `28P01`), or '' when it has none. */
export function codeOf(error: unknown): string {
  // No `instanceof`: below jest the errors of Node's own modules are of another realm.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
  return hasCode ? String(error.code) : ''
}
