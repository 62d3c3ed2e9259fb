import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Programs } from './binaries.ts'
import { startChild } from './child.ts'
import type { OsUser } from './os-user.ts'
import { reachData, reachPrograms } from './reach.ts'
import { fileFault, StartError } from './start-error.ts'

/** Cluster: what it takes to create or check the files of one Postgres. `folder` is an absolute path. */
export type Cluster = { folder: string; programs: Programs; user: OsUser | null }

/** clusterFault says in one sentence why the existing files in `folder` cannot be used, or returns null. */
export function clusterFault(folder: string, programs: Programs): string | null {
  try {
    if (!existsSync(folder)) return null
    const found = readFileSync(join(folder, 'PG_VERSION'), 'utf8').trim()
    const needed = programs.version.split('.')[0]
    if (found === needed) return null
    return `${folder} holds data of Postgres ${found}, but Postgres ${needed} is installed: set DATA_DIR to another folder, or start once more with the version that made it.`
  } catch (error) {
    return fileFault('read', join(folder, 'PG_VERSION'), error).message
  }
}

/**
 * createCluster runs initdb (UTF-8, C.UTF-8, password logins only). The folder gets its name when it is complete, so that
 * an interrupted first start leaves nothing half-made. `durable` false skips the final sync to disk.
 */
export async function createCluster(cluster: Cluster, superuserPassword: string, durable: boolean): Promise<void> {
  const unfinished = `${cluster.folder}.unfinished`
  const secretFolder = mkdtempSync(join(tmpdir(), 'parley-'))
  try {
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished, { mode: 0o700 })
    const passwordFile = join(secretFolder, 'password')
    writeFileSync(passwordFile, superuserPassword, { mode: 0o600 })
    for (const path of [unfinished, secretFolder, passwordFile]) give(path, cluster.user)
    await runInitdb(cluster, unfinished, passwordFile, durable)
    renameSync(unfinished, cluster.folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    throw error instanceof StartError ? error : fileFault('create the database in', cluster.folder, error)
  } finally {
    rmSync(secretFolder, { recursive: true, force: true })
  }
}

/** takeOverCluster gives files that belong to root (a restored backup) to the user Postgres runs as. */
export function takeOverCluster({ folder, user }: Cluster): void {
  if (user !== null) spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, folder])
}

async function runInitdb(cluster: Cluster, folder: string, passwordFile: string, durable: boolean): Promise<void> {
  const programs = reachPrograms(cluster.programs, cluster.user)
  const data = reachData(folder, cluster.user)
  // macOS has no C.UTF-8 for the C library; sorting and case come from Postgres itself on every machine.
  const locale = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'
  const initdb = startChild({
    program: join(programs.folder, 'bin', 'initdb'),
    args: [
      `--pgdata=${data.folder}`, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256',
      '--encoding=UTF8', `--locale=${locale}`, '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
      '--no-instructions', ...(durable ? [] : ['--no-sync'])
    ],
    workingFolder: folder,
    user: cluster.user,
    readAnywhere: programs.readAnywhere || data.readAnywhere,
    endsWithParent: 'KILL',
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let complaint = ''
  initdb.process.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const end = await initdb.ended
  if (end.code === 0) return
  if (complaint.includes('could not look up effective user ID')) {
    throw new StartError(`User id ${process.getuid?.()} has no entry in /etc/passwd, which Postgres needs: start as a user that has one.`)
  }
  const reason = /error: (.*)/.exec(complaint)?.[1] ?? (complaint.trim() || (end.error?.message ?? `it ended with ${end.code ?? end.signal}`))
  throw new StartError(`Postgres could not create its data in ${cluster.folder}: ${reason}.`)
}

function give(path: string, user: OsUser | null): void {
  if (user !== null) chownSync(path, user.uid, user.gid)
}
