import { readFileSync, statSync } from 'node:fs'
import { StartError } from './start-error.ts'

/** OsUser is the user and group a child process runs as, by number. */
export type OsUser = { uid: number; gid: number }

/**
 * databaseUser returns the user that Postgres and PostgREST must run as, or null for the present one. Postgres refuses
 * root, so root steps down: to the owner of `dataFolder` where that exists already, else to `postgres`, else to `nobody`.
 * Throws {@link StartError} when an ordinary user meets a data folder of somebody else.
 */
export function databaseUser(dataFolder: string): OsUser | null {
  const self = process.getuid?.()
  if (self === undefined) return null
  const owner = statSync(dataFolder, { throwIfNoEntry: false })
  if (self !== 0) {
    if (owner === undefined || owner.uid === self) return null
    throw new StartError(
      `${dataFolder} belongs to ${nameOf(owner.uid)}: start as that user, or set DATA_DIR to a folder of your own.`
    )
  }
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const user = accounts().find(({ name }) => name === 'postgres') ?? accounts().find(({ name }) => name === 'nobody')
  if (user === undefined) {
    throw new StartError('Postgres refuses to run as root and there is no user "postgres" or "nobody": start as an ordinary user.')
  }
  return { uid: user.uid, gid: user.gid }
}

/** canReach tells from owner and mode bits whether `user` may enter every folder above `path`. */
export function canReach(path: string, user: OsUser): boolean {
  const parts = path.split('/').slice(1, -1)
  return parts.every((_, index) => {
    const { mode, uid, gid } = statSync(`/${parts.slice(0, index + 1).join('/')}`)
    const enterBit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    return (mode & enterBit) !== 0
  })
}

type Account = OsUser & { name: string }

function accounts(): Account[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4 && Number(fields[2]) > 0)
    .map((fields) => ({ name: fields[0] ?? '', uid: Number(fields[2]), gid: Number(fields[3]) }))
}

function nameOf(uid: number): string {
  return uid === 0 ? 'root' : (accounts().find((account) => account.uid === uid)?.name ?? `user id ${uid}`)
}
