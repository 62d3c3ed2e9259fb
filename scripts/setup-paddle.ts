import { Command, Option } from 'commander'
import { loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { readCatalog, withCatalog, writePrice } from './setup/catalog.ts'
import { objectsOf, setUpCatalog } from './setup/paddle-catalog.ts'
import { openShop } from './setup/paddle-shop.ts'
import { setUpWebhook } from './setup/paddle-webhook.ts'

const command = new Command('npm run setup:paddle --')
  .description(
    'Makes a product for every plan and its prices at Paddle, writes the price ids into the database, and makes the webhook. ' +
      'Harmless to repeat. Reads PADDLE_API_KEY and PADDLE_ENVIRONMENT (sandbox, or production).'
  )
  .option('--dry-run', 'only tell what would be made', false)
  .option('--webhook-url <url>', 'where Paddle is to send webhooks, such as https://parley.example/webhooks/paddle')
  .option('--database-url <url>', 'a postgres:// URL (default: DATABASE_URL, else the running embedded database)')
  .addOption(new Option('--environment <name>', 'default: PADDLE_ENVIRONMENT, else sandbox').choices(['sandbox', 'production']))
  .parse()

const options = command.opts<{ dryRun: boolean; webhookUrl?: string; databaseUrl?: string; environment?: string }>()

await runCommand(async () => {
  const environment = loadEnvironment()
  const apiKey = settingOf(environment, 'PADDLE_API_KEY')
  if (apiKey === undefined) {
    throw new StartError('Set PADDLE_API_KEY first (vendors.paddle.com, Developer tools, Authentication).')
  }
  const account = options.environment ?? settingOf(environment, 'PADDLE_ENVIRONMENT') ?? 'sandbox'
  if (account !== 'sandbox' && account !== 'production') {
    throw new StartError('PADDLE_ENVIRONMENT is neither sandbox nor production.')
  }
  const webhookUrl = options.webhookUrl === undefined ? null : webUrl(options.webhookUrl)

  await withCatalog(options.databaseUrl, environment, async (database) => {
    const catalog = await readCatalog(database)
    console.log(`${catalog.length} prices in the catalog${options.dryRun ? ' (dry run: nothing is made or written)' : ''}`)
    const connection = { apiKey, environment: account, apiUrl: settingOf(environment, 'PADDLE_API_URL') } as const
    const total = objectsOf(catalog) + (webhookUrl === null ? 0 : 1)
    const shop = openShop(connection, { isDryRun: options.dryRun, total, say: (line) => console.log(line) })
    await setUpCatalog(shop, catalog, (price) => writePrice(database, price))
    if (webhookUrl === null) {
      console.log('No webhook was made: give --webhook-url with the address of your server, followed by /webhooks/paddle.')
      return
    }
    const secret = await setUpWebhook(shop, webhookUrl)
    if (secret !== null) console.log(`Its secret, shown only now, for the server's settings:\nPADDLE_WEBHOOK_SECRET=${secret}`)
    else if (!options.dryRun) console.log('It keeps the secret it has: vendors.paddle.com, Developer tools, Notifications.')
  })
  console.log('At Paddle by hand: a default payment link (Checkout, Checkout settings), without which no checkout can be made.')
})

function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const isLocal = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1'
  if (url?.protocol !== 'https:' && !(isLocal && url?.protocol === 'http:')) {
    throw new StartError('--webhook-url is no https:// URL: Paddle sends webhooks nowhere else.')
  }
  return text
}
