import { Client } from 'pg'
import { type Check, type Finding, startFinding } from '../suite.ts'
import { type Canary, canaryIn } from './canaries.ts'
import { callsOf, type Catalog, POWERS, readCatalog, type Relation, writesTo } from './database-catalog.ts'
import { changedTables, rowsOf } from './rows.ts'
import type { Scene } from './scene.ts'
import type { Tenant } from './tenant.ts'

/** Outcome is what a statement came to: rows, or the SQLSTATE that refused it. `text` is all that was told. */
export type Outcome = { state: string | null; rows: Record<string, unknown>[]; text: string }

type Run = (statement: string) => Promise<Outcome>

// What the operator's role is for, besides reading.
const OPERATORS_FUNCTIONS = new Set(['sync_chatbot_count', 'upsert_price', 'list_plan_prices', 'replay_webhook_event',
  'check_invariants', 'schema_version', 'clock', 'window_at', 'entitlement', 'subscription_to_show'])
// Refused for want of a right. A view that cannot be written at all is refused before anybody's rights are asked.
const isRefusal = ({ state, text }: Outcome): boolean => state === '42501' ||
  (state === '55000' && /cannot (insert into|update|delete from) view/.test(text))
// These are refused within a transaction before anybody's rights are asked.
const ALONE = /^(create (database|tablespace)|drop database|alter system)/

/**
 * attackDatabase logs in as somebody who may be nothing but anon, authenticated (with the attacker's claims) or operator, and
 * tries every function, table, view and sequence of the catalog and what else a database can be asked for.
 */
export async function attackDatabase(scene: Scene, attacker: Tenant, victim: Tenant, share: number,
  draw: () => number): Promise<Check> {
  const finding = startFinding('anon, authenticated and operator reach in the database what is theirs, and nothing else')
  const whole = await readCatalog(scene.owner)
  const some = <Entry>(entries: readonly Entry[]): Entry[] => entries.filter(() => draw() < share)
  const catalog = { relations: some(whole.relations), functions: some(whole.functions), sequences: whole.sequences }
  const canaries = scene.canaries.list(({ owner }) => owner === victim.accountId)
  const before = await rowsOf(scene.owner, victim.accountId)
  // Somebody else's large object, which may not be read either.
  const { rows: [object] } = await scene.owner.query<{ oid: string }>(`select lo_from_bytea(0, convert_to($1, 'utf8')) as oid`,
    [canaries[0]?.text ?? ''])
  for (const role of ['anon', 'authenticated', 'operator'] as const) {
    const { run, end } = await becomeRole(scene, role)
    try {
      const claims = { sub: attacker.accountId, role, sid: 'sess_attacker' }
      await run(`select set_config('request.jwt.claims', '${JSON.stringify(claims)}', false)`)
      for (const relation of catalog.relations) await attackRelation(run, role, relation, attacker, canaries, finding)
      for (const each of catalog.functions) {
        const mayCall = (role === 'operator' && OPERATORS_FUNCTIONS.has(each.name)) ||
          (role === 'authenticated' && each.name === 'signed_in_account')
        if (mayCall) continue
        for (const call of callsOf(each, { accountId: victim.accountId,
          id: victim.ids['chatbotId'] ?? '' })) await mustBeRefused(run, role, call, finding, canaries)
      }
      for (const sequence of catalog.sequences) {
        for (const call of [`select nextval('${sequence}')`, `select setval('${sequence}', 1)`,
          ...(role === 'operator' ? [] : [`select last_value from ${sequence}`])]) await mustBeRefused(run, role, call, finding,
          canaries)
      }
      for (const power of [...some(POWERS).filter((each) => each !== `set role ${role}`), `select lo_get(${object?.oid ?? '0'})`,
        `select lo_unlink(${object?.oid ?? '0'})`, `select lo_put(${object?.oid ?? '0'}, 0, 'x')`]) {
        await mustBeRefused(run, role, power, finding, canaries)
      }
      if (role !== 'operator') await mustTellNothing(run, role, finding, canaries)
    } finally {
      await end()
    }
  }
  const after = await rowsOf(scene.owner, victim.accountId)
  for (const table of changedTables(before, after)) finding.violation(`the victim's rows in ${table} have changed`)
  await scene.owner.query('select lo_unlink($1)', [object?.oid])
  return finding.check(
    (tried) => `${tried.toLocaleString('en-US')} statements as 3 roles: ${describe(whole)}, ${POWERS.length} powers`,
    'refused, or only rows of their own account; the operator reads and writes nothing'
  )
}

function describe({ functions, relations, sequences }: Catalog): string {
  return `${functions.length} functions, ${relations.length} tables and views, ${sequences.length} sequences`
}

async function attackRelation(run: Run, role: string, relation: Relation, attacker: Tenant, canaries: readonly Canary[],
  finding: Finding): Promise<void> {
  for (const statement of writesTo(relation)) await mustBeRefused(run, role, statement, finding, canaries)
  const { name, columns } = relation
  const reads = [`select * from ${name}`, `select count(*) from ${name}`, `select t from ${name} t`,
    ...columns.map((column) => `select ${column} from ${name} where ${column}::text <> '' order by 1`)]
  // A condition that fails tells of the row it failed on.
  const leaky = columns.map((column) => `select 1 from ${name} where ${column}::text::int = 1`)
  for (const statement of [...reads, ...leaky]) {
    finding.tried()
    const fault = faultOfRead(await run(statement), role, attacker, canaries)
    if (fault !== null) finding.violation(`${role}: ${statement}: ${fault}`)
  }
}

/** faultOfRead judges what a role read: anon nothing, authenticated rows of its own account; the operator whatever it may. */
export function faultOfRead(outcome: Outcome, role: string, attacker: Pick<Tenant, 'accountId'>,
  canaries: readonly Canary[]): string | null {
  if (outcome.state !== null && role === 'operator') return null
  const found = role === 'operator' ? null : canaryIn(outcome.text, canaries)
  if (found !== null) return `it tells ${found.name}`
  if (outcome.state !== null) return null
  if (role === 'anon') return `it reads ${outcome.rows.length} rows`
  const foreign = outcome.rows.find((row) => 'account_id' in row && row['account_id'] !== attacker.accountId)
  return role === 'authenticated' && foreign !== undefined ? `it reads a row of ${String(foreign['account_id'])}` : null
}

async function mustBeRefused(run: Run, role: string, statement: string, finding: Finding,
  canaries: readonly Canary[]): Promise<void> {
  finding.tried()
  const outcome = await run(statement)
  const found = canaryIn(outcome.text, canaries)
  if (found !== null && role !== 'operator') finding.violation(`${role}: ${statement}: it tells ${found.name}`)
  if (outcome.state === null) finding.violation(`${role}: ${statement}: it was done`)
  else if (!isRefusal(outcome)) {
    finding.violation(`${role}: ${statement}: refused for another reason, ${outcome.text.slice(0, 200)}`)
  }
}

/** What Postgres shows to everybody: other people's statements, statistics and settings may not hold a canary. */
async function mustTellNothing(run: Run, role: string, finding: Finding, canaries: readonly Canary[]): Promise<void> {
  const views = ['pg_stat_activity', 'pg_stats', 'pg_stats_ext', 'pg_settings', 'pg_prepared_statements', 'pg_cursors',
    'pg_locks', 'pg_description', 'pg_db_role_setting', 'pg_roles', 'pg_proc', 'pg_views', 'pg_largeobject_metadata',
    'pg_stat_all_tables', 'pg_notify_queue']
  for (const view of views) {
    finding.tried()
    const found = canaryIn((await run(`select * from ${view}`)).text, canaries)
    if (found !== null) finding.violation(`${role}: ${view} tells ${found.name}`)
  }
}

/** becomeRole logs in with a login of its own, which may become this role only: what it can `set role` to is what the role can. */
async function becomeRole(scene: Scene, role: string): Promise<{ run: Run; end(): Promise<void> }> {
  const login = `evidence_${role}`
  const password = scene.digest(login)
  await scene.owner.query(`create role ${login} login noinherit password '${password}' in role ${role}`)
  // What a hostile statement makes Postgres say is not what the server makes it say, in whose log canaries are looked for.
  await scene.owner.query(`alter role ${login} set log_min_messages = 'panic'`)
  await scene.owner.query('analyze')
  const url = new URL(scene.ground.databaseUrl)
  url.username = login
  url.password = password
  const client = new Client({ connectionString: url.href, statement_timeout: 5_000 })
  await client.connect()
  const run: Run = async (statement) => {
    // What was done all the same must not disturb what comes next.
    await client.query('rollback')
    await client.query(`set role ${role}`)
    if (!ALONE.test(statement)) await client.query('begin')
    try {
      const result = await client.query<Record<string, unknown>>(statement)
      const results = Array.isArray(result) ? result : [result]
      const rows = results.flatMap(({ rows: own = [] }) => own)
      return { state: null, rows, text: JSON.stringify(rows,
        (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) }
    } catch (error) {
      const state = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      const told = error instanceof Error ? `${error.message}\n${JSON.stringify(error)}` : String(error)
      return { state, rows: [], text: told }
    } finally {
      await client.query('rollback')
    }
  }
  // The claims outlive the transactions.
  const first: Run = async (statement) => {
    if (!statement.startsWith('select set_config(')) return run(statement)
    const { rows } = await client.query<Record<string, unknown>>(statement)
    return { state: null, rows, text: '' }
  }
  return { run: first, end: () => client.end() }
}
