import { Command, Option } from 'commander'
import { connectedDatabaseUrl } from './embedded/connected-database.ts'
import { loadEnvironment } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'

const command = new Command('npm run --silent db:url --')
  .description(
    'Prints the connection string of the running embedded database, and nothing else: psql "$(npm run --silent db:url)". ' +
      'With DATABASE_URL set it prints that.'
  )
  .addOption(
    new Option('--role <role>', 'owner: superuser; operator: reads all, repairs; server: what the server may do')
      .choices(['owner', 'operator', 'server'] as const)
      .default('owner' as const)
  )
  .parse()

await runCommand(() => console.log(connectedDatabaseUrl(loadEnvironment(), command.opts().role)))
