import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { dataPaths } from './embedded/data-folder.ts'
import { dataDirOf, loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { readRunState } from './embedded/run-state.ts'
import { StartError } from './embedded/start-error.ts'
import { askControl, describeAnswer, describeState } from './twin/control-client.ts'
import { PROCESSORS } from './twin/processors.ts'

const CARDS = ['good', 'declined', 'declined_later']

const program = new Command('npm run twin --')
  .description(
    'Lets happen at the offline twin what a buyer, a bank or the seller does at the processors, without Parley asking. ' +
      'It drives the twin that npm start has started.'
  )
  .addHelpText(
    'after',
    '\nExamples:\n' +
      '  npm run twin -- stripe list\n' +
      '  npm run twin -- stripe decline sub_1Tw…          its card fails from the next renewal on\n' +
      '  npm run twin -- stripe card sub_1Tw… good        and is good again; a past due bill is tried at once\n' +
      '  npm run twin -- stripe refund sub_1Tw… --amount 500\n' +
      '  npm run twin -- paddle dispute sub_01…\n' +
      '  npm run twin -- stripe faults --loss 0.1 --duplicates 0.5\n' +
      '  npm run twin -- state\n' +
      '\nTime is moved with npm run clock, for Parley and the twin together.'
  )

program.command('state').description('the time, what comes next, subscriptions, webhooks').action(() => show(null))
program.command('deliver').description('sends the webhooks that are pending').action(() => act('deliver', {}))
addFaults(program, {})

for (const processor of PROCESSORS) {
  const actions = program.command(processor).description(`what happens at ${processor}`)
  const on = (path: string) => `${processor}/${path}`
  const add = (name: string, description: string): Command => actions.command(name).description(description)
  add('list', 'the subscriptions there').action(() => show(processor))
  add('pay', 'pays an open checkout')
    .argument('<checkout>')
    .option('--card <card>', 'good, declined, declined_later, or a number', 'good')
    .action((checkoutId: string, { card }: { card: string }) => act(on('pay'), { checkoutId, card }))
  add('decline', 'the card fails from the next renewal on')
    .argument('<subscription>')
    .action((subscriptionId: string) => act(on('setCard'), { subscriptionId, card: 'declined_later' }))
  add('card', 'another card; a past due bill is tried again at once')
    .argument('<subscription>')
    .addArgument(new Argument('<card>').choices(CARDS))
    .action((subscriptionId: string, card: string) => act(on('setCard'), { subscriptionId, card }))
  add('cancel', 'cancels at the end of the period')
    .argument('<subscription>')
    .option('--now', 'at once')
    .action((subscriptionId: string, { now }: { now?: boolean }) => act(on('cancel'), { subscriptionId, when: now ? 'now' : 'period_end' }))
  for (const name of ['pause', 'resume']) {
    add(name, `${name}s it`)
      .argument('<subscription>')
      .action((subscriptionId: string) => act(on(name), { subscriptionId }))
  }
  add('price', 'another price at once, as the portal does it')
    .arguments('<subscription> <price>')
    .action((subscriptionId: string, priceId: string) => act(on('changePrice'), { subscriptionId, priceId }))
  add('refund', 'sends the latest payment back')
    .argument('<subscription>')
    .option('--amount <minor>', 'only so much of it, in cents', toAmount)
    .action((subscriptionId: string, { amount }: { amount?: number }) =>
      act(on('refund'), { subscriptionId, ...(amount === undefined ? {} : { amountMinor: amount }) })
    )
  add('dispute', 'contests the latest payment at the bank')
    .argument('<subscription>')
    .action((subscriptionId: string) => act(on('dispute'), { subscriptionId }))
  add('close-dispute', 'decides a dispute')
    .argument('<dispute>')
    .addArgument(new Argument('<outcome>', 'for the seller').choices(['won', 'lost']))
    .action((disputeId: string, outcome: string) => act(on('closeDispute'), { disputeId, outcome }))
  add('delete-customer', 'deletes a customer')
    .argument('<customer>')
    .action((customerId: string) => act(on('deleteCustomer'), { customerId }))
  add('enable', 'switches a webhook on again that was disabled for failing').action(() => act(on('enable'), {}))
  addFaults(actions, { processor })
}

await program.parseAsync()

type FaultOptions = {
  duplicates?: number
  loss?: number
  ackLoss?: number
  shuffle?: string
  loseAnswers?: number
  loseNext?: number
  failBefore?: number
  failNext?: number
}

function addFaults(parent: Command, scope: { processor?: string }): void {
  const whose = scope.processor === undefined ? 'all processors' : 'this processor'
  parent
    .command('faults')
    .description(`what goes wrong from now on, for ${whose}; a rate of 0 ends it`)
    .option('--duplicates <rate>', 'of the webhooks are sent twice', toRate)
    .option('--loss <rate>', 'of the webhooks never arrive', toRate)
    .option('--ack-loss <rate>', "of Parley's answers are lost, so that the webhook comes again", toRate)
    .addOption(new Option('--shuffle <how>', 'the order of webhooks').choices(['none', 'group', 'all']))
    .option('--lose-answers <rate>', 'of the API requests take effect, but are not answered', toRate)
    .option('--lose-next <n>', 'the same for the next changes', toCount)
    .option('--fail-before <rate>', 'of the API requests are answered 500 without effect', toRate)
    .option('--fail-next <n>', 'the same for the next changes', toCount)
    .action(({ duplicates, loss, ackLoss, ...others }: FaultOptions) =>
      act('faults', { ...scope, duplicateRate: duplicates, lossRate: loss, ackLossRate: ackLoss, ...others })
    )
}

async function act(path: string, body: object): Promise<void> {
  await runCommand(async () => {
    for (const line of describeAnswer(await askControl(controlUrl(), path, body))) console.log(line)
  })
}

async function show(processor: string | null): Promise<void> {
  await runCommand(async () => {
    for (const line of describeState(await askControl(controlUrl(), 'state', null), processor)) console.log(line)
  })
}

function controlUrl(): string {
  const environment = loadEnvironment()
  const paths = dataPaths(dataDirOf(environment))
  const url = settingOf(environment, 'SANDBOX_URL') ?? readRunState(paths)?.twin?.control
  if (url !== undefined) return url
  throw new StartError(
    `No offline twin runs on ${paths.folder}: start one with npm start, without keys of a processor, or set DATA_DIR to the folder of the one that runs.`
  )
}

function toRate(text: string): number {
  if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(text)) throw new InvalidArgumentError('Write a share from 0 to 1, such as 0.1.')
  return Number(text)
}

function toCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number.')
  return Number(text)
}

function toAmount(text: string): number {
  if (!/^[1-9]\d{0,11}$/.test(text)) throw new InvalidArgumentError('Write whole cents, such as 500.')
  return Number(text)
}
