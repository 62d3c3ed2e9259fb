import { Command } from 'commander'
import { createClient } from '../server/src/billing/processors/razorpay/client.ts'
import { AnswerUnknown, ProcessorRefusal } from '../server/src/billing/processor.ts'
import { loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { readCatalog, withCatalog, writePrice } from './setup/catalog.ts'
import { setUpRazorpay, webhookSteps } from './setup/razorpay.ts'

const command = new Command('npm run setup:razorpay --')
  .description(
    'Makes a Razorpay plan for every price of the catalog, writes their ids into the database, and tells how to enter the ' +
      'webhook. Harmless to repeat. Reads RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET.'
  )
  .option('--dry-run', 'only tell what would be made', false)
  .option('--database-url <url>', 'a postgres:// URL (default: DATABASE_URL, else the running embedded database)')
  .option('--webhook-url <url>', 'where Razorpay is to send webhooks (default: /webhooks/razorpay of PUBLIC_URL)')
  .parse()

const options = command.opts<{ dryRun: boolean; databaseUrl?: string; webhookUrl?: string }>()

await runCommand(async () => {
  const environment = loadEnvironment()
  const keyId = settingOf(environment, 'RAZORPAY_KEY_ID')
  const keySecret = settingOf(environment, 'RAZORPAY_KEY_SECRET')
  if (keyId === undefined || keySecret === undefined) {
    throw new StartError('Set RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET first (dashboard.razorpay.com, API Keys).')
  }
  const client = createClient({ keyId, keySecret, apiUrl: settingOf(environment, 'RAZORPAY_API_URL') })
  await withCatalog(options.databaseUrl, environment, async (database) => {
    const catalog = await readCatalog(database)
    console.log(`${catalog.length} prices in the catalog${options.dryRun ? ' (dry run: nothing is made or written)' : ''}`)
    try {
      await setUpRazorpay({
        client,
        catalog,
        write: (price) => writePrice(database, price),
        isDryRun: options.dryRun,
        say: (line) => console.log(line)
      })
    } catch (error) {
      if (error instanceof ProcessorRefusal) throw new StartError(error.message, { cause: error })
      if (error instanceof AnswerUnknown) {
        throw new StartError(`${error.message} Run it again: what was made already is found.`, { cause: error })
      }
      throw error
    }
  })
  const origin = settingOf(environment, 'PUBLIC_URL') ?? 'https://<address of your server>'
  const address = options.webhookUrl ?? `${origin.replace(/\/+$/, '')}/webhooks/razorpay`
  for (const line of webhookSteps(address, settingOf(environment, 'RAZORPAY_WEBHOOK_SECRET'))) console.log(line)
})
