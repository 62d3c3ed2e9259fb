-- wrong_grants: each privilege that is planted is named, on every function, table and view, and nothing else is.
begin;
select plan(33);
-- Names are then as the function under test writes them.
set local search_path = tap;

create function pg_temp.found() returns text[] language sql as $$
  select coalesce(array_agg(f order by f collate "C"), '{}') from app.wrong_grants() f
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
select is(pg_temp.found(), '{}', 'as migrated, no role may more than it must, or less');

-- functions
create temp table functions as
select p.oid, p.oid::regprocedure::text as name, n.nspname as schema, p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('app', 'api');
create temp table roles as select unnest(array['anon', 'authenticated', 'service_role', 'operator']) as role;
select cmp_ok((select count(*) from functions), '>', 60::bigint, 'the functions are seen');
select is_empty($$ select * from (select pg_temp.planted(format('grant execute on function %s to anon', name)) as found, name
  from functions) p
  where found is distinct from array['anon may execute ' || name] $$, 'anon with any one function is named');
select is_empty($$ select * from (select pg_temp.planted(format('grant execute on function %s to authenticated', name)) as found, name
  from functions
  where proname <> 'signed_in_account') p where found is distinct from array['authenticated may execute ' || name] $$,
  'a signed-in user with any one but the one its policies use is named');
select is_empty($$ select * from (select pg_temp.planted(format('grant execute on function %s to service_role', name)) as found, name
  from functions
  where schema = 'app') p where found is distinct from array['service_role may execute ' || name] $$,
  'the server with any one of app is named');
select is_empty($$ select * from (select pg_temp.planted(format('revoke execute on function %s from service_role', name)) as found, name
  from functions where schema = 'api') p where found is distinct from array['service_role may not execute ' || name] $$,
  'the server without any one of api is named');
select is_empty($$ select * from (select pg_temp.planted(format('grant execute on function %s to operator', name)) as found, name
  from functions
  where not has_function_privilege('operator', oid, 'execute')) p where found is distinct from array['operator may execute ' || name] $$,
  'the operator with any one but its own is named');
select set_eq($$ select proname::text from functions where has_function_privilege('operator', oid, 'execute') $$,
  array['check_invariants', 'list_plan_prices', 'replay_webhook_event', 'schema_version', 'sync_chatbot_count', 'upsert_price', 'clock', 'window_at',
        'entitlement', 'subscription_to_show'],
  '… which are the check, the repairs, and what the operator''s queries call');
select is_empty($$ select * from (select pg_temp.planted(format('grant execute on function %s to public', name)) as found, name
  from functions) p
  where not found @> array['public may execute ' || name, 'anon may execute ' || name]
     or exists (select from unnest(found) f where right(f, length(name)) <> name) $$,
  'everybody with any one function is named, as is who thereby may');
select pg_temp.names('grant execute on function api.read_account(text) to public', array['anon may execute api.read_account(text)',
  'authenticated may execute api.read_account(text)', 'operator may execute api.read_account(text)',
  'public may execute api.read_account(text)'],
  '… for instance so');
select pg_temp.names($$ create function api.forgotten() returns integer language sql set search_path = '' as 'select 1' $$,
  array['anon may execute api.forgotten()', 'authenticated may execute api.forgotten()', 'operator may execute api.forgotten()',
        'public may execute api.forgotten()'], 'a new function is everybody''s until that is revoked');

-- tables and views
create temp table relations as
select c.oid, c.oid::regclass::text as name, n.nspname as schema, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('app', 'api') and c.relkind in ('r', 'v');
select cmp_ok((select count(*) from relations), '>', 25::bigint, 'tables and views are seen');
create function pg_temp.unnamed(p_role text, p_privilege text) returns setof text language sql as $$
  select name || ': ' || found::text
  from (select pg_temp.planted(format('grant %s on %s to %s', p_privilege, name, p_role)) as found, name from relations
        where not has_table_privilege(p_role, oid, p_privilege)) p
  where found is distinct from array[format('%s may %s %s', p_role, p_privilege, name)]
$$;
select is_empty(format('select pg_temp.unnamed(%L, %L)', role, 'select'),
  format('%s reading any one table or view it must not is named', role)) from roles;
select is_empty(format('select pg_temp.unnamed(%L, w) from unnest(array[''insert'', ''update'', ''delete'', ''truncate'']) w', role),
  format('%s writing any one is named', role)) from roles;
select is_empty(format('select pg_temp.unnamed(%L, w) from unnest(array[''references'', ''trigger'']) w', role),
  format('%s referring to any one, or hanging a trigger on it, is named', role)) from roles;
select pg_temp.names('grant select on app.passages to public',
  array['anon may select app.passages', 'authenticated may select app.passages', 'service_role may select app.passages'],
  'a table that everybody may read is named for each role that must not');
select pg_temp.names('grant select (account_id) on app.accounts to anon', array['anon may select app.accounts'],
  'a grant on one column is named');
select pg_temp.names('grant update (plan) on app.accounts to service_role', array['service_role may update app.accounts'],
  '… also one to write it');
select pg_temp.names('revoke select on app.webhook_events from operator', array['operator may not select app.webhook_events'],
  'a table the operator cannot read is named');
select pg_temp.names('revoke execute on function api.replay_webhook_event(text, text) from operator',
  array['operator may not execute api.replay_webhook_event(text,text)'], '… or a repair it cannot call');
select pg_temp.names('revoke select on api.my_chatbots from authenticated', array['authenticated may not select api.my_chatbots'],
  'so is a view of its own rows that a signed-in user cannot');
select pg_temp.names('grant create on schema api to service_role', array['service_role may create in schema api'],
  'and who may make functions');

select is(has_function_privilege('service_role', 'app.wrong_grants()', 'execute'), false, 'only the owner asks');
select is(pg_temp.found(), '{}', 'looking changed nothing');

select * from finish();
rollback;
