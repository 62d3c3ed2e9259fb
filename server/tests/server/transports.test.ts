import { beforeAll, describe, expect, test } from '@jest/globals'
import { DatabaseError, DatabaseUnavailable, JsonArgument, type Database } from '../../src/db/database.ts'
import { openPostgres } from '../../src/db/postgres.ts'
import { closeAfterTests, createTestDatabase, openDatabase, transports, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
const opened = new Map<string, Database>()

// Shapes the api functions have or may get, and failures of every kind.
const PROBES = `
  create function api.probe_echo(p_texts text[], p_times timestamptz[], p_number bigint, p_json jsonb, p_uuid uuid, p_flag boolean)
    returns table (texts text[], times timestamptz[], number bigint, object jsonb, id uuid, flag boolean, score double precision)
    language sql as 'select $1, $2, $3, $4, $5, $6, 0.5::double precision';
  create function api.probe_set() returns table (number int) language sql as 'select generate_series(1, 3)';
  create function api.probe_none() returns table (number int, name text) language sql as 'select 1, ''x'' where false';
  create function api.probe_out(out one int, out other text) language sql as 'select 1, null::text';
  create function api.probe_single(out answer boolean) language sql as 'select true';
  create function api.probe_scalar() returns text language sql as 'select ''x''';
  create function api.probe_default(p_value text default 'default') returns table (value text) language sql as 'select $1';
  create function api.probe_raise(p_code text) returns table (number int) language plpgsql as
    $$ begin raise exception 'a message' using errcode = p_code, detail = 'a detail', hint = 'a hint'; end $$;
  create sequence api.probe_attempts;
  create function api.probe_flaky(p_code text) returns table (attempt bigint) language plpgsql security definer as
    $$ begin
      attempt := nextval('api.probe_attempts');
      if attempt % 3 > 0 then raise exception 'rolled back' using errcode = p_code; end if;
      return next;
    end $$;
  create function api.probe_sleep() returns table (number int) language sql as 'select 1 from pg_sleep(3600)';
  create function api.probe_role() returns table (role text, zone text) language sql as
    'select current_user::text, current_setting(''timezone'')';
  grant execute on all functions in schema api to service_role;
`

beforeAll(async () => {
  database = await createTestDatabase()
  const client = await database.connect()
  await client.query(PROBES)
  for (const transport of transports) opened.set(transport, await openDatabase(transport, database))
})

describe.each(transports)('rpc over %s', (transport) => {
  const rpc: Database['rpc'] = (name, args) => {
    const db = opened.get(transport)
    if (!db) throw new Error('not open')
    return db.rpc(name, args)
  }

  test('carries arrays with nulls, times, large numbers, jsonb, ids and booleans both ways', async () => {
    const id = '0b54a1f6-3d2f-4f6f-8f3e-4c2b8a1d9e77'
    const rows = await rpc('probe_echo', {
      p_texts: ['a', null, 'with "quotes", {braces} and \\'],
      p_times: ['2026-11-20T10:00:00.123456Z', null],
      p_number: 9_007_199_254_740_991,
      p_json: new JsonArgument([{ place: 1, text: 'ü' }]),
      p_uuid: id,
      p_flag: false
    })
    expect(rows).toEqual([
      {
        texts: ['a', null, 'with "quotes", {braces} and \\'],
        times: ['2026-11-20T10:00:00.123456+00:00', null],
        number: 9_007_199_254_740_991,
        object: [{ place: 1, text: 'ü' }],
        id,
        flag: false,
        score: 0.5
      }
    ])
  })

  test('carries empty arrays and nulls', async () => {
    const rows = await rpc('probe_echo', { p_texts: [], p_times: [], p_number: null, p_json: new JsonArgument([]), p_uuid: null, p_flag: null })
    expect(rows).toEqual([{ texts: [], times: [], number: null, object: [], id: null, flag: null, score: 0.5 }])
  })

  test('answers rows for every kind of function', async () => {
    expect(await rpc('probe_set', {})).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }])
    expect(await rpc('probe_none', {})).toEqual([])
    expect(await rpc('probe_out', {})).toEqual([{ one: 1, other: null }])
    expect(await rpc('probe_single', {})).toEqual([{ answer: true }])
    expect(await rpc('probe_scalar', {})).toEqual([{ probe_scalar: 'x' }])
  })

  test('leaves the SQL default to an argument that is left out', async () => {
    expect(await rpc('probe_default', {})).toEqual([{ value: 'default' }])
    expect(await rpc('probe_default', { p_value: null })).toEqual([{ value: null }])
  })

  test('calls as service_role', async () => {
    expect(await rpc('probe_role', {})).toEqual([expect.objectContaining({ role: 'service_role' })])
  })

  test('raises with SQLSTATE, message, detail and hint', async () => {
    const error: unknown = await rpc('probe_raise', { p_code: 'PY409' }).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(error).toMatchObject({ sqlstate: 'PY409', message: 'a message', detail: 'a detail', hint: 'a hint' })
  })

  // PostgREST repeats a serialization failure by itself, without end; a deadlock it hands on.
  test.each(['40001', '40P01'])('repeats twice what Postgres rolled back whole (%s)', async (code) => {
    const client = await database.connect()
    await client.query(`select setval('api.probe_attempts', 3)`)
    expect(await rpc('probe_flaky', { p_code: code })).toEqual([{ attempt: 6 }])
  })

  test('refuses a function that is not there or not granted', async () => {
    await expect(rpc('no_such_function', {})).rejects.toBeInstanceOf(DatabaseError)
  })

  test('is unavailable when its connection is cut, and works again afterwards', async () => {
    const client = await database.connect()
    const pending = rpc('probe_sleep', {}).catch((failure: unknown) => failure)
    const sleeping = `from pg_stat_activity where datname = current_database() and query like '%probe_sleep%' and state = 'active' and pid <> pg_backend_pid()`
    for (let found = 0; found === 0; ) {
      const { rows } = await client.query<{ found: number }>(`select count(pg_terminate_backend(pid))::int as found ${sleeping}`)
      found = rows[0]?.found ?? 0
    }
    expect(await pending).toBeInstanceOf(DatabaseUnavailable)
    expect(await rpc('list_plans', {})).not.toEqual([])
  })
})

test('a login that is no member of service_role is told what to do', async () => {
  const client = await database.connect()
  await client.query(`create role test_lonely login password 'lonely'`)
  closeAfterTests(async () => {
    const owner = await database.connect()
    await owner.query('drop role test_lonely')
  })
  const url = Object.assign(new URL(database.url), { username: 'test_lonely', password: 'lonely' }).href
  const db = openPostgres({ url })
  closeAfterTests(() => db.close())
  await expect(db.rpc('list_plans', {})).rejects.toThrow('grant service_role to <login>')
})

test('a URL with options of its own is left alone', async () => {
  const db = openPostgres({ url: `${database.url}?options=-c%20TimeZone%3DAsia/Tokyo` })
  closeAfterTests(() => db.close())
  expect(await db.rpc('probe_role', {})).toEqual([{ role: 'postgres', zone: 'Asia/Tokyo' }])
})
