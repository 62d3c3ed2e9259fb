import { beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { withClient } from '../../../scripts/database/with-client.ts'
import { tableOf } from '../../../scripts/doctor/report.ts'
import { serviceRoleKey, startPostgrest } from '../../../scripts/embedded/postgrest.ts'
import { closeAfterTests, createTestDatabase, type TestDatabase, type Transport, transports } from '../support/database.ts'
import { createDataDir, runCommand, startParley } from './parley-process.ts'

const doctor = (args: string[], environment: Record<string, string> = {}) => runCommand('doctor.ts', args, environment)

async function databaseWith(sql: string): Promise<TestDatabase> {
  const database = await createTestDatabase()
  await withClient(database.url, (client) => client.query(sql))
  return database
}

const lines = (output: string) => output.trimEnd().split('\n')
const marked = (output: string) => lines(output).filter((line) => line.startsWith('✗'))

const USAGE = `select * from api.check_and_increment_usage('alice', 'messages', 3)`
const NAMES = [
  'a counter is the sum of its ledger',
  'a counter is within its quota',
  'the gauge of chatbots is the number of chatbots',
  'the gauge of storage is the size of the documents',
  'what is processed has its effect',
  'what has an effect is processed',
  'a subscription is as its latest event says',
  'a window was opened by an event that carries it',
  'one subscription of an account is in force',
  'nothing of one account belongs to another',
  'no reservation outlives its expiry',
  'no stored error holds a secret',
  'no role may more than it must',
  'row security, triggers and search paths are in place',
  'an account has the plan its subscriptions give',
  'levels are held to the downgrade that is scheduled',
  'nothing asked of a processor is left undone',
  "a chatbot's count is the answers it was charged for"
]

describe('a healthy database', () => {
  let database: TestDatabase
  beforeAll(async () => void (database = await databaseWith(USAGE)))

  async function environmentOf(transport: Transport): Promise<Record<string, string>> {
    if (transport === 'pg') return { DATABASE_URL: database.url }
    const jwtSecret = randomBytes(32).toString('hex')
    const postgrest = await startPostgrest({ databaseUrl: database.serverUrl, jwtSecret, schemas: 'api', log: () => undefined })
    closeAfterTests(() => postgrest.stop())
    return { SUPABASE_URL: postgrest.url, SUPABASE_SERVICE_ROLE_KEY: serviceRoleKey(jwtSecret), SUPABASE_REST_PATH: '/' }
  }

  test.each(transports)('passes every check, asked over %s', async (transport) => {
    const { code, output } = await doctor([], await environmentOf(transport))
    expect([code, marked(output), lines(output).at(-1)]).toEqual([0, [], `all ${NAMES.length} checks hold`])
    const passed = lines(output).filter((line) => line.startsWith('✓'))
    expect(passed.map((line) => line.replace(/^✓ +(.*?) +0$/, '$1'))).toEqual(NAMES)
    expect(output).not.toContain('older than this checkout')
  })

  test('may be checked by a login without rights of its own that may become service_role', async () => {
    expect((await doctor(['--url', database.serverUrl])).code).toBe(0)
  })

  test('is told as JSON, and as nothing else, with --json', async () => {
    const { code, output } = await doctor(['--url', database.url, '--json'])
    const checks: unknown = JSON.parse(output)
    expect(code).toBe(0)
    expect(checks).toEqual(NAMES.map((name, index) => ({ place: index + 1, name, violations: 0, example: null })))
  })

  test('--url wins over DATABASE_URL, and DATABASE_URL over SUPABASE_URL', async () => {
    const nowhere = { SUPABASE_URL: 'http://127.0.0.1:1', SUPABASE_SERVICE_ROLE_KEY: 'none' }
    expect((await doctor([], { ...nowhere, DATABASE_URL: database.url })).code).toBe(0)
    expect((await doctor(['--url', database.url], { ...nowhere, DATABASE_URL: 'postgres://127.0.0.1:1/none' })).code).toBe(0)
  })
})

describe('a violation exits with 1 and marks its row:', () => {
  const PLANTS: [what: string, sql: string, name: string, example: string][] = [
    ['a counter off its ledger', `${USAGE}; update app.counters set used = used + 1`, 'a counter is the sum of its ledger', 'counter 4, ledger 3'],
    ['a grant to anon', 'grant execute on function api.list_plans() to anon', 'no role may more than it must', 'anon may execute api.list_plans()'],
    [
      'a disabled trigger',
      'alter table app.usage_events disable trigger ledger_is_append_only',
      'row security, triggers and search paths are in place',
      'trigger ledger_is_append_only of app.usage_events is missing or switched off'
    ]
  ]

  test.each(PLANTS)('%s', async (_what, sql, name, example) => {
    const { url } = await databaseWith(sql)
    const { code, output } = await doctor([], { DATABASE_URL: url })
    expect([code, lines(output).at(-1)]).toEqual([1, `1 of ${NAMES.length} checks is violated`])
    expect(marked(output)).toEqual([expect.stringMatching(new RegExp(`^✗ +${name} +1 `))])
    expect(marked(output)[0]).toContain(example)
  })

  test('and all of them at once', async () => {
    const { url } = await databaseWith(PLANTS.map(([, sql]) => sql).join('; '))
    const { code, output } = await doctor(['--url', url, '--json'])
    expect(code).toBe(1)
    const violated = PLANTS.map(([, , name, example]) => expect.objectContaining({ name, violations: 1, example: expect.stringContaining(example) }))
    expect(JSON.parse(output)).toEqual(expect.arrayContaining(violated))
  })
})

test('the embedded database of DATA_DIR is checked while it runs, and when it does not, that is one sentence and 2', async () => {
  const server = await startParley(createDataDir())
  await server.ready
  const running = await doctor([], { DATA_DIR: server.dataDir })
  expect([running.code, lines(running.output).at(0), lines(running.output).at(-1)]).toEqual([
    0,
    `checking the embedded database of ${server.dataDir}`,
    `all ${NAMES.length} checks hold`
  ])
  await server.stop()
  const stopped = await doctor([], { DATA_DIR: server.dataDir })
  expect(stopped.code).toBe(2)
  expect(stopped.output).toMatch(/^There is no database to check: none runs on .*\n$/)
})

describe('what could not be checked exits with 2 and one sentence:', () => {
  const REFUSALS: [what: string, args: string[], environment: Record<string, string>, sentence: RegExp][] = [
    ['an unknown option', ['--ur'], {}, /unknown option '--ur'/],
    ['an address of something else', ['--url', 'https://example.com'], {}, /^--url is not a postgres:\/\/ URL\.\n$/],
    ['half of Supabase', [], { SUPABASE_URL: 'https://x.supabase.co' }, /^SUPABASE_SERVICE_ROLE_KEY is not set although SUPABASE_URL is: .*\n$/],
    ['a database away', [], { DATABASE_URL: 'postgres://a:hunter2@127.0.0.1:1/b' }, /^Cannot reach the database of DATABASE_URL \(127\.0\.0\.1:1\/b\): .*ECONNREFUSED.*\n$/],
    ['an API away', [], { SUPABASE_URL: 'http://127.0.0.1:1', SUPABASE_SERVICE_ROLE_KEY: 'k' }, /^Cannot reach the database of SUPABASE_URL .*\n$/]
  ]
  test.each(REFUSALS)('%s', async (_what, args, environment, sentence) => {
    const { code, output } = await doctor(args, environment)
    expect([code, output]).toEqual([2, expect.stringMatching(sentence)])
    expect(output).not.toContain('hunter2')
  })

  test('a schema without the function', async () => {
    const { url } = await databaseWith('drop function api.check_invariants()')
    const { code, output } = await doctor(['--url', url])
    expect([code, output]).toEqual([2, expect.stringMatching(/^The schema of .* has no such function yet .*: apply the migrations with `npm run db:migrate`\.\n$/)])
  })

  test('a login that has not the right', async () => {
    const database = await databaseWith('revoke execute on function api.check_invariants() from service_role')
    const { code, output } = await doctor(['--url', database.serverUrl])
    expect([code, output]).toEqual([2, expect.stringMatching(/^This login may not check .*permission denied.*grant operator to <login>.*\n$/)])
  })
})

test('a schema version behind this checkout is said, besides the checks', async () => {
  const { url } = await databaseWith(`delete from supabase_migrations.schema_migrations where version > '2000'; insert into supabase_migrations.schema_migrations (version) values ('19990101000000')`)
  const { code, output } = await doctor(['--url', url])
  expect([code, lines(output).at(-1)]).toEqual([0, `all ${NAMES.length} checks hold`])
  expect(lines(output)[0]).toMatch(/^The schema is older than this checkout \(19990101000000, not \d{14}\): apply the migrations/)
})

test('an example is cut to the terminal, and holds no control character of what it quotes', () => {
  const table = tableOf([{ place: 1, name: 'it holds', violations: 12, example: `a\n\u001b[2Jb${'x'.repeat(99)}` }], 40)
  expect(table).toEqual(['   check     violations  example', '✗  it holds          12  a [2Jbxxxxxxxx…'])
})

test('--help says what each exit code means, and exits with 0', async () => {
  const { code, output } = await doctor(['--help'])
  expect([code, output]).toEqual([0, expect.stringContaining('1 when one is violated')])
})
