import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { readConfig } from '../../../server/src/config.ts'
import { performOperations } from '../../../server/src/jobs/perform-operations.ts'
import { sweepReservations } from '../../../server/src/jobs/sweep-reservations.ts'
import { startServer } from '../../../server/src/server.ts'

// The server itself, whose two slow jobs take their turns one after another instead of every 5 and 30 seconds: a process that
// is to be killed while it sweeps need not be waited for half a minute.
const config = readConfig(process.env)
const log = pino({ level: 'silent' })
const { url, parts } = await startServer(config, log, { jobs: 'on demand' })
process.stdout.write(`Parley is ready at ${url}\n`)

const BETWEEN_TURNS_MS = 20
for (;;) {
  // As with the repeating jobs, the next turn makes up for one that failed.
  await sweepReservations(parts).catch(() => undefined)
  await performOperations(parts).catch(() => undefined)
  await pause(BETWEEN_TURNS_MS)
}
