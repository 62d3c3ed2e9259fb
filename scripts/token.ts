import { Command, InvalidArgumentError } from 'commander'
import { dataPaths } from './embedded/data-folder.ts'
import { dataDirOf, loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { readRunState } from './embedded/run-state.ts'
import { readSecrets } from './embedded/secrets.ts'
import { StartError } from './embedded/start-error.ts'
import { signSessionToken } from '../server/src/sandbox/session-token.ts'

const ONE_DAY_SECONDS = 24 * 3600

const command = new Command('npm run --silent token --')
  .description(
    'Prints a session token of the local sign-in key, as Clerk would issue it after a sign-in: ' +
      'curl -H "Authorization: Bearer $(npm run --silent token -- alice)" http://localhost:3000/api/me'
  )
  .argument('<user>', 'the user id', toId)
  .option('--org <org>', "the id of the user's active organization, which then is the account", toId)
  .option('--role <role>', "the user's role in it (default: member)", toRole)
  .option('--operator', 'the user operates the service: opens the pages below /admin')
  .option('--expires-in <seconds>', 'how long it is valid; -60 makes one that has expired', toSeconds, ONE_DAY_SECONDS)
  .parse()

const options = command.opts<{ org?: string; role?: string; operator?: true; expiresIn: number }>()

await runCommand(() => {
  const environment = loadEnvironment()
  if (options.role !== undefined && options.org === undefined) {
    throw new StartError('--role is a role in an organization: name that with --org.')
  }
  if (settingOf(environment, 'CLERK_SECRET_KEY') !== undefined) {
    throw new StartError('CLERK_SECRET_KEY is set, so Clerk issues the session tokens; the local key would not be accepted.')
  }
  const paths = dataPaths(dataDirOf(environment))
  const secrets = readSecrets(paths)
  if (secrets === null) {
    throw new StartError(`${paths.folder} holds no local key yet: run \`npm start\` first, or set DATA_DIR to the folder of the server.`)
  }
  const port = readRunState(paths)?.httpPort ?? Number(settingOf(environment, 'PORT') ?? 3000)
  console.log(
    signSessionToken(secrets.clerk.privateKey, {
      userId: command.args[0] ?? '',
      organization: options.org === undefined ? null : { id: options.org, role: options.role ?? 'member' },
      operator: options.operator ?? false,
      authorizedParty: `http://localhost:${port}`,
      expiresInSeconds: options.expiresIn
    })
  )
})

function toId(text: string): string {
  if (!/^[\w.@:-]{1,255}$/.test(text)) throw new InvalidArgumentError('Use letters, digits and . _ - @ : only.')
  return text
}

function toRole(text: string): string {
  const role = text.replace(/^org:/, '')
  if (!/^[a-z][a-z0-9_]*$/.test(role)) throw new InvalidArgumentError('Write it like admin or member.')
  return role
}

function toSeconds(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write whole seconds, such as 3600.')
  return Number(text)
}
