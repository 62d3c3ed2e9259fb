-- missing_guards: each guard that is taken away is named, and nothing else is.
begin;
select plan(16);
-- Names are then as the function under test writes them.
set local search_path = tap;

create function pg_temp.found() returns text[] language sql as $$
  select coalesce(array_agg(f order by f collate "C"), '{}') from app.missing_guards() f
$$;
-- What is found after a statement, which is then as if it had never been.
create function pg_temp.planted(p_statement text) returns text[] language plpgsql as $$
begin
  execute p_statement;
  raise exception using errcode = 'ZZ001', message = pg_temp.found()::text;
exception when sqlstate 'ZZ001' then
  return sqlerrm::text[];
end
$$;
create function pg_temp.names(p_statement text, p_found text[], p_name text) returns setof text language sql as $$
  select is(pg_temp.planted(p_statement), p_found, p_name)
$$;
select is(pg_temp.found(), '{}', 'as migrated, every guard is in place');

-- tables
select is_empty($$ select * from (select pg_temp.planted(format('alter table %s disable row level security',
  c.oid::regclass)) as found, c.oid::regclass as name
  from pg_class c where c.relnamespace = 'app'::regnamespace and c.relkind = 'r') p
  where found is distinct from array[name || ' has no row security'] $$, 'any one table without row security is named');
select pg_temp.names('create table app.forgotten (id integer)', array['app.forgotten has no row security'], 'so is a new one');
select pg_temp.names('create table api.forgotten (id integer)', array['api.forgotten has no row security'],
  '… also in the schema that is exposed');
select pg_temp.names('create policy leak on app.messages for select to authenticated using (true)',
  array['policy leak of app.messages lets rows of others be read'], 'a policy that shows rows of others is named');

-- functions
select is_empty($$ select * from (select pg_temp.planted(format('alter function %s %s', p.oid::regprocedure, how)) as found,
  p.oid::regprocedure::text as name
  from pg_proc p cross join unnest(array['set search_path = public', 'reset search_path']) how
  where p.pronamespace in ('app'::regnamespace, 'api'::regnamespace)) f
  where found is distinct from array[name || ' has no fixed search_path'] $$,
  'any one function with another search_path, or none of its own, is named');
select pg_temp.names('alter function app.clock() set search_path = app, pg_temp', array['app.clock() has no fixed search_path'],
  '… for instance so');

-- views
select is_empty($$ select * from (select pg_temp.planted(format('alter view %s %s', c.oid::regclass, how)) as found, c.oid::regclass as name
  from pg_class c cross join unnest(array['reset (security_invoker)', 'set (security_invoker = false)']) how
  where c.relnamespace in ('app'::regnamespace, 'api'::regnamespace) and c.relkind = 'v') p
  where found is distinct from array[name || ' runs with the rights of its owner'] $$,
  'any one view that runs with the rights of its owner is named');
select pg_temp.names('create view api.forgotten as select 1 as one', array['api.forgotten runs with the rights of its owner'],
  'so is a new one');

-- triggers: all there are, but for the one that only saves plain SQL a step
create temp table triggers as
select t.tgrelid::regclass as relation, t.tgname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
where c.relnamespace in ('app'::regnamespace, 'api'::regnamespace) and not t.tgisinternal and t.tgname <> 'make_account_first';
select is((select count(*) from triggers), 18::bigint, 'eighteen triggers guard');
select is_empty($$ select * from (select pg_temp.planted(format('drop trigger %I on %s', name, relation)) as found, * from triggers) p
  where found is distinct from array[format('trigger %s of %s is missing or switched off', name, relation)] $$,
  'any one that is dropped is named');
select is_empty($$ select * from (select pg_temp.planted(format('alter table %s %s trigger %I', relation, how, name)) as found, *
  from triggers cross join unnest(array['disable', 'enable replica']) how) p
  where found is distinct from array[format('trigger %s of %s is missing or switched off', name, relation)] $$,
  'so is any one that is switched off, or on for replicas only');
select is(pg_temp.planted(string_agg(format('alter table %s enable always trigger %I', relation, name), '; ')), '{}',
  'one that always runs is in place') from triggers;
select pg_temp.names('alter table app.usage_events disable trigger all',
  array['trigger ledger_is_append_only of app.usage_events is missing or switched off',
  'trigger ledger_is_not_truncated of app.usage_events is missing or switched off'],
  'all triggers of a table switched off are named one by one');

select is(has_function_privilege('service_role', 'app.missing_guards()', 'execute'), false, 'only the owner asks');
select is(pg_temp.found(), '{}', 'looking changed nothing');

select * from finish();
rollback;
