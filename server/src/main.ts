import { ConfigError, type Environment, readConfig } from './config.ts'
import { DatabaseError } from './db/database.ts'
import { createLog } from './http/log.ts'
import { ListenError } from './http/serve.ts'
import { type RunningServer, startServer } from './server.ts'
import { listStandIns } from './stand-ins.ts'

/**
 * Extra is what a launcher adds: `banner` are further lines to print when the server is ready, `onStopped` ends what the
 * launcher has started, after the server has ended or could not start.
 */
export type Extra = { banner?: string[]; onStopped?: () => Promise<void> }

/**
 * main starts the server and ends it on SIGTERM or SIGINT: running answers finish, then the process exits 0. A second
 * signal ends it at once with 1. What keeps it from starting is printed in a sentence each, and it exits 1.
 */
export async function main(environment: Environment, extra: Extra = {}): Promise<void> {
  // Read by Clerk's libraries themselves.
  process.env['CLERK_TELEMETRY_DISABLED'] ??= '1'
  try {
    const config = readConfig(environment)
    const log = createLog(config, process.stdout.isTTY)
    const server = await startServer(config, log)
    endOnSignals(server, extra)
    const lines = [`Parley is ready at ${server.url}`, ...listStandIns(config).map((part) => `  ${part}`), ...(extra.banner ?? [])]
    process.stdout.write(`${lines.join('\n')}\n`)
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`)
    await extra.onStopped?.()
    process.exit(1)
  }
}

const SAME_SIGNAL_MS = 500

function endOnSignals(server: RunningServer, extra: Extra): void {
  let first: { signal: NodeJS.Signals; at: number } | null = null
  const end = (signal: NodeJS.Signals): void => {
    if (first !== null) {
      // Below npm one Ctrl-C arrives twice: from the terminal and, forwarded, from npm.
      const isEcho = signal === first.signal && Date.now() - first.at < SAME_SIGNAL_MS
      if (!isEcho) process.exit(1)
      return
    }
    first = { signal, at: Date.now() }
    stopAll(server, extra).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${sentenceOf(error)}\n`)
        process.exit(1)
      }
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

async function stopAll(server: RunningServer, extra: Extra): Promise<void> {
  try {
    await server.stop()
  } finally {
    // What the launcher started must end, also when the server did not end well.
    await extra.onStopped?.()
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof ListenError) return error.message
  if (error instanceof DatabaseError) return `The database refuses this server: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

if (import.meta.main) await main(process.env)
