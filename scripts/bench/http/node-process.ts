import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const START_LIMIT_MS = 30_000

/** NodeProcess is a server in a process of its own; `stop` lets it end by itself (SIGTERM) and waits for that. */
export type NodeProcess = { port: number; stop(): Promise<void> }

/** NodeProgram: `arguments` are Node's own, the script and the script's; what it writes goes into `logFile`. */
export type NodeProgram = { arguments: string[]; environment: Record<string, string>; port: number; logFile: string }

/** startNode resolves when the port takes connections. Throws Error with what it wrote when it ends instead, or does not. */
export async function startNode({ arguments: args, environment, port, logFile }: NodeProgram): Promise<NodeProcess> {
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...environment, PORT: String(port) },
    stdio: ['ignore', log, log]
  })
  closeSync(log)
  const ended = once(child, 'close')
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const stop = async (): Promise<void> => {
    if (isRunning()) child.kill('SIGTERM')
    await ended
  }
  for (const deadline = performance.now() + START_LIMIT_MS; isRunning() && performance.now() < deadline; await wait(20)) {
    if (await takesConnections(port)) return { port, stop }
  }
  if (isRunning()) child.kill('SIGKILL')
  await ended
  throw new Error(`A server did not start:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`)
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
