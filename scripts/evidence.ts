import { randomInt } from 'node:crypto'
import { cpus, totalmem } from 'node:os'
import { Argument, Command } from 'commander'
import { runCommand } from './embedded/run-command.ts'
import { commandOf, keepInPage, tableOf, violationsOf } from './evidence/report.ts'
import { hasViolations, type Outcome, type Suite, type SuiteName, SUITES } from './evidence/suite.ts'
import { createScreen } from './smoke/steps.ts'

const command = new Command('npm run evidence --')
  .description(
    'Attacks Parley on a database and servers of its own and reports what held: races for the last unit, a storm of webhooks, ' +
      'killed processes, parts that are away, hostile callers, and mutants, which show that the checks can fail.'
  )
  .addArgument(new Argument('[suites...]', 'which ones (default: all)').choices(SUITES))
  .option('--seed <text>', 'repeats a run (default: a new one)')
  .option('--short', 'a dose of seconds, as in npm test')
  .option('--keep', 'write the results into docs/evidence.md')
  .addHelpText('after', '\nIt needs no running server and leaves nothing behind. Exit code 0: all held.')
  .parse()

const options = command.opts<{ seed?: string; short?: boolean; keep?: boolean }>()

await runCommand(async () => {
  const screen = createScreen(process.stdout)
  const seed = options.seed ?? String(randomInt(1_000_000))
  const chosen = SUITES.filter((name) => command.args.length === 0 || command.args.includes(name))
  for (const name of chosen) {
    screen.line(`\n== ${name} == seed ${seed}${options.short ? ', short' : ''}`)
    const outcome = await run(name, seed, options.short ?? false, screen.progress)
    screen.line(tableOf(outcome))
    for (const line of violationsOf(outcome)) screen.line(line)
    screen.line(`${hasViolations(outcome) ? '✗ violations' : '✓ all held'} in ${outcome.seconds.toFixed(1)} s · again: ${commandOf(outcome)}`)
    if (options.keep) keepInPage(outcome, machine(), new Date().toISOString().slice(0, 10))
    if (hasViolations(outcome)) process.exitCode = 1
  }
})

async function run(suite: SuiteName, seed: string, short: boolean, progress: (line: string) => void): Promise<Outcome> {
  const begun = performance.now()
  const checks = await (await load(suite))({ seed, short, progress })
  return { suite, seed, short, seconds: (performance.now() - begun) / 1000, checks }
}

async function load(suite: SuiteName): Promise<Suite> {
  switch (suite) {
    case 'races':
      return (await import('./evidence/races.ts')).races
    case 'storm':
      return (await import('./evidence/storm.ts')).storm
    case 'crashes':
      return (await import('./evidence/crashes.ts')).crashes
    case 'outages':
      return (await import('./evidence/outages.ts')).outages
    case 'attackers':
      return (await import('./evidence/attackers.ts')).attackers
    case 'mutants':
      return (await import('./evidence/mutants.ts')).mutants
  }
}

function machine(): string {
  return `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}
