import { Client } from 'pg'
import { checkAndIncrementUsageMany } from '../../server/src/db/functions/check-and-increment-usage-many.ts'
import { openPostgres } from '../../server/src/db/postgres.ts'
import { seededRandom } from '../twin/random.ts'
import { compare } from './comparison.ts'
import { batchedWay, PATIENCE_MS, perCallWay, PER_CALL_POOL } from './deciding.ts'
import { type BenchGround, settle, withBenchGround } from './ground.ts'
import { accountId, addPlans, addRequests, chargeAll, METRIC, populate, proveLedger } from './population.ts'
import type { BenchSuite } from './suite.ts'

/** Size is one database: so many accounts, and so many ledger rows behind their counters. */
type Size = { name: string; accounts: number; ledgerRows: number }

const SIZES: Size[] = [
  { name: '1k accounts', accounts: 1_000, ledgerRows: 0 },
  { name: '10k accounts', accounts: 10_000, ledgerRows: 0 },
  { name: '100k accounts', accounts: 100_000, ledgerRows: 0 },
  { name: '1M accounts', accounts: 1_000_000, ledgerRows: 0 },
  { name: '1M accounts, 1M ledger rows', accounts: 1_000_000, ledgerRows: 1_000_000 },
  { name: '1M accounts, 10M ledger rows', accounts: 1_000_000, ledgerRows: 10_000_000 }
]
const QUICK_SIZES: Size[] = [
  { name: '1k accounts', accounts: 1_000, ledgerRows: 0 },
  { name: '10k accounts', accounts: 10_000, ledgerRows: 0 },
  { name: '10k accounts, 50k ledger rows', accounts: 10_000, ledgerRows: 50_000 }
]

/** growth measures decisions over databases of different true sizes that stand side by side. */
export const growth: BenchSuite = (options) =>
  withBenchGround(async (ground) => {
    const sizes = options.quick ? QUICK_SIZES : SIZES
    await addPlans(ground.admin)
    for (const size of sizes) {
      options.progress(`loading ${size.name}`)
      await load(ground, size)
    }
    for (const size of sizes) {
      options.progress(`using ${size.name}`)
      await useOnce(ground, size)
    }
    const url = (size: Size): string => ground.url(databaseOf(size), 'server')
    const keysOf = ({ accounts }: Size) => ({ prefix: 'cold', count: accounts, allowed: true })
    const wanted = sizes.slice(1).map(({ name, accounts, ledgerRows }) => ({
      of: name, to: SIZES[0]?.name ?? '', target: accounts === 1_000_000 && ledgerRows === 0 ? 0.8 : null
    }))
    const measured = []
    for (const [title, wayOf] of [
      ['batched, 64 callers', (size: Size) =>
        batchedWay(size.name, keysOf(size), 64, () => openPostgres({ url: url(size), poolSize: 10, timeoutMs: PATIENCE_MS }))],
      ['one call per decision, 64 callers', (size: Size) =>
        perCallWay(size.name, keysOf(size), 64, () => openPostgres({ url: url(size), poolSize: PER_CALL_POOL, timeoutMs: PATIENCE_MS }), false)]
    ] as const) {
      measured.push(await compare({ title, ways: sizes.map(wayOf), wanted }, options))
    }
    const proofs = []
    for (const size of sizes) {
      options.progress(`adding up ${size.name}`)
      proofs.push(`${size.name}: ${await onDatabase(ground, size, proveLedger)}`)
    }
    return {
      measured,
      method: [
        'Every size is a database of its own with exactly so many accounts, counters and ledger rows, loaded in bulk, vacuumed and written to disk, and then asked for up to 100,000 random accounts before anything is measured; all stand on one Postgres and are measured in turn, so that what slows the machine down meets all of them. Every call takes one of all the accounts of its size at random.',
        ...proofs
      ],
      limits: [
        'All sizes share 1 GB of shared_buffers: the large ones do not stay in it and are read from the operating system, which has them all in memory here. Where memory is smaller than the data, a disk is read instead.',
        'A page that changes for the first time after a checkpoint goes into the WAL whole: for a while after each checkpoint the large sizes are slower than this, until most of their pages have changed. The decisions before the measurement take that out of it for counters and requests, not wholly for the indexes of 10M ledger rows.',
        'A round touches some thousands of the accounts; the ledger is only added to, whatever its size.'
      ],
      leftOut: []
    }
  })

function databaseOf({ accounts, ledgerRows }: Size): string {
  return `growth_${accounts}_${ledgerRows}`
}

/** load makes the database of a size: with ledger rows it begins as a copy of the one with as many accounts and none. */
async function load(ground: BenchGround, size: Size): Promise<void> {
  const [main, empty] = [new URL(ground.databaseUrl).pathname.slice(1), databaseOf({ ...size, ledgerRows: 0 })]
  const template = size.ledgerRows === 0 ? main : empty
  const postgres = new Client({ connectionString: ground.url('postgres', 'superuser') })
  await postgres.connect()
  try {
    // No connection may be left on a template.
    await postgres.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [template])
    await postgres.query(`create database ${databaseOf(size)} template ${template} strategy file_copy`)
  } finally {
    await postgres.end()
  }
  await onDatabase(ground, size, async (client) => {
    if (size.ledgerRows === 0) {
      await populate(client, { prefix: 'cold', count: size.accounts, plan: 'bench', used: 0 })
      await addRequests(client, 'cold')
    } else {
      await chargeAll(client, 'cold', size.ledgerRows / size.accounts)
    }
    await settle(client)
  })
}

const USES = 100_000
const USES_AT_ONCE = 1_000

/**
 * useOnce decides for as many random accounts as there are, for 100,000 at most: a page that changes for the first time after
 * a checkpoint goes into the WAL whole, which a large database would pay for all through the measurement and a small one not.
 */
async function useOnce(ground: BenchGround, size: Size): Promise<void> {
  const { accounts, name } = size
  const db = openPostgres({ url: ground.url(databaseOf(size), 'server'), poolSize: 1, timeoutMs: PATIENCE_MS })
  const random = seededRandom(name)
  try {
    for (let left = Math.min(accounts, USES); left > 0; left -= USES_AT_ONCE) {
      const accountIds = Array.from({ length: USES_AT_ONCE }, () => accountId('cold', Math.floor(random.next() * accounts)))
      const verdicts = await checkAndIncrementUsageMany(db, {
        accountIds,
        metrics: accountIds.map(() => METRIC),
        requestIds: accountIds.map((_, index) => `use_${left}_${index}`)
      })
      if (!verdicts.every(({ allowed }) => allowed === true)) throw new Error(`${name} refused what it should not have.`)
    }
  } finally {
    await db.close()
  }
}

async function onDatabase<Result>(ground: BenchGround, size: Size, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: ground.url(databaseOf(size), 'superuser') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
