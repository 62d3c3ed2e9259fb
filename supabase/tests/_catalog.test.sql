-- What must hold of every function, table and privilege, whoever adds one (DESIGN §4 and §5). Each test lists the offenders.
begin;
select plan(39);

create temp view functions as
select n.nspname as schema, p.proname as name, p.oid, n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as signature, p.prosecdef, p.proconfig, p.prolang, p.proargnames,
       p.proargmodes, p.proargtypes, p.proallargtypes, p.proowner, p.prorettype, p.provolatile
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('app', 'api');
create temp view relations as
select n.nspname as schema, c.relname as name, c.oid, c.relkind, n.nspname || '.' || c.relname as full_name, c.relrowsecurity, c.reloptions
from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('app', 'api') and c.relkind in ('r', 'p', 'v', 'm', 'f');
create temp view roles as select unnest(array['anon', 'authenticated', 'service_role', 'operator']) as role;
create temp view primary_keys as
select r.name, (select array_agg(a.attname::text order by k.place) from unnest(i.indkey::int2[]) with ordinality as k (attnum, place) join pg_attribute a on a.attrelid = r.oid and a.attnum = k.attnum) as columns
from relations r join pg_index i on i.indrelid = r.oid and i.indisprimary where r.schema = 'app';

-- this file sees what it looks at
select cmp_ok((select count(*) from functions where schema = 'api'), '>=', 34::bigint, 'the functions of api are seen');
select cmp_ok((select count(*) from relations where relkind = 'r'), '>=', 22::bigint, 'the tables are seen');
select is_empty($$ select full_name from relations where relkind in ('p', 'm', 'f') $$, 'there are only tables and views');
select is_empty($$ select full_name from relations where schema = 'api' and relkind <> 'v' $$, 'schema api has no table');

-- functions of api
select is_empty($$ select signature from functions where schema = 'api' and coalesce(obj_description(oid, 'pg_proc'), '') = '' $$, 'every function of api has a comment');
select is_empty($$ select signature from functions where coalesce(obj_description(oid, 'pg_proc'), '') = '' $$, 'so has every function of app');
select is_empty($$ select signature from functions where proconfig is null or not ('search_path=""' = any (proconfig)) $$, 'every function pins an empty search_path');
select is_empty($$ select signature from functions where schema = 'api' and not prosecdef $$, 'every function of api runs with the rights of its owner');
select is_empty($$ select signature from functions where has_function_privilege('anon', oid, 'execute') $$, 'anon may execute no function');
select is_empty($$ select signature from functions where schema = 'api' and has_function_privilege('authenticated', oid, 'execute') $$, 'authenticated may execute no function of api');
select is_empty($$ select f.signature from functions f cross join lateral aclexplode(coalesce((select proacl from pg_proc p where p.oid = f.oid), acldefault('f', f.proowner))) a where a.grantee = 0 $$, 'PUBLIC may execute no function');
select is_empty($$ select signature from functions where schema = 'api' and not has_function_privilege('service_role', oid, 'execute') $$, 'service_role may execute every function of api');
select is_empty($$ select signature from functions where schema = 'app' and has_function_privilege('service_role', oid, 'execute') $$, '… and none of app');
select set_eq($$ select name::text from functions where schema = 'api' and has_function_privilege('operator', oid, 'execute') $$, array['check_invariants', 'list_plan_prices', 'replay_webhook_event', 'schema_version', 'sync_chatbot_count', 'upsert_price'],
  'operator may execute the check, the repair functions and the list of prices, and no other of api');
select set_eq($$ select name::text from functions where schema = 'app' and has_function_privilege('authenticated', oid, 'execute') $$,
  array['signed_in_account'], 'of app, authenticated may execute what its policies use, and no other');
select is_empty($$ select f.signature, g.rolname from functions f cross join lateral aclexplode((select proacl from pg_proc p where p.oid = f.oid)) a join pg_roles g on g.oid = a.grantee
  where a.is_grantable and a.grantee <> f.proowner $$, 'nobody may pass a right to execute on');
select is_empty($$ select schema, name from functions group by schema, name having count(*) > 1 $$, 'no function is overloaded');
select is_empty($$ select signature from functions where prorettype = 'trigger'::regtype and schema = 'api' $$, 'no trigger function is in api');
select set_eq($$ select f.name || '.' || f.proargnames[i] from functions f cross join lateral unnest(coalesce(f.proallargtypes, f.proargtypes::oid[])) with ordinality as t (type, i)
                 where f.schema = 'api' and t.type in ('json'::regtype, 'jsonb'::regtype) and (f.proargmodes is null or f.proargmodes[i] in ('i', 'b', 'v')) $$,
  array['finish_answer.p_citations'], 'no function of api takes a bag of JSON, but for the citations');
select set_eq($$ select f.name::text from functions f where f.schema = 'api' and cardinality(f.proargtypes::oid[]) > 0 and f.proargnames[1] not in ('p_account_id', 'p_account_ids') $$,
  array['claim_webhook_events', 'release_expired_reservations', 'forget_usage_batches', 'replay_webhook_event', 'upsert_price', 'list_old_prices', 'queue_due_changes', 'move_clock',
        'list_expired_checkouts', 'list_live_subscriptions', 'list_drifts', 'list_plan_prices', 'claim_operations', 'advance_reconciliation', 'reconcile_event', 'begin_reconciliation', 'read_widget_by_key',
        -- Operators see all accounts.
        'list_accounts', 'list_webhook_events', 'read_webhook_event', 'list_operator_actions', 'list_reconciliation_runs', 'replay_event_as', 'discard_event_as'], 'a function that works on an account takes it first');
select is_empty($$ select f.signature from functions f where f.schema = 'api' and exists (
  select from generate_subscripts(coalesce(f.proallargtypes, f.proargtypes::oid[]), 1) i where (f.proargmodes is null or f.proargmodes[i] in ('i', 'b', 'v')) and coalesce(f.proargnames[i + 1 - array_lower(coalesce(f.proallargtypes, f.proargtypes::oid[]), 1)], '') !~ '^p_') $$,
  'every argument is named, and its name begins with p_');
select is_empty($$ select f.signature from functions f join pg_language l on l.oid = f.prolang where l.lanname not in ('plpgsql', 'sql') $$, 'every function is plpgsql or SQL');

-- tables
select is_empty($$ select full_name from relations where relkind = 'r' and not relrowsecurity $$, 'every table has row level security');
select is_empty($$ select full_name from relations where coalesce(obj_description(oid, 'pg_class'), '') = '' $$, 'every table and view has a comment');
select is_empty($$ select r.full_name from relations r where r.relkind = 'r' and not exists (select from pg_index i where i.indrelid = r.oid and i.indisprimary) $$, 'every table has a primary key');
select is_empty($$ select full_name from relations where relkind = 'v' and not ('security_invoker=true' = any (coalesce(reloptions, '{}'))) $$, 'every view runs with the rights of its reader');
select is_empty($$ select p.name from primary_keys p join relations r on r.name = p.name and r.schema = 'app' join pg_attribute a on a.attrelid = r.oid and a.attname = 'account_id'
  where p.columns[1] <> 'account_id' and p.name not in ('webhook_events', 'processor_links', 'reconciliation_drifts', 'widget_keys') $$, 'the primary key of every account''s table begins with account_id; the inbox and the look-ups of processor ids and widget keys are none');
select is_empty($$ select c.conrelid::regclass || ' ' || c.conname from pg_constraint c join relations r on r.oid = c.conrelid join pg_attribute a on a.attrelid = r.oid and a.attname = 'account_id'
  where c.contype = 'u' and (select attname from pg_attribute x where x.attrelid = r.oid and x.attnum = c.conkey[1]) <> 'account_id' $$, 'so does every unique constraint of them');
select is_empty($$ select a.attrelid::regclass::text from pg_attribute a join relations r on r.oid = a.attrelid where a.attname = 'account_id' and a.atttypid <> 'text'::regtype $$, 'account_id is text everywhere');
select is_empty($$ select c.conrelid::regclass || ' ' || c.conname from pg_constraint c join relations r on r.oid = c.conrelid where c.contype = 'f' and not exists (
  select from pg_index i where i.indrelid = c.conrelid and i.indpred is null and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] <@ c.conkey)
  -- Nobody deletes a metric; and before a first analyze Postgres would read all counters of one by that index, to find a single one.
  and c.conname <> 'counters_metric_fkey' $$,
  'every foreign key has an index that begins with its columns, but one');
select is_empty($$ select conrelid::regclass || ' ' || conname from pg_constraint c join relations r on r.oid = c.conrelid where contype = 'f' and (confdeltype in ('n', 'd') or confupdtype in ('c', 'n', 'd')) $$,
  'no foreign key sets null or changes with its target');

-- who may touch the tables
select is_empty($$ select r.full_name, o.role, p from relations r cross join roles o cross join unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p where has_table_privilege(o.role, r.oid, p) $$,
  'no role may write any table or view');
select is_empty($$ select r.full_name, o.role from relations r cross join roles o where o.role in ('anon', 'service_role') and (has_table_privilege(o.role, r.oid, 'select') or has_any_column_privilege(o.role, r.oid, 'select')) $$,
  'anon and service_role may read none');
select set_eq($$ select full_name::text from relations r where has_table_privilege('authenticated', r.oid, 'select') $$, array[
  'api.my_chatbots', 'api.my_documents', 'api.my_conversations', 'api.my_messages', 'api.my_usage_events', 'app.chatbots', 'app.documents', 'app.conversations', 'app.messages', 'app.usage_events',
  'app.accounts', 'app.counters', 'app.processor_subscriptions', 'app.metrics', 'app.plans', 'app.plan_quotas'], 'authenticated may read the views of its own rows, what they are made of, and the catalog');
select is_empty($$ select r.full_name from relations r cross join lateral aclexplode((select relacl from pg_class c where c.oid = r.oid)) a where a.grantee = 0 $$, 'PUBLIC may do nothing with any');
select is_empty($$ select r.full_name from relations r where r.schema = 'app' and not has_table_privilege('operator', r.oid, 'select') $$, 'operator may read every table and view of app');
select is_empty($$ select r.full_name from relations r where r.relkind = 'r' and not exists (
  select from pg_policies p where p.schemaname = r.schema and p.tablename = r.name and p.roles = '{operator}' and p.cmd = 'SELECT' and p.qual = 'true') $$, '… and every row of it');
select is_empty($$ select p.tablename, p.policyname from pg_policies p where p.schemaname in ('app', 'api') and not (p.roles = '{operator}' and p.cmd = 'SELECT')
  and not (p.roles = '{authenticated}' and p.cmd = 'SELECT' and (p.qual ~ '^\(account_id = \( SELECT (app\.)?signed_in_account\(\) AS signed_in_account\)\)$' or p.tablename in ('metrics', 'plans', 'plan_quotas') and p.qual = 'true')) $$,
  'every other policy lets authenticated read rows of its own account, or the catalog');
select is_empty($$ select c.oid::regclass, o.role from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join roles o where n.nspname in ('app', 'api') and c.relkind = 'S' and has_sequence_privilege(o.role, c.oid, 'usage, select, update') $$,
  'no role may use a sequence');

select * from finish();
rollback;
