-- wrong_grants names each privilege on schemas app and api that a role has and must not have, or lacks and must have.
--
-- Returns: one sentence per fault
create or replace function app.wrong_grants()
returns setof text
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  -- Functions of api are for the server; a few repairs are for the operator too; nobody else calls any.
  select format('%s may execute %s', r.role, p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join (values ('anon'), ('authenticated'), ('service_role'), ('operator')) r (role)
  where n.nspname in ('app', 'api') and has_function_privilege(r.role, p.oid, 'execute')
    and not (n.nspname = 'api' and r.role = 'service_role')
    and not (r.role = 'authenticated' and p.proname = 'signed_in_account')
    and not (r.role = 'operator' and p.proname in (
      'sync_chatbot_count', 'upsert_price', 'list_plan_prices', 'replay_webhook_event', 'check_invariants', 'schema_version',
      'clock', 'window_at', 'entitlement', 'subscription_to_show'))
  union all
  select format('%s may not execute %s', r.role, p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join (values ('service_role'), ('operator')) r (role)
  where n.nspname = 'api' and not has_function_privilege(r.role, p.oid, 'execute')
    and (r.role = 'service_role' or p.proname in (
      'sync_chatbot_count', 'upsert_price', 'list_plan_prices', 'replay_webhook_event', 'check_invariants', 'schema_version'))
  union all
  select format('public may execute %s', p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
  where n.nspname in ('app', 'api') and a.grantee = 0
  union all
  -- Tables and views: the operator reads all of app, a signed-in user its own rows, the server nothing, nobody writes.
  select format('%s may %s %s', r.role, lower(v.privilege), c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join (values ('anon'), ('authenticated'), ('service_role'), ('operator')) r (role)
  cross join (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) v (privilege)
  where n.nspname in ('app', 'api') and c.relkind in ('r', 'p', 'v', 'm')
    -- A grant on one column is a grant too.
    and case when v.privilege in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') then has_any_column_privilege(r.role, c.oid, v.privilege)
             else has_table_privilege(r.role, c.oid, v.privilege) end
    and not (v.privilege = 'SELECT' and r.role = 'operator' and n.nspname = 'app')
    and not (v.privilege = 'SELECT' and r.role = 'authenticated' and c.relname in (
      'metrics', 'plans', 'plan_quotas', 'accounts', 'usage_events', 'counters', 'chatbots', 'documents', 'conversations',
      'messages', 'processor_subscriptions', 'my_chatbots', 'my_documents', 'my_conversations', 'my_messages', 'my_usage_events'))
  union all
  select format('%s may not select %s', r.role, c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join (values ('operator'), ('authenticated')) r (role)
  where c.relkind in ('r', 'p', 'v', 'm') and not has_table_privilege(r.role, c.oid, 'SELECT')
    and (r.role = 'operator' and n.nspname = 'app' or r.role = 'authenticated' and n.nspname = 'api')
  union all
  select format('%s may create in schema %s', r.role, n.nspname)
  from pg_catalog.pg_namespace n
  cross join (values ('anon'), ('authenticated'), ('service_role'), ('operator')) r (role)
  where n.nspname in ('app', 'api') and has_schema_privilege(r.role, n.oid, 'CREATE');
end
$$;

comment on function app.wrong_grants() is
  'Names each privilege that a role has and must not have, or lacks and must have.';
revoke all on function app.wrong_grants() from public, anon, authenticated, service_role;
