import { Command } from 'commander'
import { buildClient, buildClientWhenStale, CLIENT_DIRECTORY } from './client/built-client.ts'
import { runCommand } from './embedded/run-command.ts'

const command = new Command('npm run build --')
  .description('Builds the web client, which the server serves. `npm start` and `npm test` do it by themselves; production does it once.')
  .option('--force', 'also where nothing has changed since')
  .parse()

await runCommand(async () => {
  if (command.opts<{ force?: true }>().force) await buildClient()
  else await buildClientWhenStale(console.log)
  console.log(`The web client is built: ${CLIENT_DIRECTORY}`)
})
