import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { ProcessorName } from '../server/src/billing/billing-event.ts'
import { AnswerUnknown, type Processor, ProcessorRefusal } from '../server/src/billing/processor.ts'
import { reconcile } from '../server/src/billing/reconcile.ts'
import type { Database } from '../server/src/db/database.ts'
import { readClock } from '../server/src/db/functions/read-clock.ts'
import { openPostgres } from '../server/src/db/postgres.ts'
import { createProcessors } from '../server/src/server.ts'
import { loadEnvironment } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { commandConfig } from './reconcile/command-config.ts'
import { driftLines } from './reconcile/drifts.ts'
import { createScreen } from './smoke/steps.ts'

const PROCESSORS: readonly ProcessorName[] = ['stripe', 'paddle', 'razorpay']

const command = new Command('npm run reconcile --')
  .description(
    'Asks the processors what happened and how every subscription stands, and makes good what never arrived, by the same way ' +
      'a delivery takes. Prints each field that differed. One that was broken off goes on where it was.'
  )
  .addArgument(new Argument('<what>', 'what to compare').choices(['subscriptions']))
  .option('--since <time>', 'how far to look back, such as 2026-11-01 (default: since the last run)', toTime)
  .option('--dry-run', 'tell what differs, correct nothing')
  .addOption(new Option('--processor <processor>', 'only this one').choices(PROCESSORS))
  .addHelpText('after', '\nThe server does this by itself every hour. Exit code 0: compared with all of them.')
  .parse()

const options = command.opts<{ since?: string; dryRun?: boolean; processor?: ProcessorName }>()

await runCommand(async () => {
  const config = commandConfig(loadEnvironment())
  if (config.database.transport !== 'pg') throw new StartError('This needs a connection string: set DATABASE_URL.')
  const db = openPostgres({ url: config.database.url })
  try {
    const clock = await readClock(db)
    const wanted = createProcessors(config, () => Date.now() + clock.offsetMs).filter(
      ({ name, api }) => api !== null && (options.processor ?? name) === name
    )
    if (wanted.length === 0) throw new StartError('No processor can be asked: set its API key, such as STRIPE_SECRET_KEY.')
    for (const processor of wanted) await compare(db, processor)
  } finally {
    await db.close()
  }
})

async function compare(db: Database, processor: Processor): Promise<void> {
  const screen = createScreen(process.stdout)
  let done = 0
  try {
    const found = await reconcile(db, processor, {
      since: options.since ?? null,
      dryRun: options.dryRun ?? false,
      onEntry: ({ eventType }) => screen.progress(`${processor.name}: ${(done += 1)} compared, ${eventType}`)
    })
    for await (const line of driftLines(db, found.runId)) screen.line(line)
    const made = options.dryRun ? 'nothing is corrected' : `${found.corrections} corrected`
    screen.line(`${processor.name} since ${found.since}${found.resumed ? ' (gone on)' : ''}: ${found.entries} compared, ${found.drifts} fields differ, ${made}.`)
  } catch (error) {
    if (!(error instanceof AnswerUnknown || error instanceof ProcessorRefusal)) throw error
    // The others are compared all the same.
    screen.line(`${processor.name}: ${error.message} The next run goes on there.`)
    process.exitCode = 1
  }
}

function toTime(text: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('Write a time such as 2026-11-01 or 2026-11-01T12:00:00Z.')
  return time.toISOString()
}
