import { pino, type Logger } from 'pino'
import type { Config } from '../config.ts'
import { REDACTED } from './request-log.ts'

/**
 * createLog writes one JSON object per line to stdout. In a terminal it writes only warnings and worse, so that what the
 * start prints stays readable; LOG_LEVEL decides otherwise.
 */
export function createLog(config: Config, isTerminal: boolean): Logger {
  const usual = isTerminal && !config.production ? 'warn' : 'info'
  return pino({
    level: config.logLevel ?? usual,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: '[redacted]' }
  })
}
