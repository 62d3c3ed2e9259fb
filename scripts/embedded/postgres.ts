import { closeSync, existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { postgresPrograms } from './binaries.ts'
import { startChild, type Child, type End } from './child.ts'
import { clusterFault, createCluster, takeOverCluster, type Cluster } from './cluster.ts'
import { freePort } from './free-port.ts'
import { openLog, reasonInLog } from './log-file.ts'
import { databaseUser } from './os-user.ts'
import { readPostmasterFile, removeLeftPostmaster } from './postmaster.ts'
import { reachData, reachPrograms } from './reach.ts'
import { fileFault, StartError } from './start-error.ts'
import { stopChild } from './stop-child.ts'

/**
 * PostgresOptions: `dataDir` is the folder of the database files (its parent must exist); without `port` a free one is
 * chosen; `settings` are added to, and win over, the defaults below; `log` takes a line per slow step.
 */
export type PostgresOptions = {
  dataDir: string
  port?: number
  superuserPassword: string
  settings?: Record<string, string>
  log: (line: string) => void
}

/** Postgres is a running one. `url` gives the superuser's connection string; `stop` ends it and is safe to repeat. */
export type Postgres = { port: number; pid: number; ended: Promise<End>; url(database: string): string; stop(): Promise<void> }

const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '128MB',
  max_connections: '100',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // A statement that failed may contain what people wrote; the log needs only the message.
  log_min_error_statement: 'panic'
}
const START_LIMIT_MS = 120_000
const POLL_MS = 10

/**
 * startPostgres starts the Postgres of the npm package on 127.0.0.1, creating its files the first time, and resolves when
 * it takes connections. What an earlier, killed start left running on the same files is ended first.
 * Throws {@link StartError} with one sentence: files of another version or owner, no rights, no programs for this machine.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { superuserPassword, log } = options
  const cluster = describeCluster(options.dataDir)
  const settings = { ...SETTINGS, ...options.settings }
  if (existsSync(cluster.folder)) {
    const fault = clusterFault(cluster.folder, cluster.programs)
    if (fault !== null) throw new StartError(fault)
    if (cluster.user !== null && statSync(cluster.folder).uid === 0) takeOverCluster(cluster)
    await removeLeftPostmaster(cluster.folder, log)
  } else {
    log('creating the database files (first start only)…')
    await createCluster(cluster, superuserPassword, settings.fsync !== 'off')
  }
  const { child, port } = await startServer(cluster, settings, options.port)
  const password = encodeURIComponent(superuserPassword)
  return {
    port,
    pid: child.pid,
    ended: child.ended,
    url: (database) => `postgresql://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    // SIGINT is Postgres' fast shutdown: sessions are cut, and everything is on disk afterwards. SIGQUIT gives that up.
    stop: () => stopChild(child, ['SIGINT', 'SIGQUIT', 'SIGKILL'], 20_000)
  }
}

function describeCluster(dataDir: string): Cluster {
  try {
    const folder = join(realpathSync(dirname(dataDir)), basename(dataDir))
    return { folder, programs: postgresPrograms(), user: databaseUser(folder) }
  } catch (error) {
    throw error instanceof StartError ? error : fileFault('use', dataDir, error)
  }
}

type Started = { child: Child; port: number }

async function startServer(cluster: Cluster, settings: Record<string, string>, fixedPort?: number): Promise<Started> {
  const deadline = Date.now() + START_LIMIT_MS
  for (let attempt = 1; ; attempt += 1) {
    const port = fixedPort ?? (await freePort())
    const log = openLog(`${cluster.folder}.log`)
    const child = spawnServer(cluster, { ...settings, port: String(port) }, log.descriptor)
    closeSync(log.descriptor)
    if (await isReady(child, cluster.folder, deadline)) return { child, port }
    const end = await child.ended
    const written = readFileSync(log.path).subarray(log.size).toString()
    const portTaken = fixedPort === undefined && written.includes('could not bind')
    // Left-over sessions of a killed server hold its shared memory until they notice, which takes them a moment.
    const memoryHeld = written.includes('pre-existing shared memory block') || written.includes('lock file "postmaster.pid"')
    if ((!portTaken && !memoryHeld) || attempt >= 20) {
      const reason = end.error?.message ?? reasonInLog(written) ?? `it ended with ${end.code ?? end.signal}`
      throw new StartError(`Postgres did not start: ${reason} (its log is ${log.path}).`)
    }
    if (memoryHeld) await wait(200)
  }
}

function spawnServer(cluster: Cluster, settings: Record<string, string>, log: number): Child {
  const programs = reachPrograms(cluster.programs, cluster.user)
  const data = reachData(cluster.folder, cluster.user)
  return startChild({
    program: join(programs.folder, 'bin', 'postgres'),
    args: ['-D', data.folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    workingFolder: cluster.folder,
    user: cluster.user,
    readAnywhere: programs.readAnywhere || data.readAnywhere,
    endsWithParent: 'INT',
    stdio: ['ignore', log, log]
  })
}

async function isReady(child: Child, folder: string, deadline: number): Promise<boolean> {
  while (!child.hasEnded()) {
    const file = readPostmasterFile(folder)
    if (file?.pid === child.pid && file.status === 'ready') return true
    if (Date.now() > deadline) {
      await stopChild(child, ['SIGQUIT', 'SIGKILL'], 2_000)
      throw new StartError(`Postgres took longer than ${START_LIMIT_MS / 1000} s to start in ${folder}.`)
    }
    await wait(POLL_MS)
  }
  return false
}
