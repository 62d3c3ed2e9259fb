import type { Client } from 'pg'
import { z } from 'zod'

const relationSchema = z.object({ name: z.string(), schema: z.string(), kind: z.string(), columns: z.array(z.string()) })
/** Relation is a table or a view (kind `v`) with its columns. */
export type Relation = z.output<typeof relationSchema>

const functionSchema = z.object({ name: z.string(), schema: z.string(), types: z.array(z.string()),
  argumentNames: z.array(z.string()), isTrigger: z.boolean(), isFolded: z.boolean() })
/** SqlFunction is a function with the types of the arguments it takes. */
export type SqlFunction = z.output<typeof functionSchema>

/** Catalog is all there is in the schemas of Parley's, as the catalog tells: what is added is attacked too. */
export type Catalog = { relations: Relation[]; functions: SqlFunction[]; sequences: string[] }

/** readCatalog asks a superuser's connection. */
export async function readCatalog(owner: Client): Promise<Catalog> {
  const relations = await owner.query(
    `select format('%I.%I', n.nspname, c.relname) as name, n.nspname as schema, c.relkind::text as kind,
            array_agg(quote_ident(a.attname) order by a.attnum) as columns
       from pg_class c join pg_namespace n on n.oid = c.relnamespace 
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where n.nspname in ('app', 'api', 'public') and c.relkind in ('r', 'p', 'v', 'm', 'f') group by c.oid, c.relname,
        c.relkind, n.nspname order by 1`
  )
  const functions = await owner.query(
    `select p.proname::text as name, n.nspname as schema, p.prorettype = 'trigger'::regtype as "isTrigger",
            p.proisstrict and p.provolatile = 'i' as "isFolded",
            coalesce(p.proargnames[1:p.pronargs], '{}') as "argumentNames",
            coalesce((select array_agg(format_type(t,
              null) order by i) from unnest(p.proargtypes::oid[]) with ordinality as a (t, i)), '{}') as types
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('app', 'api', 'public') order by 1`
  )
  const sequences = await owner.query<{ name: string }>(
    `select format('%s.%I', c.relnamespace::regnamespace, c.relname) as name from pg_class c
      where c.relkind = 'S' and c.relnamespace in ('app'::regnamespace, 'api'::regnamespace)`
  )
  return {
    relations: z.array(relationSchema).parse(relations.rows),
    functions: z.array(functionSchema).parse(functions.rows),
    sequences: sequences.rows.map(({ name }) => name)
  }
}

/** callsOf writes calls of a function: with nulls, and with a victim's ids where they may go. */
export function callsOf(each: SqlFunction, ids: { accountId: string; id: string }): string[] {
  const { schema, name, types, isTrigger, isFolded } = each
  if (isTrigger) return [`select ${schema}.${name}()`]
  const valueOf = (type: string): string => {
    if (type === 'text') return `'${ids.accountId}'`
    if (type === 'uuid') return `'${ids.id}'`
    if (type.endsWith('[]')) return `'{}'`
    if (type === 'interval') return `'1 second'`
    if (/int|numeric|double/.test(type)) return '1'
    if (type === 'boolean') return 'false'
    if (/json/.test(type)) return `'{}'`
    if (/timestamp/.test(type)) return 'now()'
    return 'null'
  }
  // A polymorphic function must be told what it is called with.
  const given = types.map((type) => ({ anyarray: 'bigint[]', anyelement: 'bigint' })[type] ?? type)
  const call = (write: (type: string) => string) =>
    `select * from ${schema}.${name}(${given.map((type) => `${write(type)}::${type}`).join(', ')})`
  // The planner answers a strict immutable function of a null itself, before anybody's rights are asked.
  return types.length === 0 || isFolded ? [call(valueOf)] : [call(() => 'null'), call(valueOf)]
}

/** writesTo are statements that change a relation, each of which must be refused. */
export function writesTo({ name, kind, columns }: Relation): string[] {
  const [first = 'ctid'] = columns
  const key = columns.find((column) => /^(account_id|name|title|amount|metric)$/.test(column)) ?? first
  const rows = [
    `insert into ${name} default values`, `insert into ${name} (${key}) values (null)`,
    `insert into ${name} (${key}) select ${key} from ${name}`, `update ${name} set ${key} = ${key}`,
    `delete from ${name}`, `merge into ${name} t using (select 1) s on true when matched then delete`,
    `lock table ${name} in exclusive mode`, `select * from ${name} for update`
  ]
  if (kind === 'v') return [...rows, `drop view ${name} cascade`, `alter view ${name} set (security_invoker = false)`,
    `comment on view ${name} is 'x'`]
  return [
    ...rows, `truncate ${name}`, `truncate ${name} cascade`, `copy ${name} to program 'cat'`, `copy ${name} from program 'true'`,
      `alter table ${name} disable row level security`, `alter table ${name} owner to current_user`, `drop table ${name} cascade`,
    `create rule r as on insert to ${name} do instead nothing`,
    `create trigger t before insert on ${name} execute function app.refuse_change()`, `create policy p on ${name} using (true)`,
    `comment on table ${name} is 'x'`, `create index on ${name} (${first})`
  ]
}

/** POWERS are what nobody but an owner may do in a database, each of which must be refused. */
export const POWERS: readonly string[] = [
  'set role postgres', 'set role service_role', 'set role operator', 'set role parley_server',
  'set session authorization postgres', 'set session authorization parley_server',
  'reset session authorization; set role postgres',
  'alter role authenticated superuser', 'alter role anon bypassrls', 'create role evil superuser',
  'grant service_role to current_user', 'grant pg_read_server_files to current_user', 'drop role service_role',
  'select * from pg_authid', 'select * from pg_shadow', 'select rolpassword from pg_authid', 'select * from pg_user_mapping',
  'select * from pg_statistic', 'select * from pg_largeobject', 'select * from pg_subscription', 'table pg_hba_file_rules',
  'select * from pg_file_settings', 'update pg_proc set prosecdef = true', 'delete from pg_class',
  'set allow_system_table_mods = on',
  'create table app.evil (a int)', 'create table api.evil (a int)', 'create table public.evil (a int)',
  'create temporary table evil (a int)', 'create schema evil', 'create view api.evil as select 1',
  'create materialized view public.evil as select 1', 'create sequence public.evil', 'create type public.evil as enum ()',
  'create domain public.evil as text', "create function api.evil() returns int language sql as 'select 1'",
  "create or replace function app.signed_in_account() returns text language sql as 'select ''x'''",
  "create function pg_temp.evil() returns int language sql as 'select 1'", 'create extension dblink',
  'create extension postgres_fdw', 'create extension plpython3u', 'create publication evil for all tables',
  "create subscription evil connection 'host=127.0.0.1' publication evil with (connect = false)",
  'create event trigger evil on ddl_command_start execute function app.refuse_change()', 'create database evil',
  "create tablespace evil location '/tmp'", 'create cast (text as int) with inout',
  'create operator public.=== (leftarg = int, rightarg = int, procedure = int4eq)',
  "select pg_read_file('/etc/passwd')", "select pg_read_binary_file('/etc/passwd')", "select pg_ls_dir('/')",
  "select pg_stat_file('/etc/passwd')", "select lo_import('/etc/passwd')", "select lo_export(1, '/tmp/evil')",
  "copy (select 1) to '/tmp/evil'", "copy (select 1) to program 'id'", 'select pg_reload_conf()', 'select pg_rotate_logfile()',
  'select pg_switch_wal()', "select pg_create_restore_point('evil')", "select pg_create_physical_replication_slot('evil')",
  'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()', 'select pg_promote()',
  "select pg_logical_emit_message(true, 'a', 'b') from pg_ls_waldir()", 'select * from pg_ls_logdir()',
  "select pg_current_logfile(), pg_read_file(pg_current_logfile())",
  "alter system set log_statement = 'all'", "set session_replication_role = 'replica'", "set log_statement = 'all'",
  'set log_min_messages = debug5', "load 'plpgsql.so'", "alter database parley_evidence set search_path = 'evil'",
  'drop schema app cascade', 'drop database parley_evidence',
  'alter default privileges for role postgres in schema app grant all on tables to public',
  'reassign owned by postgres to current_user', 'drop owned by postgres', 'checkpoint',
  'do $$ begin execute \'alter role anon superuser\'; end $$'
]
