import { type DestinationStream, pino, type Logger } from 'pino'
import type { Config } from '../config.ts'
import { REDACTED } from './request-log.ts'

/**
 * createLog writes one JSON object per line to stdout. In a terminal it writes only warnings and worse, so that what the
 * start prints stays readable; LOG_LEVEL decides otherwise.
 */
export function createLog(config: Config, isTerminal: boolean): Logger {
  const usual = isTerminal && !config.production ? 'warn' : 'info'
  return pino(
    {
      level: config.logLevel ?? usual,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' }
    },
    openStdout()
  )
}

const STDOUT = 1

/**
 * openStdout writes what one turn of the event loop has logged together, before the next turn: requests that are answered at once would
 * otherwise make the server wait for stdout once each. When the process ends by itself, or by an error, nothing is missing.
 */
function openStdout(): DestinationStream {
  const stdout = pino.destination({ dest: STDOUT, sync: true })
  let lines: string[] = []
  const flush = (): void => {
    const text = lines.join('')
    lines = []
    if (text !== '') stdout.write(text)
  }
  process.on('exit', flush)
  return {
    write(line) {
      if (lines.push(line) === 1) setImmediate(flush)
    }
  }
}
