import { Command, InvalidArgumentError } from 'commander'
import { createClerk } from '../server/src/billing/clerk/clerk.ts'
import { openPostgres } from '../server/src/db/postgres.ts'
import { createProcessors } from '../server/src/server.ts'
import { applyMigrations } from './database/apply.ts'
import { withClient } from './database/with-client.ts'
import { connectedDatabaseUrl } from './embedded/connected-database.ts'
import { loadEnvironment } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { copyCatalog, differences, replayInbox } from './rebuild/replay-inbox.ts'
import { commandConfig } from './reconcile/command-config.ts'
import { createScreen } from './smoke/steps.ts'

const command = new Command('npm run webhooks:rebuild --')
  .description(
    'Proves the inbox: migrates an empty database, replays every stored delivery into it by the code that runs now, and compares ' +
      'subscriptions, windows, refunds and disputes. The database it reads is not changed.'
  )
  .requiredOption('--into <url>', 'connection string of an empty database, as its owner', toUrl)
  .addHelpText('after', '\nThe inbox is that of DATABASE_URL, else of the embedded database of DATA_DIR. Exit code 0: both are the same.')
  .parse()

const { into } = command.opts<{ into: string }>()

await runCommand(async () => {
  const environment = loadEnvironment()
  const config = commandConfig(environment)
  const sources = [...createProcessors(config), createClerk({ webhookSecrets: config.clerk.webhookSecrets })]
  const screen = createScreen(process.stdout)
  await withClient(connectedDatabaseUrl(environment, 'owner'), (from) =>
    withClient(into, async (to) => {
      await applyMigrations(to, { log: (line) => screen.progress(line) })
      const { rows } = await to.query('select from app.webhook_events limit 1')
      if (rows.length > 0) throw new StartError('The database of --into has an inbox already: name an empty one.')
      await copyCatalog(from, to)
      const db = openPostgres({ url: into })
      try {
        const count = await replayInbox(from, db, sources, { onProgress: (done, all) => screen.progress(`${done} of ${all} deliveries`) })
        const found = await differences(from, to)
        for (const line of found) screen.line(line)
        screen.line(`${count} deliveries replayed: ${found.length === 0 ? 'the same subscriptions and windows.' : `${found.length} rows differ.`}`)
        if (found.length > 0) process.exitCode = 1
      } finally {
        await db.close()
      }
    })
  )
})

function toUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text)) throw new InvalidArgumentError('Write it like postgresql://owner:…@localhost/empty.')
  return text
}
