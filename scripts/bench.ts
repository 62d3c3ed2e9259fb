import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { Argument, Command } from 'commander'
import { SETTINGS } from './bench/ground.ts'
import { describeMachine } from './bench/machine.ts'
import { commandOf, keep } from './bench/page.ts'
import { type BenchOptions, type BenchSuite, type Outcome, type SuiteName, SUITES } from './bench/suite.ts'
import { ratesTable, ratiosTable } from './bench/table.ts'
import { runCommand } from './embedded/run-command.ts'
import { StartError } from './embedded/start-error.ts'
import { createScreen } from './smoke/steps.ts'

const DOCS = resolve(import.meta.dirname, '..', 'docs')

const command = new Command('npm run bench --')
  .description(
    'Measures Parley side by side with the same work done bare, with other limiters and with itself, and prints ratios. ' +
      'It starts a Postgres and servers of its own, needs a quiet machine, and leaves nothing behind.'
  )
  .addArgument(new Argument('[suites...]', 'which ones (default: all, about a quarter of an hour)').choices(SUITES))
  .option('--seed <text>', 'repeats the order of a run (default: a new one)')
  .option('--quick', 'small sizes and short rounds, for a look; not written down')
  .option('--profile', 'http: also tell where the time of the server goes')
  .option('--out <folder>', 'where performance.md and performance/ are (default: docs; with --quick: nowhere)')
  .addHelpText('after', '\nTargets are printed beside the ratios; missing one is no failure.')
  .parse()

const options = command.opts<{ seed?: string; quick?: boolean; profile?: boolean; out?: string }>()

await runCommand(async () => {
  const screen = createScreen(process.stdout)
  const quick = options.quick ?? false
  const bench: BenchOptions = {
    seed: options.seed ?? String(randomInt(1_000_000)),
    quick,
    profile: options.profile ?? false,
    rounds: quick ? 3 : 5,
    warmupMs: quick ? 150 : 200,
    durationMs: quick ? 400 : 800,
    progress: process.stdout.isTTY ? screen.progress : everyNowAndThen(screen.line)
  }
  const folder = options.out ?? (quick ? null : DOCS)
  const machine = describeMachine()
  const chosen = SUITES.filter((name) => command.args.length === 0 || command.args.includes(name))
  for (const suite of chosen) {
    try {
      await run(suite)
    } catch (error) {
      // The others are worth having all the same.
      screen.line(`✗ ${suite}: ${error instanceof Error ? (error instanceof StartError ? error.message : error.stack) : String(error)}`)
      process.exitCode = 1
    }
  }

  async function run(suite: SuiteName): Promise<void> {
    screen.line(`\n== ${suite} == seed ${bench.seed}${quick ? ', quick' : ''}`)
    const begun = performance.now()
    const finding = await (await load(suite))(bench)
    const { seed, rounds, warmupMs, durationMs } = bench
    const outcome: Outcome = {
      suite, seed, quick, rounds, warmupMs, durationMs,
      seconds: (performance.now() - begun) / 1000,
      day: new Date().toISOString().slice(0, 10),
      machine,
      settings: SETTINGS,
      ...finding
    }
    screen.line(ratesTable(outcome.measured))
    screen.line(`\n${ratiosTable(outcome.measured)}\n`)
    if (outcome.appendix !== undefined) screen.line(`${outcome.appendix}\n`)
    for (const sentence of outcome.leftOut) screen.line(`left out: ${sentence}`)
    if (folder !== null) keep(outcome, folder)
    screen.line(`done in ${outcome.seconds.toFixed(0)} s · again: ${commandOf(outcome)}${folder === null ? '' : ` · written into ${folder}`}`)
  }
})

/** everyNowAndThen passes a line on when ten seconds have gone since the last: a log wants no line per round. */
function everyNowAndThen(line: (text: string) => void): (text: string) => void {
  let last = performance.now()
  return (text) => {
    if (performance.now() - last < 10_000) return
    last = performance.now()
    line(`  ${text}`)
  }
}

async function load(suite: SuiteName): Promise<BenchSuite> {
  switch (suite) {
    case 'single':
      return (await import('./bench/single.ts')).single
    case 'batch':
      return (await import('./bench/batch.ts')).batch
    case 'peers':
      return (await import('./bench/peers.ts')).peers
    case 'http':
      return (await import('./bench/http.ts')).http
    case 'webhooks':
      return (await import('./bench/webhooks.ts')).webhooks
    case 'growth':
      return (await import('./bench/growth.ts')).growth
  }
}
