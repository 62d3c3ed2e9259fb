import { Command } from 'commander'
import { describeMove, moveClock, moveOf, readClock } from './clock/server-clock.ts'
import { dataPaths } from './embedded/data-folder.ts'
import { dataDirOf, loadEnvironment, settingOf } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'
import { readRunState } from './embedded/run-state.ts'

const command = new Command('npm run clock --')
  .description(
    "Moves the clock of the running server, its database and the offline twin together: renewals, trials' ends and dunning in " +
      'between happen in their order. Without an argument it shows the time. It only goes forward.'
  )
  .argument('[move...]', 'how far or to when')
  .option('--url <url>', 'where the server runs (default: the server of DATA_DIR on this machine)')
  .addHelpText(
    'after',
    '\nExamples:\n' +
      '  npm run clock\n' +
      '  npm run clock -- +1 month\n' +
      '  npm run clock -- +14 days\n' +
      '  npm run clock -- 2027-01-31T00:00:00Z'
  )
  .parse()

const words = command.args.join(' ')
const move = words === '' ? null : moveOf(words)
if (words !== '' && move === null) command.error(`error: "${words}" is no move: write it like +1 month, +14 days or 2027-01-31T00:00:00Z.`)

await runCommand(async () => {
  const environment = loadEnvironment()
  const port = readRunState(dataPaths(dataDirOf(environment)))?.httpPort ?? settingOf(environment, 'PORT') ?? '3000'
  const url = (command.opts<{ url?: string }>().url ?? `http://127.0.0.1:${port}`).replace(/\/+$/, '')
  for (const line of describeMove(move === null ? await readClock(url) : await moveClock(url, move))) console.log(line)
})
