import { Command } from 'commander'
import { isLiveKey } from '../server/src/billing/processors/stripe/client.ts'
import { loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { readCatalog, withCatalog, writePrice } from './setup/catalog.ts'
import { setUpEndpoint, setUpPortal } from './setup/stripe-account.ts'
import { plansOf, setUpCatalog } from './setup/stripe-catalog.ts'
import { openShop } from './setup/stripe-shop.ts'

const command = new Command('npm run setup:stripe --')
  .description(
    'Makes a product for every plan, its prices, the customer portal and the webhook endpoint at Stripe, and writes the price ' +
      'ids into the database. Harmless to repeat. Reads STRIPE_SECRET_KEY, also from .env.'
  )
  .option('--dry-run', 'only tell what would be made', false)
  .option('--webhook-url <url>', 'where Stripe is to send webhooks, such as https://parley.example/webhooks/stripe')
  .option('--database-url <url>', 'a postgres:// URL (default: DATABASE_URL, else the running embedded database)')
  .parse()

const options = command.opts<{ dryRun: boolean; webhookUrl?: string; databaseUrl?: string }>()

await runCommand(async () => {
  const environment = loadEnvironment()
  const apiKey = settingOf(environment, 'STRIPE_SECRET_KEY')
  if (apiKey === undefined) throw new StartError('Set STRIPE_SECRET_KEY first (dashboard.stripe.com, Developers, API keys).')
  const apiUrl = settingOf(environment, 'STRIPE_API_URL')
  const webhookUrl = options.webhookUrl === undefined ? null : webUrl(options.webhookUrl)

  await withCatalog(options.databaseUrl, environment, async (database) => {
    const catalog = await readCatalog(database)
    const mode = isLiveKey(apiKey) ? 'live' : 'test'
    console.log(`${catalog.length} prices in the catalog, Stripe in ${mode} mode${options.dryRun ? ' (dry run: nothing is made or written)' : ''}`)
    const total = plansOf(catalog).size + catalog.length + 1 + (webhookUrl === null ? 0 : 1)
    const shop = openShop({ apiKey, ...(apiUrl === undefined ? {} : { apiUrl }) }, { isDryRun: options.dryRun, total, say: (line) => console.log(line) })
    await setUpCatalog(shop, catalog, (price) => writePrice(database, price))
    await setUpPortal(shop)
    if (webhookUrl === null) {
      console.log('No webhook endpoint was made: give --webhook-url with the address of your server, followed by /webhooks/stripe.')
      return
    }
    const { secret, others } = await setUpEndpoint(shop, webhookUrl)
    if (secret !== null) console.log(`Its secret, shown only now, for the server's settings (.env):\nSTRIPE_WEBHOOK_SECRET=${secret}`)
    else if (!options.dryRun) console.log('It keeps the secret it has: dashboard.stripe.com, Developers, Webhooks.')
    if (others.length > 0) {
      console.log(`Of another API version, to be deleted three days after the server knows the new secret: ${others.join(', ')}`)
    }
  })
})

function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const isLocal = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1'
  if (url?.protocol !== 'https:' && !(isLocal && url?.protocol === 'http:')) {
    throw new StartError('--webhook-url is no https:// URL: Stripe sends webhooks nowhere else.')
  }
  return text
}
