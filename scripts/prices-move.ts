import { Command, Option } from 'commander'
import { type Database, DatabaseError } from '../server/src/db/database.ts'
import { beginPlanChange, type PlanChangeBeginning } from '../server/src/db/functions/begin-plan-change.ts'
import { listOldPrices, type OldPrice } from '../server/src/db/functions/list-old-prices.ts'
import { openPostgres } from '../server/src/db/postgres.ts'
import { connectedDatabaseUrl } from './embedded/connected-database.ts'
import { loadEnvironment } from './embedded/environment.ts'
import { runCommand } from './embedded/run-command.ts'

const command = new Command('npm run prices:move --')
  .description(
    'Moves those who are subscribed to an older version of a price to the newest one, with their next period. Without --yes it ' +
      'only shows who would pay what, and when.'
  )
  .option('--plan <plan>', 'only this plan')
  .addOption(new Option('--interval <interval>', 'only monthly or yearly').choices(['month', 'year']))
  .option('--yes', 'schedule the moves; the server tells the processors within a minute or so')
  .addHelpText('after', '\nThe database is DATABASE_URL, else the embedded one of DATA_DIR. A move can be undone like any scheduled change.')
  .parse()

const options = command.opts<{ plan?: string; interval?: 'month' | 'year'; yes?: boolean }>()
const PAGE = 100

const MOVES: Record<PlanChangeBeginning['outcome'], string> = {
  started: 'scheduled, the processor is told of it by the server within a minute or so',
  scheduled: 'scheduled, the processor is told shortly before',
  replayed: 'scheduled before',
  refused: 'not moved, the processor refused it',
  blocked: 'not moved, what is there does not fit into the plan',
  no_subscription: 'not moved, there is no subscription any more',
  same: 'is at the newest price already',
  past_due: 'not moved, the last payment is overdue; run this again when it is paid',
  not_running: 'not moved, the subscription is paused or has not begun',
  suspended: 'not moved, a refund or dispute took back the payment of the running period',
  canceling: 'not moved, the subscription ends with its period',
  pending: 'not moved, another change is scheduled',
  busy: 'not moved now, the processor is being asked for another change; run this again in a moment',
  not_sold: 'not moved, the processor has no price for it: run its setup'
}

await runCommand(async () => {
  const db = openPostgres({ url: connectedDatabaseUrl(loadEnvironment(), 'server') })
  try {
    let count = 0
    for await (const price of oldPrices(db)) {
      count += 1
      console.log(`${describe(price)}${await move(db, price)}`)
    }
    if (count === 0) console.log('Everybody is subscribed to the newest version of their price.')
    else if (!options.yes) console.log(`\n${count} would be moved. With --yes they are.`)
  } finally {
    await db.close()
  }
})

async function* oldPrices(db: Database): AsyncGenerator<OldPrice> {
  for (let afterAccountId: string | null = null; ; ) {
    const page: OldPrice[] = await listOldPrices(db, { plan: options.plan ?? null, interval: options.interval ?? null, limit: PAGE, afterAccountId })
    yield* page
    afterAccountId = page.at(-1)?.accountId ?? null
    if (page.length < PAGE) return
  }
}

async function move(db: Database, price: OldPrice): Promise<string> {
  if (price.scheduled) return ': another change is scheduled, left alone'
  if (!options.yes) return ''
  const { accountId, plan, billingInterval: interval } = price
  try {
    // Without a request id: a move that was undone or refused may be asked for again, and one that is scheduled says so itself.
    const [row] = await beginPlanChange(db, { accountId, plan, interval, reason: 'operator' })
    return row === undefined ? ': not moved, the database told nothing' : `: ${MOVES[row.outcome]}`
  } catch (error) {
    if (!(error instanceof DatabaseError && error.sqlstate === 'PY415')) throw error
    return ': not moved, the account is closed'
  }
}

function describe(price: OldPrice): string {
  const { accountId, plan, billingInterval, currency, fromAmountMinor, toAmountMinor, effectiveAt } = price
  const amount = (minor: number | null): string => (minor === null ? 'an unknown amount' : `${currency} ${(minor / 100).toFixed(2)}`)
  return `${accountId} ${plan} per ${billingInterval}: ${amount(fromAmountMinor)} → ${amount(toAmountMinor)} from ${effectiveAt ?? 'an unknown time'}`
}
