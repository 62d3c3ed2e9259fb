import { randomInt } from 'node:crypto'
import { inspect } from 'node:util'
import { Command, InvalidArgumentError } from 'commander'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { Violation } from './simulate/life.ts'
import { replayCommand, simulate, type SimulationResult } from './simulate/simulation.ts'
import { createScreen } from './smoke/steps.ts'

const command = new Command('npm run simulate --')
  .description(
    'Lets accounts live for months on the offline twin: they buy, change, cancel, pause, are declined, refunded and disputed, ' +
      'while webhooks and answers get lost. After each step every invariant of npm run doctor must hold; at the end Parley must agree ' +
      'with the twin, and replaying the inbox into an empty database must give the same subscriptions.'
  )
  .option('--seed <number>', 'repeats a life (default: a new one)', toCount)
  .option('--accounts <number>', 'how many accounts live', toCount, 8)
  .option('--months <number>', 'for how long', toCount, 24)
  .option('--story', 'tell every step')
  .addHelpText('after', '\nIt needs no running server and leaves nothing behind. Exit code 0: all held.')
  .parse()

const options = command.opts<{ seed?: number; accounts: number; months: number; story?: boolean }>()

await runCommand(async () => {
  const seed = options.seed ?? randomInt(1_000_000)
  const screen = createScreen(process.stdout)
  screen.line(`Seed ${seed}: ${options.accounts} accounts, ${options.months} months.`)
  const begun = performance.now()
  try {
    const result = await simulate({
      seed: String(seed),
      accounts: options.accounts,
      months: options.months,
      onPhase: (phase) => screen.progress(phase),
      onStep: (step) => {
        const line = `${step.at.slice(0, 16)} ${step.accountId} ${step.name}: ${step.outcome}`
        if (options.story) screen.line(line)
        else screen.progress(`${String(Math.floor(step.share * 100)).padStart(3)} % ${line}`)
      }
    })
    tell(result, screen.line, (performance.now() - begun) / 1000)
  } catch (error) {
    if (error instanceof Violation && error.step) {
      const { number, at, accountId, name, outcome } = error.step
      screen.line(`Step ${number}, ${at}: ${accountId} ${name} ${outcome}`)
    }
    screen.line(error instanceof Violation || error instanceof StartError ? error.message : inspect(error))
    screen.line(`\nThe same life again: ${replayCommand({ ...options, seed: String(seed) })} --story`)
    process.exitCode = 1
  }
})

function tell(result: SimulationResult, line: (text: string) => void, seconds: number): void {
  line(`✓ ${result.steps} steps, every invariant after each`)
  line(`✓ ${result.deliveries} deliveries in the inbox; ${result.corrections} that were lost were made good by reconciliation`)
  line(`✓ ${result.subscriptions} subscriptions, all as the twin has them`)
  line('✓ the inbox, replayed in another order into an empty database, gives the same subscriptions and windows')
  line(`\nAll held (${seconds.toFixed(1)} s).`)
}

function toCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.')
  return Number(text)
}
