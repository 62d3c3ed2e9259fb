import { Command, InvalidArgumentError } from 'commander'
import { dataPaths } from './embedded/data-folder.ts'
import { dataDirOf, loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { readRunState } from './embedded/run-state.ts'
import { StartError } from './embedded/start-error.ts'
import { NoServer } from './smoke/api.ts'
import { freshSession } from './smoke/session.ts'
import { createScreen } from './smoke/steps.ts'
import { tellStory } from './smoke/story.ts'
import { RequestError } from './webhook/request-error.ts'
import { webhookSecret } from './webhook/secret.ts'

const command = new Command('npm run smoke --')
  .description(
    'Walks a fresh account through the whole story on a running server: sign in, chatbots and messages to the limit, upgrade, ' +
      'refused downgrade, renewal. Stops at the first thing that is not as promised; the exit code tells.'
  )
  .argument('[url]', 'where the server runs (default: the server of DATA_DIR on this machine)', toUrl)
  .option('--token <token>', 'a session token of a fresh user, for a server with Clerk')
  .option('--price <id>', "Stripe's price id of plan growth (default: the sandbox's price_growth_monthly)")
  .option('--keep', 'leave the chatbots it made')
  .addHelpText('after', '\nPayments are Stripe webhooks signed with STRIPE_WEBHOOK_SECRET, else with the local secret of DATA_DIR.')
  .parse()

const options = command.opts<{ token?: string; price?: string; keep?: boolean }>()

await runCommand(async () => {
  const environment = loadEnvironment()
  const paths = dataPaths(dataDirOf(environment))
  const port = readRunState(paths)?.httpPort ?? settingOf(environment, 'PORT') ?? '3000'
  const url = new URL(command.processedArgs[0] instanceof URL ? command.processedArgs[0] : `http://localhost:${port}`)
  const address = url.href.replace(/\/+$/, '')
  try {
    const secret = webhookSecret('stripe', environment, paths)
    const token = options.token ?? freshSession(url, environment, paths)
    const story = { url: address, token, secret, price: options.price ?? null, keep: options.keep ?? false }
    const begun = performance.now()
    const held = await tellStory(story, createScreen(process.stdout))
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    console.log(held ? `\nAll of it is so (${seconds} s).` : `\nIt stopped there (${seconds} s).`)
    if (!held) process.exitCode = 1
  } catch (error) {
    if (error instanceof NoServer) {
      throw new StartError(`No server answers at ${address} (${error.message}): start it with npm start, or name another's URL.`, { cause: error })
    }
    if (error instanceof RequestError) throw new StartError(error.message, { cause: error })
    throw error
  }
})

function toUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('Write it like http://localhost:3000.')
  return url
}
