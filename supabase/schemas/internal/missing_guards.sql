-- missing_guards names what would let rows or invariants be passed by: a table without row security, a function without a
-- fixed search path, a view that runs with its owner's rights, a guarding trigger that is missing or switched off.
--
-- Returns: one sentence per fault
create or replace function app.missing_guards()
returns setof text
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select format('%s has no row security', c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'api') and c.relkind in ('r', 'p') and not c.relrowsecurity
  union all
  select format('policy %s of %s lets rows of others be read', p.polname, p.polrelid::regclass)
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'api')
    and p.polroles <> array['operator'::regrole::oid]
    and not (p.polcmd = 'r' and p.polroles = array['authenticated'::regrole::oid]
             and (c.relname in ('metrics', 'plans', 'plan_quotas')
                  or pg_get_expr(p.polqual, p.polrelid) = '(account_id = ( SELECT app.signed_in_account() AS signed_in_account))'))
  union all
  select format('%s has no fixed search_path', p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('app', 'api') and not coalesce(p.proconfig @> array['search_path=""'], false)
  union all
  select format('%s runs with the rights of its owner', c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'api') and c.relkind = 'v' and not coalesce(c.reloptions @> array['security_invoker=true'], false)
  union all
  select format('trigger %s of app.%s is missing or switched off', g.name, g.relation)
  from (values
    ('chatbots', 'chatbots_move_gauge'), ('chatbots', 'chatbots_stay_with_their_account'), ('chatbots', 'chatbots_are_not_truncated'),
    ('documents', 'documents_move_gauge'), ('documents', 'documents_keep_their_size'), ('documents', 'documents_are_not_truncated'),
    ('usage_events', 'ledger_is_append_only'), ('usage_events', 'ledger_is_not_truncated'),
    ('subscription_events', 'subscription_events_are_append_only'), ('subscription_events', 'subscription_events_are_not_truncated'),
    ('reversal_events', 'reversal_events_are_append_only'), ('reversal_events', 'reversal_events_are_not_truncated'),
    ('plan_prices', 'plan_prices_are_append_only'), ('plan_prices', 'plan_prices_are_not_truncated'),
    ('operator_actions', 'operator_actions_are_append_only'), ('operator_actions', 'operator_actions_are_not_truncated'),
    ('plans', 'complete_plan_quotas'), ('metrics', 'complete_plan_quotas')
  ) g (relation, name)
  where not exists (
    select from pg_catalog.pg_trigger t
    where t.tgrelid = ('app.' || g.relation)::regclass and t.tgname = g.name and t.tgenabled in ('O', 'A'));
end
$$;

comment on function app.missing_guards() is
  'Names each table without row security, function without a fixed search path, and guarding trigger that is missing or switched off.';
revoke all on function app.missing_guards() from public, anon, authenticated, service_role;
