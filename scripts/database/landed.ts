import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

const FOLDER = 'supabase/migrations'

/** GitError is a git that cannot answer, in its own words. */
export class GitError extends Error {}

/**
 * landedChanges lists the migrations that landed on the main branch and are now, in the working tree, modified, deleted or
 * renamed: a database that already has them would never see the change. Landed means: added by a commit of the
 * first-parent history of `base`. Null where there is no git, no repository or no commit yet.
 *
 * `base` defaults to the fork point from origin/main, or HEAD where there is no origin. Throws {@link GitError} for an
 * unknown `base` and for everything else git complains of: a check that could not be made must not pass.
 */
export function landedChanges(root: string, base?: string): string[] | null {
  const landed = new Map<string, string>()
  const from = base ?? forkPoint(root)
  if (from === null) return null
  // Oldest first: the file as it landed, whatever was done to it later.
  const log = git(root, 'log', '--first-parent', '-m', '--reverse', '--no-renames', '--diff-filter=A', '--raw', '--no-abbrev',
    '--format=', '--relative', '-z', from, '--', FOLDER)
  for (const [, hash, path] of log.matchAll(/:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) A\0([^\0]+)\0/g)) {
    if (hash !== undefined && path?.endsWith('.sql') && !landed.has(path)) landed.set(path, hash)
  }
  return [...landed].flatMap(([path, hash]) => {
    const file = join(root, path)
    if (!existsSync(file)) return [`${path} was deleted or renamed`]
    return blobHash(readFileSync(file), hash.length) === hash ? [] : [`${path} was modified`]
  })
}

function forkPoint(root: string): string | null {
  try {
    return git(root, 'merge-base', 'HEAD', 'origin/main').trim()
  } catch (error) {
    if (isMissing(error)) return null
  }
  try {
    return git(root, 'rev-parse', '--verify', 'HEAD').trim()
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof GitError && /not a git repository|Needed a single revision|ENOENT/.test(error.message)
}

function git(root: string, ...args: string[]): string {
  // Whoever runs this already runs the checkout's code: another owner of its folder is no reason to refuse.
  const { error, status, stdout, stderr } = spawnSync('git', ['-c', 'safe.directory=*', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024
  })
  if (error) throw new GitError(`git: ${error.message}`)
  if (status !== 0) throw new GitError(`git ${args[0]}: ${stderr.trim()}`)
  return stdout
}

// Git's name for the bytes of a file, in the hash of this repository; https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
function blobHash(bytes: Buffer, hexLength: number): string {
  const algorithm = hexLength === 64 ? 'sha256' : 'sha1'
  return createHash(algorithm).update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
