import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { dataPaths } from './embedded/data-folder.ts'
import { dataDirOf, loadEnvironment, settingOf } from './embedded/environment.ts'
import { readRunState } from './embedded/run-state.ts'
import { StartError } from './embedded/start-error.ts'
import { composeScenario, subscriptionOf } from './webhook/compose.ts'
import { WEBHOOK_PROCESSORS } from './webhook/delivery.ts'
import type { WebhookProcessor } from './webhook/delivery.ts'
import { openMemory } from './webhook/memory.ts'
import { RequestError } from './webhook/request-error.ts'
import { WEBHOOK_EVENTS } from './webhook/scenario.ts'
import type { Interval, WebhookEvent } from './webhook/scenario.ts'
import { webhookSecret } from './webhook/secret.ts'
import { sendWebhook } from './webhook/send.ts'

type Options = {
  account: string
  plan?: string
  price?: string
  interval?: Interval
  periodStart?: Date
  subscription?: string
  customer?: string
  eventId?: string
  occurredAt?: Date
  amount?: number
  shape: 'old' | 'current'
  url?: string
}

const command = new Command('npm run webhook --')
  .description(
    'Sends the running server an event as the payment processor would: built in its shape, signed with the local secret. ' +
      'Later events of an account speak of the plan and period that earlier ones told.'
  )
  .addArgument(new Argument('<processor>', 'who sends it').choices(WEBHOOK_PROCESSORS))
  .addArgument(new Argument('<event>', 'what happened').choices(WEBHOOK_EVENTS))
  .requiredOption('--account <id>', 'the Clerk user or organization id that pays')
  .option('--plan <plan>', 'starter, growth or enterprise (needed the first time)')
  .option('--price <id>', "the processor's price id, instead of the plan's sandbox price")
  .addOption(new Option('--interval <interval>', 'how long a period is (default: month)').choices(['month', 'year']))
  .option('--period-start <time>', 'RFC 3339 (default: when it occurs for created and renewed, else the running period)', toDate)
  .option('--subscription <id>', "default: the account's own, always the same")
  .option('--customer <id>', "default: the account's own, always the same")
  .option('--event-id <id>', 'the same id twice is a duplicate, at Razorpay with the same --occurred-at (default: a new one)')
  .option('--occurred-at <time>', "the processor's time of the event, RFC 3339 (default: now)", toDate)
  .option('--amount <minor>', 'in cents (default: 1900)', toAmount)
  .addOption(new Option('--shape <shape>', "the age of Stripe's API version").choices(['old', 'current']).default('current'))
  .option('--url <url>', 'where the server runs (default: the server of DATA_DIR on this machine)')
  .addHelpText(
    'after',
    '\nExamples:\n' +
      '  npm run webhook -- stripe created --account user_1 --plan starter\n' +
      '  npm run webhook -- stripe paid --account user_1\n' +
      '  npm run webhook -- paddle renewed --account user_1 --plan growth --interval year\n' +
      '  npm run webhook -- razorpay created --account alice --plan starter'
  )
  .action(run)

async function run(processor: WebhookProcessor, event: WebhookEvent, options: Options): Promise<void> {
  const environment = loadEnvironment()
  const paths = dataPaths(dataDirOf(environment))
  const secret = webhookSecret(processor, environment, paths)
  const memory = openMemory(paths.folder)
  const key = `${processor}:${options.subscription ?? subscriptionOf(options.account)}`

  const { scenario, plan, interval } = composeScenario(
    { processor, event, ...options, sellerId: settingOf(environment, 'RAZORPAY_ACCOUNT_ID') },
    memory.recall(key),
    new Date()
  )
  const port = readRunState(paths)?.httpPort ?? settingOf(environment, 'PORT') ?? '3000'
  const url = options.url ?? `http://127.0.0.1:${port}`
  const answer = await sendWebhook(processor, scenario, { url, secret })
  console.log(`${processor} ${event} ${scenario.eventId}: ${scenario.accountId}, ${scenario.priceId}, ${scenario.subscriptionId}`)
  console.log(`period ${scenario.periodStart.toISOString()} to ${scenario.periodEnd.toISOString()}`)
  console.log(`answer ${answer.status} ${answer.body}`)
  if (answer.status < 200 || answer.status > 299) process.exitCode = 1
  else memory.remember(key, { plan, interval, periodStart: scenario.periodStart.toISOString() })
}

function toDate(text: string): Date {
  const date = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('Write it like 2026-01-31T10:00:00Z.')
  }
  return date
}

function toAmount(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('Write whole cents, such as 1900.')
  return Number(text)
}

try {
  await command.parseAsync()
} catch (error) {
  if (!(error instanceof RequestError || error instanceof StartError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
