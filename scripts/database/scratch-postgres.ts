import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'pg'
import { startPostgres } from '../embedded/postgres.ts'
import { withClient } from './with-client.ts'

const PREFIX = 'parley-scratch-'

/** ScratchPostgres is a Postgres that lives in a temporary folder; `url` is the superuser's, `stop` removes the folder. */
export type ScratchPostgres = { url(database: string): string; stop(): Promise<void> }

/**
 * startScratchPostgres starts a Postgres of its own for a test run or a check: own folder, own free port, no fsync. When
 * this process is killed the kernel ends Postgres; its folder is removed by the next call.
 */
export async function startScratchPostgres(settings: Record<string, string> = {}): Promise<ScratchPostgres> {
  removeAbandonedFolders()
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  // Postgres refuses to run as root, and its own user must be able to enter.
  chmodSync(folder, 0o711)
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  const log: string[] = []
  try {
    const postgres = await startPostgres({
      dataDir: join(folder, 'postgres'),
      superuserPassword: randomBytes(16).toString('hex'),
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', ...settings },
      log: (line) => log.push(line)
    })
    const stop = async () => {
      await postgres.stop()
      removeFolder()
    }
    return { url: (database) => postgres.url(database), stop }
  } catch (error) {
    removeFolder()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error([`A scratch Postgres did not start: ${reason}`, ...log.slice(-20)].join('\n'), { cause: error })
  }
}

/** withScratchDatabase hands a superuser's connection to an empty database of a scratch Postgres to `work`. */
export async function withScratchDatabase<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  const postgres = await startScratchPostgres()
  try {
    return await withClient(postgres.url('postgres'), work)
  } finally {
    await postgres.stop()
  }
}

function removeAbandonedFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (owner !== undefined && !isAlive(Number(owner))) removeOwn(join(tmpdir(), name))
  }
}

// What another user left is theirs to remove.
function removeOwn(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))) throw error
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // EPERM: it lives and belongs to somebody else, as does a folder we could not remove.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
