import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../embedded/free-port.ts'
import { StartError } from '../../embedded/start-error.ts'

/** Flushing is Redis' `appendfsync`: always = on disk before it answers; everysec = up to a second may be lost. */
export type Flushing = 'always' | 'everysec'

/** Redis is a running one of our own; `stop` ends it and deletes its files. */
export type Redis = { port: number; stop(): Promise<void> }

/** REDIS_MISSING tells how to have a Redis to compare with. */
export const REDIS_MISSING =
  'Redis: there is no redis-server on PATH or in $REDIS_SERVER, and none comes by npm. Install it (Debian, Ubuntu: ' +
  'apt-get install redis-server; macOS: brew install redis) and run this suite again.'

/** findRedis returns the redis-server to start and its version, or null when there is none. */
export function findRedis(): { program: string; version: string } | null {
  const program = process.env['REDIS_SERVER'] ?? 'redis-server'
  const version = /v=([\d.]+)/.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
  return version === undefined ? null : { program, version }
}

/** startRedis starts one that writes every command to its append-only file. Throws StartError when it does not answer. */
export async function startRedis(program: string, flushing: Flushing): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-redis-'))
  const port = await freePort()
  const child = spawn(
    program,
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', flushing],
    { stdio: 'ignore' }
  )
  const ended = once(child, 'close')
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await answers(port)) return { port, stop }
    if (child.exitCode !== null) break
    await wait(25)
  }
  await stop()
  throw new StartError(`${program} did not start.`)
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [answer] = await once(socket, 'data')
    return String(answer).startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
