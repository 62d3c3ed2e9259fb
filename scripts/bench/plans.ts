import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { Client } from 'pg'
import { runCommand } from '../embedded/run-command.ts'
import { startGround } from '../evidence/ground.ts'
import { fillDatabase, REALISTIC, type Sizes } from './plans/fill.ts'
import { describePlan, type Fault, faultsOf } from './plans/judge.ts'
import { type HotQuery, hotQueries, OTHER_CALLS } from './plans/queries.ts'
import { type Statement, watchStatements } from './plans/watch.ts'

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'performance.md')
const [BEGIN, END] = ['<!-- plans: begin -->', '<!-- plans: end -->']
const LARGE_TABLE_ROWS = 10_000
// Postgres plans the first five calls of a statement for their values; what it keeps from then on is what counts.
const CALLS = 8
const LARGE_ACCOUNT = 1

type Answer = { allowed?: boolean; outcome?: string }
type Shown = { query: HotQuery; statement: Statement }

const command = new Command('node scripts/bench/plans.ts')
  .description('Shows the plans of the hottest queries as they run inside their functions, on a large database of its own.')
  .option('--without <index...>', 'drop these indexes first, to see the judge at work')
  .option('--keep', 'write the table into docs/performance.md')
  .parse()
const options = command.opts<{ without?: string[]; keep?: boolean }>()

await runCommand(async () => {
  const ground = await startGround({ shared_buffers: '512MB' })
  try {
    const client = await ground.connect()
    await fillDatabase(client, REALISTIC, (line) => process.stderr.write(`${line}\n`))
    for (const index of options.without ?? []) await client.query(`drop index app.${client.escapeIdentifier(index)}`)
    const { shown, faults } = await examine(client, REALISTIC)
    const table = tableOf(shown)
    process.stdout.write(`${table}\n`)
    for (const { statement, fault } of faults) process.stdout.write(`✗ ${fault}: ${statement}\n`)
    if (options.keep === true && faults.length === 0) keepInPage(table, REALISTIC)
    if (faults.length > 0) throw new Error(`${faults.length} statements need another plan.`)
  } finally {
    await ground.stop()
  }
})

async function examine(client: Client, sizes: Sizes): Promise<{ shown: Shown[]; faults: Fault[] }> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' and reltuples >= $1`, [LARGE_TABLE_ROWS])
  const large = new Set(rows.map(({ name }) => name))
  const queries = hotQueries(sizes)
  const bodies = await bodiesOf(client, queries)
  const take = await watchStatements(client)
  const faults: Fault[] = []
  const run = async (call: (number: number) => string, from: number): Promise<Statement[]> => {
    const once = async (number: number): Promise<Statement[]> => {
      const { rows: answers } = await client.query<Answer>(call(number))
      requireEffect(call(number), answers)
      const statements = take()
      faults.push(...faultsOf(statements, large))
      return statements
    }
    for (let number = from; number < from + CALLS - 1; number += 1) await once(number)
    const statements = await once(from + CALLS - 1)
    await once(LARGE_ACCOUNT)
    return statements
  }

  const shown: Shown[] = []
  for (const [index, query] of queries.entries()) {
    const statement = (await run(query.call, 10 + index * CALLS)).find(({ text }) => query.statement.test(text))
    if (statement === undefined) throw new Error(`No statement of "${query.name}" was run: look for it in ${query.inside}.`)
    if (!(bodies.get(query.inside) ?? '').includes(beginningOf(statement.text))) {
      throw new Error(`The statement of "${query.name}" does not stand in ${query.inside}: ${beginningOf(statement.text)}`)
    }
    shown.push({ query, statement })
  }
  // All of them for the same accounts: an answer is begun before it is finished.
  for (const call of OTHER_CALLS) await run(call, 300)
  return { shown, faults: distinct(faults) }
}

// A call that is refused or finds nothing would show plans of half the path.
function requireEffect(call: string, answers: readonly Answer[]): void {
  const [first] = answers
  const isRefused = first?.allowed === false || ['refused', 'not_found', 'failed', 'dead'].includes(first?.outcome ?? '')
  if (first === undefined || isRefused) throw new Error(`A call had no effect: ${call} answered ${JSON.stringify(first)}.`)
}

async function bodiesOf(client: Client, queries: readonly HotQuery[]): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; body: string }>(
    `select pronamespace::regnamespace || '.' || proname as name, prosrc as body from pg_proc
     where pronamespace::regnamespace || '.' || proname = any ($1)`, [queries.map(({ inside }) => inside)])
  return new Map(rows.map(({ name, body }) => [name, body]))
}

// PL/pgSQL puts blanks where INTO stood in a statement: the text is the same up to there only.
function beginningOf(text: string): string {
  return text.trim().split(/\s{2,}/, 1)[0] ?? ''
}

function distinct(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [`${fault.fault.replace(/\d+/g, '')} ${fault.statement}`, fault])).values()]
}

function tableOf(shown: readonly Shown[]): string {
  const lines = shown.map(({ query, statement: { plan } }) =>
    [query.name, `\`${query.inside}\``, describePlan(plan), plan.rows, plan.blocks, `${(plan.milliseconds).toFixed(2)} ms`].join(' | '))
  return ['query | in | reads | rows | 8 kB blocks | time', '--- | --- | --- | ---: | ---: | ---:', ...lines].map((line) => `| ${line} |`).join('\n')
}

function keepInPage(table: string, sizes: Sizes): void {
  const page = readFileSync(PAGE, 'utf8')
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no marks ${BEGIN} and ${END}.`)
  const { accounts, messages, passages, ledgerRows, deliveries } = sizes
  const count = (value: number): string => value.toLocaleString('en-US')
  const rows = `${count(accounts)} accounts, ${count(messages)} messages, ${count(passages)} passages, ${count(ledgerRows)} ledger rows, ` +
    `${count(deliveries)} deliveries`
  const about = `\`node scripts/bench/plans.ts --keep\` · ${new Date().toISOString().slice(0, 10)} · ${rows}`
  writeFileSync(PAGE, `${page.slice(0, from)}${BEGIN}\n${about}\n\n${table}\n${page.slice(to)}`)
}
