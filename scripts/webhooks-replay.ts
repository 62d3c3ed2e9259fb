import { Command, InvalidArgumentError, Option } from 'commander'
import { withClient } from './database/with-client.ts'
import { connectedDatabaseUrl } from './embedded/connected-database.ts'
import { loadEnvironment } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { codeOf, StartError } from './embedded/start-error.ts'
import { WEBHOOK_PROCESSORS } from './webhook/delivery.ts'
import { awaitVerdict, findDelivery, makeDue, type Verdict } from './webhook/replay.ts'
import type { ClientBase } from 'pg'

const command = new Command('npm run webhooks:replay --')
  .description(
    'Lets the running server try stored deliveries again at once, failed, dead and discarded ones, and tells what became of them. ' +
      'Harmless: what was processed before is left alone.'
  )
  .argument('<ids...>', "the processor's ids of the events, such as evt_1Abc")
  .addOption(new Option('--processor <processor>', 'where an id is of two').choices(WEBHOOK_PROCESSORS))
  .option('--wait-seconds <seconds>', 'how long to wait for the server', toSeconds, 15)
  .addHelpText('after', '\nThe database is DATABASE_URL, else the embedded one of DATA_DIR. Exit code 0: all are processed.')
  .parse()

const ids = [...new Set(command.args)]
const options = command.opts<{ processor?: (typeof WEBHOOK_PROCESSORS)[number]; waitSeconds: number }>()

await runCommand(async () => {
  const url = connectedDatabaseUrl(loadEnvironment(), 'operator')
  try {
    await withClient(url, replayAll)
  } catch (error) {
    // What the driver and the database say (refused, wrong password, no right) never holds the password.
    if (codeOf(error) === '' || !(error instanceof Error)) throw error
    throw new StartError(`The database cannot be used: ${error.message || codeOf(error)}.`, { cause: error })
  }
})

async function replayAll(client: ClientBase): Promise<void> {
  const due = []
  for (const id of ids) {
    const found = await findDelivery(client, id, options.processor ?? null)
    const settled = 'sentence' in found ? found : await makeDue(client, found)
    if (settled !== null) tell(settled)
    else if (!('sentence' in found)) due.push(found)
  }
  const deadlineMs = performance.now() + options.waitSeconds * 1000
  for (const delivery of due) tell(await awaitVerdict(client, delivery, deadlineMs))
}

function tell({ processed, sentence }: Verdict): void {
  console.log(sentence)
  if (!processed) process.exitCode = 1
}

function toSeconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('Write whole seconds, such as 15.')
  return Number(text)
}
