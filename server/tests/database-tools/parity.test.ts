import { beforeAll, describe, expect, test } from '@jest/globals'
import { compareCatalogs, describeDifference, type Catalog } from '../../../scripts/database/catalog.ts'
import { catalogOf } from '../support/catalog.ts'
import { createTestDatabase } from '../support/database.ts'

const SETUP = `
  create schema plant;
  create table plant.things (id bigint primary key, name text not null default 'x', size int) with (fillfactor = 80);
  comment on table plant.things is 'Things.';
  create index things_by_name on plant.things (name);
  alter table plant.things enable row level security;
  create policy own on plant.things for select to authenticated using (name = current_user);
  create function plant.f(p_id bigint) returns bigint language plpgsql set search_path = '' as $$ begin return p_id; end $$;
  revoke all on function plant.f(bigint) from public;
  create function plant.touch() returns trigger language plpgsql as $$ begin return new; end $$;
  create trigger touch before insert on plant.things for each row execute function plant.touch();
  create view plant.names with (security_invoker = true) as select name from plant.things;
  create type plant.mood as enum ('good', 'bad');
  insert into plant.things values (1, 'one', 1);`

/** Each plant is one difference that must not pass, and the line that reports it. */
const PLANTS: [name: string, sql: string, report: RegExp][] = [
  ['a left-over overload', `create function plant.f(p_id text) returns int language sql as 'select 1'`, /^function plant\.f\(text\)\n {2}only in right/],
  ['a missing comment', 'comment on table plant.things is null', /^table plant\.things\n {2}- comment Things\./],
  ['a missing revoke', 'grant execute on function plant.f(bigint) to public', /^function plant\.f\(bigint\)\n {2}\+ grant EXECUTE to PUBLIC/],
  ['a grant on one column', 'grant select (name) on plant.things to anon', /^column plant\.things\.name\n {2}\+ grant SELECT to anon/],
  ['a changed default', `alter table plant.things alter name set default 'y'`, /^column plant\.things\.name\n {2}- default 'x'::text\n {2}\+ default 'y'::text/],
  ['a dropped not null', 'alter table plant.things alter name drop not null', /^column plant\.things\.name\n {2}- not null/],
  ['a changed type', 'alter table plant.things alter size type bigint', /^column plant\.things\.size\n {2}- integer\n {2}\+ bigint/],
  ['a missing column', 'alter table plant.things drop size', /^column plant\.things\.size\n {2}only in left/],
  ['a missing policy', 'drop policy own on plant.things', /^policy own on plant\.things\n {2}only in left/],
  ['a wider policy', 'alter policy own on plant.things using (true)', /^policy own on plant\.things\n {2}- using .*\n {2}\+ using true/],
  ['row security switched off', 'alter table plant.things disable row level security', /\+ NO row level security/],
  ['a missing index', 'drop index plant.things_by_name', /^index plant\.things_by_name\n {2}only in left/],
  ['another constraint', 'alter table plant.things add constraint small check (size < 9)', /^constraint small on plant\.things\n {2}only in right/],
  ['a constraint not validated', 'alter table plant.things add constraint small check (size < 9) not valid', /^constraint small/],
  ['another function body', `create or replace function plant.f(p_id bigint) returns bigint language plpgsql set search_path = '' as $$ begin return 0; end $$`, /- AS .*return p_id/],
  ['a search path that is not pinned', 'alter function plant.f(bigint) reset search_path', /^function plant\.f\(bigint\)\n {2}- .*SET search_path/],
  ['a missing trigger', 'drop trigger touch on plant.things', /^trigger touch on plant\.things\n {2}only in left/],
  ['a disabled trigger', 'alter table plant.things disable trigger touch', /^trigger touch on plant\.things\n {2}\+ enabled D/],
  ['a view with its owner\'s rights', 'alter view plant.names reset (security_invoker)', /^view plant\.names\n {2}- options security_invoker=true/],
  ['another fillfactor', 'alter table plant.things set (fillfactor = 100)', /- options fillfactor=80\n {2}\+ options fillfactor=100/],
  ['another enum value', `alter type plant.mood add value 'ugly'`, /^type plant\.mood\n/],
  ['default privileges', 'alter default privileges in schema plant grant select on tables to anon', /^default privileges of creator in schema plant for tables\n {2}only in right/],
  ['a schema grant', 'grant usage on schema plant to anon', /^schema plant\n {2}\+ grant USAGE to anon/],
  ['a reference row', `update plant.things set size = 2`, /^rows of table plant\.things\n {2}- .*"size": 1.*\n {2}\+ .*"size": 2/],
  ['another owner', 'alter table plant.things owner to service_role', /^table plant\.things\n {2}- owner creator/]
]

describe('schema parity', () => {
  let template = ''
  let left: Catalog

  async function catalogAfter(sql: string, from = template): Promise<Catalog> {
    const database = await createTestDatabase(from)
    const client = await database.connect()
    await client.query(sql)
    const catalog = await catalogOf(client, ['plant'])
    await database.drop()
    return catalog
  }

  beforeAll(async () => {
    const database = await createTestDatabase()
    const client = await database.connect()
    await client.query(SETUP)
    left = await catalogOf(client, ['plant'])
    await client.end()
    template = database.name
  })

  test.each(PLANTS)('reports %s', async (_name, sql, report) => {
    const differences = compareCatalogs(left, await catalogAfter(sql))
    const text = differences.map((difference) => describeDifference(difference, 'left', 'right'))
    expect(text).toEqual(expect.arrayContaining([expect.stringMatching(report)]))
  })

  test('finds two builds of the same definitions identical', async () => {
    expect(compareCatalogs(left, await catalogAfter('select 1'))).toEqual([])
  })

  test('does not mind the order of a table\'s columns', async () => {
    const reordered = SETUP.replace(`name text not null default 'x', size int`, `size int, name text not null default 'x'`)
    const rows = reordered.replace(`values (1, 'one', 1)`, `values (1, 1, 'one')`)
    const right = await catalogAfter(`drop schema plant cascade; ${rows}`)
    expect(compareCatalogs(left, right)).toEqual([])
  })
})
