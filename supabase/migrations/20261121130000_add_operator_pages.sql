-- Operator pages: deliveries may be discarded, what operators do with them is noted, and lists over all accounts.

alter table app.webhook_events drop constraint webhook_events_status_check;
alter table app.webhook_events add constraint webhook_events_status_check
  check (status in ('received', 'processed', 'ignored', 'failed', 'dead', 'discarded'));
comment on column app.webhook_events.status is
  'processed: its effect is in force or was older than what is; ignored: not acted on; failed: will be retried, also where its account is not known yet; dead: will not, until replayed; discarded: an operator decided that it stays without effect.';

create index webhook_events_account on app.webhook_events (account_id, created_at) where account_id is not null;
create index webhook_events_discarded on app.webhook_events (created_at) where status = 'discarded';
create index processor_links_object on app.processor_links (object_id text_pattern_ops);
create index reconciliation_runs_all on app.reconciliation_runs (started_at desc, id desc);
create index accounts_newest on app.accounts (created_at desc, account_id desc);
create index accounts_prefix on app.accounts (account_id text_pattern_ops);

create table app.operator_actions (
  id uuid primary key default gen_random_uuid(),
  operator_id text not null check (length(operator_id) between 1 and 255),
  action text not null check (action in ('replay', 'discard')),
  processor text not null,
  event_id text not null,
  reason text not null check (length(reason) between 3 and 500),
  status_before text not null,
  status_after text not null,
  created_at timestamptz not null default app.clock()
);

create index operator_actions_latest on app.operator_actions (created_at desc, id desc);
create index operator_actions_event on app.operator_actions (processor, event_id, created_at desc);

comment on table app.operator_actions is
  'Each time somebody replayed or discarded a delivery, why, and what it was before. Written in the transaction of the change. Append-only.';
comment on column app.operator_actions.operator_id is 'The Clerk user, or where it was done in SQL the database login.';

alter table app.operator_actions enable row level security;
revoke all on table app.operator_actions from public, anon, authenticated, service_role;
grant select on table app.operator_actions to operator;
create policy operator_reads on app.operator_actions for select to operator using (true);

create or replace trigger operator_actions_are_append_only before update or delete on app.operator_actions
  for each row execute function app.refuse_change('what operators did is append-only');
create or replace trigger operator_actions_are_not_truncated before truncate on app.operator_actions
  for each statement execute function app.refuse_change('what operators did is append-only');

--! Included schemas/internal/act_on_event.sql
-- act_on_event lets an operator replay or discard a delivery that is without effect, and notes who did it and why.
--
-- Args:    p_operator_id  who does it, 1 to 255 characters
--          p_action       replay (it is due at once, with all its attempts before it) or discard (it stays without effect)
--          p_reason       why, 3 to 500 characters
-- Returns: one row; no row for an unknown delivery. outcome
--            done     it was failed, dead or discarded, status is what it is now
--            refused  it was processed or ignored and is left alone, status tells which
-- Errors:  PY004 operator or reason
-- Locks:   the inbox row until commit: a delivery that is being applied is waited for. A repetition changes nothing but the log.
create or replace function app.act_on_event(p_operator_id text, p_action text, p_processor text, p_event_id text, p_reason text)
returns table (outcome text, status text)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_before text;
  v_reason text := btrim(p_reason);
begin
  if p_operator_id is null or length(p_operator_id) not between 1 and 255 then
    raise exception 'operator_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if v_reason is null or length(v_reason) not between 3 and 500 then
    raise exception 'reason must have 3 to 500 characters' using errcode = 'PY004';
  end if;

  select e.status into v_before
  from app.webhook_events e where e.processor = p_processor and e.id = p_event_id
  for update;
  if not found then
    return;
  end if;
  if v_before not in ('failed', 'dead', 'discarded') then
    outcome := 'refused';
    status := v_before;
    return next;
    return;
  end if;

  outcome := 'done';
  status := case p_action when 'replay' then 'failed' else 'discarded' end;
  update app.webhook_events e
  set status = act_on_event.status,
      attempts = case p_action when 'replay' then 0 else e.attempts end,
      next_attempt_at = case p_action when 'replay' then app.clock() end
  where e.processor = p_processor and e.id = p_event_id;
  insert into app.operator_actions (operator_id, action, processor, event_id, reason, status_before, status_after)
  values (p_operator_id, p_action, p_processor, p_event_id, v_reason, v_before, status);
  return next;
end
$$;

comment on function app.act_on_event(text, text, text, text, text) is
  'Lets an operator replay or discard a delivery that is without effect, and notes who did it and why.';
revoke all on function app.act_on_event(text, text, text, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/act_on_event.sql

--! Included schemas/internal/missing_guards.sql
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
--! EndIncluded schemas/internal/missing_guards.sql

--! Included schemas/functions/discard_event_as.sql
-- discard_event_as decides that a failed or dead delivery stays without effect, in the name of an operator: change and log in
-- one transaction. It is not tried again, nothing wakes it, and a later delivery of it changes nothing; only a replay revives
-- it. It works for every account.
--
-- Args:    p_operator_id  who does it · p_reason  why, 3 to 500 characters
-- Returns: one row; no row for an unknown delivery. outcome done (status discarded), or refused (status processed or ignored:
--          there is nothing to discard)
-- Errors:  PY004 operator or reason
-- Locks:   the inbox row until commit: one that is being applied is waited for. A repetition changes nothing but the log.
create or replace function api.discard_event_as(p_operator_id text, p_processor text, p_event_id text, p_reason text)
returns table (outcome text, status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query select r.outcome, r.status from app.act_on_event(p_operator_id, 'discard', p_processor, p_event_id, p_reason) r;
end
$$;

comment on function api.discard_event_as(text, text, text, text) is
  'Decides in the name of an operator that a failed or dead delivery stays without effect, and notes why.';
revoke all on function api.discard_event_as(text, text, text, text) from public, anon, authenticated;
grant execute on function api.discard_event_as(text, text, text, text) to service_role;
--! EndIncluded schemas/functions/discard_event_as.sql

--! Included schemas/functions/list_account_subscriptions.sql
-- list_account_subscriptions lists every subscription an account ever had, up to a hundred: the one in force first, then the
-- last heard of.
--
-- Returns: plan null = its price is not known; times in UTC
-- Locks:   none
create or replace function api.list_account_subscriptions(p_account_id text)
returns table (
  processor text, subscription_id text, status text, plan text, in_force boolean, period_start timestamptz, period_end timestamptz,
  as_of timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select s.processor, s.subscription_id, s.status, s.plan, s.in_force, s.period_start, s.period_end, s.as_of
  from app.processor_subscriptions s
  where s.account_id = p_account_id
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 100;
end
$$;

comment on function api.list_account_subscriptions(text) is 'Every subscription an account ever had, the one in force first.';
revoke all on function api.list_account_subscriptions(text) from public, anon, authenticated;
grant execute on function api.list_account_subscriptions(text) to service_role;
--! EndIncluded schemas/functions/list_account_subscriptions.sql

--! Included schemas/functions/list_accounts.sql
-- list_accounts lists all accounts for operators, the newest first, a page at a time.
--
-- Args:    p_search                the beginning of an account's id, or of a customer's, subscription's or payment's id at a
--                                  processor; null = all
--          p_limit                 1 to 100
--          p_before_created_at,
--          p_before_id             the last row of the page before; null = the first page
-- Returns: rows as of read_account_overview
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_accounts(
  p_search text default null, p_limit integer default 50, p_before_created_at timestamptz default null,
  p_before_id text default null
)
returns table (
  account_id text, plan text, status text, processor text, subscription_id text, chatbots bigint, messages_used bigint,
  messages_quota bigint, created_at timestamptz, closed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_account_ids text[];
begin
  perform app.check_page_limit(p_limit);
  if p_search is null then
    select array_agg(page.account_id) into v_account_ids
    from (
      select a.account_id from app.accounts a
      where p_before_created_at is null or (a.created_at, a.account_id) < (p_before_created_at, p_before_id)
      order by a.created_at desc, a.account_id desc
      limit p_limit
    ) page;
  else
    -- Byte by byte, as the indexes for prefixes are ordered; a LIKE would need its wildcards escaped.
    select array_agg(page.account_id) into v_account_ids
    from (
      select a.account_id
      from (
        select x.account_id from app.accounts x
        where x.account_id ~>=~ p_search and x.account_id ~<~ (p_search || chr(1114111))
        union
        select l.account_id from app.processor_links l
        where l.object_id ~>=~ p_search and l.object_id ~<~ (p_search || chr(1114111))
      ) found
      join app.accounts a on a.account_id = found.account_id
      where p_before_created_at is null or (a.created_at, a.account_id) < (p_before_created_at, p_before_id)
      order by a.created_at desc, a.account_id desc
      limit p_limit
    ) page;
  end if;
  return query
  select r.* from unnest(v_account_ids) id cross join lateral api.read_account_overview(id) r
  order by r.created_at desc, r.account_id desc;
end
$$;

comment on function api.list_accounts(text, integer, timestamptz, text) is
  'Lists all accounts for operators, the newest first, a page at a time; finds them by the beginning of an id.';
revoke all on function api.list_accounts(text, integer, timestamptz, text) from public, anon, authenticated;
grant execute on function api.list_accounts(text, integer, timestamptz, text) to service_role;
--! EndIncluded schemas/functions/list_accounts.sql

--! Included schemas/functions/list_operator_actions.sql
-- list_operator_actions lists what operators did with deliveries, the latest first, a page at a time.
--
-- Args:    p_processor, p_event_id  only of this delivery; null = of all
--          p_limit                  1 to 100
--          p_before_created_at,
--          p_before_id              the last row of the page before; null = the first page
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_operator_actions(
  p_processor text default null, p_event_id text default null, p_limit integer default 50,
  p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  action_id uuid, operator_id text, action text, processor text, event_id text, reason text, status_before text,
  status_after text, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select a.id, a.operator_id, a.action, a.processor, a.event_id, a.reason, a.status_before, a.status_after, a.created_at
  from app.operator_actions a
  where (p_processor is null or a.processor = p_processor)
    and (p_event_id is null or a.event_id = p_event_id)
    and (p_before_created_at is null or (a.created_at, a.id) < (p_before_created_at, p_before_id))
  order by a.created_at desc, a.id desc
  limit p_limit;
end
$$;

comment on function api.list_operator_actions(text, text, integer, timestamptz, uuid) is
  'What operators did with deliveries, the latest first, a page at a time.';
revoke all on function api.list_operator_actions(text, text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_operator_actions(text, text, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_operator_actions.sql

--! Included schemas/functions/list_reconciliation_runs.sql
-- list_reconciliation_runs lists the times processors were asked for what had happened, the latest first, a page at a time.
--
-- Args:    p_run_id               only this one; null = all
--          p_limit                1 to 100
--          p_before_started_at,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: entries = what the processor told; drifts = fields that differed; corrections = events that were made good
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_reconciliation_runs(
  p_run_id uuid default null, p_limit integer default 50, p_before_started_at timestamptz default null,
  p_before_id uuid default null
)
returns table (
  run_id uuid, processor text, since timestamptz, dry_run boolean, status text, entries bigint, drifts bigint, corrections bigint,
  last_error text, started_at timestamptz, finished_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  with page as (
    select r.* from app.reconciliation_runs r
    where (p_run_id is null or r.id = p_run_id)
      and (p_before_started_at is null or (r.started_at, r.id) < (p_before_started_at, p_before_id))
    order by r.started_at desc, r.id desc
    limit p_limit
  )
  select p.id, p.processor, p.since, p.dry_run, p.status, p.entries, d.number, p.corrections, p.last_error, p.started_at,
         p.finished_at
  from page p
  cross join lateral (select count(*) from app.reconciliation_drifts x where x.run_id = p.id) d (number)
  order by p.started_at desc, p.id desc;
end
$$;

comment on function api.list_reconciliation_runs(uuid, integer, timestamptz, uuid) is
  'The times processors were asked for what had happened, with how much differed, the latest first.';
revoke all on function api.list_reconciliation_runs(uuid, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_reconciliation_runs(uuid, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_reconciliation_runs.sql

--! Included schemas/functions/list_webhook_events.sql
-- list_webhook_events lists the deliveries of the inbox for operators, of all accounts, the newest first, a page at a time.
--
-- Args:    p_status, p_processor, p_account_id   only these; null = all
--          p_limit                1 to 100
--          p_before_created_at, p_before_processor,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: the deliveries without their payloads; account_id null = not known yet; received_at = when the inbox took it in
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_webhook_events(
  p_status text default null, p_processor text default null, p_account_id text default null, p_limit integer default 50,
  p_before_created_at timestamptz default null, p_before_processor text default null, p_before_id text default null
)
returns table (
  processor text, event_id text, event_type text, kind text, status text, attempts integer, deliveries integer, last_error text,
  account_id text, subscription_id text, occurred_at timestamptz, received_at timestamptz, processed_at timestamptz,
  next_attempt_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
-- Which index serves depends on which filters are given.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select e.processor, e.id, e.event_type, e.kind, e.status, e.attempts, e.deliveries, e.last_error, e.account_id,
         e.subscription_id, e.occurred_at, e.created_at, e.processed_at, e.next_attempt_at
  from app.webhook_events e
  where (p_status is null or e.status = p_status)
    and (p_processor is null or e.processor = p_processor)
    and (p_account_id is null or e.account_id = p_account_id)
    and (p_before_created_at is null or (e.created_at, e.processor, e.id) < (p_before_created_at, p_before_processor, p_before_id))
  order by e.created_at desc, e.processor desc, e.id desc
  limit p_limit;
end
$$;

comment on function api.list_webhook_events(text, text, text, integer, timestamptz, text, text) is
  'Lists the deliveries of the inbox for operators, the newest first, a page at a time.';
revoke all on function api.list_webhook_events(text, text, text, integer, timestamptz, text, text) from public, anon, authenticated;
grant execute on function api.list_webhook_events(text, text, text, integer, timestamptz, text, text) to service_role;
--! EndIncluded schemas/functions/list_webhook_events.sql

--! Included schemas/functions/read_account_overview.sql
-- read_account_overview tells how an account stands, for operators. Unlike read_account it does not make the account.
--
-- Returns: one row, no row for an account nobody used yet. plan is in force; status 'none' without a subscription;
--          messages_quota null = unlimited, 0 once it is closed
-- Locks:   none
create or replace function api.read_account_overview(p_account_id text)
returns table (
  account_id text, plan text, status text, processor text, subscription_id text, chatbots bigint, messages_used bigint,
  messages_quota bigint, created_at timestamptz, closed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select a.account_id, e.plan, coalesce(s.status, 'none'), s.processor, s.subscription_id, coalesce(b.used, 0), coalesce(m.used, 0),
         e.quota, a.created_at, a.closed_at
  from app.accounts a
  cross join lateral app.entitlement(a.account_id, 'messages') e
  left join app.counters m on m.account_id = a.account_id and m.metric = 'messages' and m.window_start = e.window_start
  left join app.counters b on b.account_id = a.account_id and b.metric = 'chatbots' and b.window_start = '-infinity'
  left join lateral app.subscription_to_show(a.account_id) s on true
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_account_overview(text) is 'How an account stands, for operators; makes none.';
revoke all on function api.read_account_overview(text) from public, anon, authenticated;
grant execute on function api.read_account_overview(text) to service_role;
--! EndIncluded schemas/functions/read_account_overview.sql

--! Included schemas/functions/read_webhook_event.sql
-- read_webhook_event reads one delivery with its payload, for operators, of any account.
--
-- Returns: one row as of list_webhook_events, with the body as it was received (headers, and so signatures, are never stored);
--          no row for an unknown delivery
-- Locks:   none
create or replace function api.read_webhook_event(p_processor text, p_event_id text)
returns table (
  processor text, event_id text, event_type text, kind text, status text, attempts integer, deliveries integer, last_error text,
  account_id text, subscription_id text, occurred_at timestamptz, received_at timestamptz, processed_at timestamptz,
  next_attempt_at timestamptz, payload text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select e.processor, e.id, e.event_type, e.kind, e.status, e.attempts, e.deliveries, e.last_error, e.account_id,
         e.subscription_id, e.occurred_at, e.created_at, e.processed_at, e.next_attempt_at, e.payload
  from app.webhook_events e
  where e.processor = p_processor and e.id = p_event_id;
end
$$;

comment on function api.read_webhook_event(text, text) is 'One delivery with the body as it was received, for operators.';
revoke all on function api.read_webhook_event(text, text) from public, anon, authenticated;
grant execute on function api.read_webhook_event(text, text) to service_role;
--! EndIncluded schemas/functions/read_webhook_event.sql

--! Included schemas/functions/record_billing_event.sql
-- record_billing_event takes one verified delivery in: inbox row, order by the provider's clock, and effect, in one
-- transaction. However often and in whatever order events come, the state they leave is the same.
--
-- Args:    p_account_id      the account the event names; null = not known from the event
--          p_processor       stripe, paddle, razorpay; clerk for the end of a user or organization
--          p_event_id        the processor's id of the event: one row of the inbox, whatever is delivered again
--          p_kind            link, state, payment, refund, dispute, closed; ignored or rejected for what has no effect
--          p_event_rank      0 created, 1 payment, 2 updated, 3 ended: orders events of one instant
--          p_price_ids, p_period_starts, p_period_ends   the items, entry by entry
--          p_payload         the body as received
--          p_reason          why it is ignored or rejected
--          p_is_retry        our own retry, not a delivery
--          p_payment_id      the payment it is about; p_object_ids are other names of that payment
--          p_reversal_id     the refund or dispute; p_reversal_status pending, reversed or restored
-- Returns: one row. outcome
--            processed  its effect is in force      stale      it is older than what is known; noted
--            duplicate  it was taken in before, or an operator discarded it: it stays as it is
--            ignored    no effect, by type
--            failed     the effect failed, last_error tells (PY413: its account or payment is not known yet, the link will wake it;
--                       PY412: its price is not known, upsert_price will wake it); retried with growing pauses
--            dead       failed ten times, not to be retried until replayed or woken
--          tie = another state of the same instant exists: fetch the subscription and record what it is
--          linked = deliveries that waited for this link are due now
--          last_error also tells where a processed event names another account than its subscription belongs to
-- Errors:  PY004 argument. A deadlock or serialization failure is raised, for the caller to repeat; any other fault of the
--          effect is kept on the inbox row.
-- Locks:   the ids of customer, subscription and payment, the inbox row, then the account, until commit. Idempotent per (processor, event id).
-- Source:  docs/decisions/0003-subscription-state-is-a-fold.md
create or replace function api.record_billing_event(
  p_account_id text,
  p_processor text,
  p_event_id text,
  p_event_type text,
  p_kind text,
  p_occurred_at timestamptz,
  p_event_rank integer,
  p_customer_id text,
  p_subscription_id text,
  p_status text,
  p_payment text,
  p_price_ids text[],
  p_period_starts timestamptz[],
  p_period_ends timestamptz[],
  p_cancels_at timestamptz,
  p_amount_minor bigint,
  p_currency text,
  p_payload text,
  p_reason text default null,
  p_is_retry boolean default false,
  p_trial_ends_at timestamptz default null,
  p_payment_id text default null,
  p_object_ids text[] default '{}',
  p_reversal_id text default null,
  p_reversal_status text default null
)
returns table (outcome text, account_id text, subscription_id text, tie boolean, linked boolean, last_error text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_row record;
  v_account_id text;
  v_payment_ids text[] := array_remove(coalesce(p_object_ids, '{}') || p_payment_id, null);
begin
  if p_kind is null or p_kind not in ('link', 'state', 'payment', 'refund', 'dispute', 'closed', 'ignored', 'rejected') then
    raise exception 'kind must be link, state, payment, refund, dispute, closed, ignored or rejected' using errcode = 'PY004';
  end if;
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay', 'clerk') then
    raise exception 'processor must be stripe, paddle, razorpay or clerk' using errcode = 'PY004';
  end if;
  if p_processor = 'clerk' and p_kind not in ('closed', 'ignored', 'rejected') then
    raise exception 'clerk tells of closed accounts only' using errcode = 'PY004';
  end if;
  if p_event_type is null or p_payload is null or p_occurred_at is null or not isfinite(p_occurred_at) then
    raise exception 'event_type, payload and a finite occurred_at are required' using errcode = 'PY004';
  end if;
  if p_event_id is null or length(p_event_id) not between 1 and 255 then
    raise exception 'event_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if length(p_customer_id) not between 1 and 255 or length(p_subscription_id) not between 1 and 255 then
    raise exception 'customer_id and subscription_id must have 1 to 255 characters, or be null' using errcode = 'PY004';
  end if;
  if p_kind in ('state', 'payment') and p_subscription_id is null then
    raise exception 'subscription_id is required for a % event', p_kind using errcode = 'PY004';
  end if;
  if exists (select from unnest(v_payment_ids) o where length(o) not between 1 and 255) then
    raise exception 'payment_id and object_ids must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_kind in ('refund', 'dispute') and (length(p_reversal_id) between 1 and 255 and v_payment_ids <> '{}'
      and p_reversal_status in ('pending', 'reversed', 'restored')) is not true then
    raise exception 'reversal_id, reversal_status and a payment are required for a % event', p_kind using errcode = 'PY004';
  end if;
  if p_kind = 'closed' and (case when p_processor = 'clerk' then nullif(p_account_id, '') else p_customer_id end) is null then
    raise exception 'a closed event names the account, or at a processor the customer' using errcode = 'PY004';
  end if;

  -- Between "not known yet" and noting that, a link must not slip in unseen: whoever links an id waits for whoever looks it up.
  -- Taken before the inbox row, which a link may have to wake.
  perform pg_advisory_xact_lock(hashtextextended(p_processor || ':' || o, 0))
  from (select distinct i from unnest(array[p_customer_id, p_subscription_id] || v_payment_ids) i where i is not null) as ids (o)
  order by o;

  -- The conflict makes a second delivery wait for the first one's transaction, and then see its outcome.
  insert into app.webhook_events as e
    (processor, id, event_type, status, account_id, customer_id, subscription_id, occurred_at, payload, payload_sha256, created_at, object_ids, deliveries, kind)
  values (p_processor, p_event_id, p_event_type, 'received', nullif(p_account_id, ''), p_customer_id, p_subscription_id, p_occurred_at,
          p_payload, encode(sha256(convert_to(p_payload, 'UTF8')), 'hex'), v_now, v_payment_ids,
          case when p_is_retry then 0 else 1 end, p_kind)
  on conflict (processor, id) do update
  set deliveries = e.deliveries + case when p_is_retry then 0 else 1 end,
      -- What is about to be applied is what is kept.
      kind = case when e.status = 'failed' then excluded.kind else coalesce(e.kind, excluded.kind) end,
      payload = case when e.status = 'failed' then excluded.payload else e.payload end,
      payload_sha256 = case when e.status = 'failed' then excluded.payload_sha256 else e.payload_sha256 end
  returning e.status, e.attempts, e.account_id, e.subscription_id, e.last_error into v_row;

  tie := false;
  linked := false;
  subscription_id := p_subscription_id;
  if v_row.status in ('processed', 'ignored', 'dead', 'discarded') then
    outcome := 'duplicate';
    account_id := v_row.account_id;
    last_error := v_row.last_error;
    return next;
    return;
  end if;

  if p_kind in ('ignored', 'rejected') then
    outcome := case when p_kind = 'ignored' then 'ignored' else 'dead' end;
    last_error := p_reason;
  else
    begin
      -- A customer may pay for several accounts. A payment says nothing else, and so waits for its subscription's state;
      -- what is about a payment waits for that payment.
      v_account_id := app.account_of_event(p_account_id, p_processor, p_subscription_id,
                                           case when p_kind in ('link', 'state', 'closed') then p_customer_id end,
                                           case when p_kind in ('link', 'refund', 'dispute') then v_payment_ids end);
      outcome := 'processed';
      if p_kind = 'closed' and p_processor <> 'clerk' then
        -- Of a customer that nobody knows yet the tombstone is all that is kept.
        insert into app.tombstones (processor, object_id, occurred_at, event_id)
        values (p_processor, p_customer_id, p_occurred_at, p_event_id)
        on conflict (processor, object_id) do update
        set occurred_at = excluded.occurred_at, event_id = excluded.event_id
        where (excluded.occurred_at, excluded.event_id collate "C") < (app.tombstones.occurred_at, app.tombstones.event_id collate "C");
      elsif v_account_id is null then
        raise exception 'no account is known yet for this customer, subscription or payment' using errcode = 'PY413';
      end if;

      if v_account_id is not null then
        perform app.ensure_account(v_account_id);
        -- FOR UPDATE would also wait for foreign key checks, of transactions that hold counters this one comes to need.
        perform from app.accounts a where a.account_id = v_account_id for no key update;
        if v_account_id <> nullif(p_account_id, '') then
          last_error := format('names account %s, but its subscription belongs to %s, where it was applied', p_account_id, v_account_id);
        end if;
        linked := app.link_account(v_account_id, p_processor, p_event_id, array[p_customer_id, p_subscription_id], null);
        if p_kind in ('link', 'state', 'payment') then
          linked := app.link_account(v_account_id, p_processor, p_event_id, array[p_payment_id], null) or linked;
          linked := app.link_account(v_account_id, p_processor, p_event_id, p_object_ids, p_payment_id) or linked;
        end if;

        if p_kind in ('state', 'payment') then
          perform app.note_subscription_event(
            v_account_id, p_processor, p_subscription_id, p_event_id, p_occurred_at, p_event_rank, p_customer_id, p_status, p_payment,
            p_price_ids, p_period_starts, p_period_ends, p_cancels_at, p_trial_ends_at, p_amount_minor, p_currency, p_payment_id);
        elsif p_kind in ('refund', 'dispute') then
          insert into app.reversal_events
            (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids, amount_minor, currency, created_at)
          values (v_account_id, p_processor, p_reversal_id, p_event_id, p_kind, p_reversal_status, p_occurred_at, p_event_rank,
                  v_payment_ids, p_amount_minor, p_currency, v_now)
          on conflict do nothing;
        elsif p_kind = 'closed' then
          -- No decision in flight may be made for an account that is closed.
          perform from app.counters c where c.account_id = v_account_id and p_processor = 'clerk'
          order by c.metric, c.window_start
          for update;
          update app.accounts a set closed_at = least(a.closed_at, p_occurred_at)
          where a.account_id = v_account_id and p_processor = 'clerk';
        end if;
        perform app.apply_subscriptions(v_account_id);
        perform app.close_checkouts(v_account_id);
      end if;
      if p_kind = 'closed' and p_processor <> 'clerk' then
        perform app.end_customer(p_processor, p_customer_id);
      end if;

      if p_kind in ('state', 'payment') then
        select case when s.as_of_event_id = p_event_id then 'processed' else 'stale' end into outcome
        from app.processor_subscriptions s
        where s.account_id = v_account_id and s.processor = p_processor and s.subscription_id = p_subscription_id;
        tie := p_kind = 'state' and exists (
          select from app.subscription_events o
          where o.account_id = v_account_id and o.processor = p_processor and o.subscription_id = p_subscription_id
            and o.event_id <> p_event_id and o.payment is null
            and o.occurred_at = p_occurred_at and o.event_rank = p_event_rank);
      end if;
    exception
      when serialization_failure or deadlock_detected then
        raise;
      when others then
        outcome := case when v_row.attempts + 1 >= 10 then 'dead' else 'failed' end;
        last_error := left(sqlstate || ' ' || sqlerrm, 500);
        linked := false;
        tie := false;
    end;
  end if;

  account_id := v_account_id;
  update app.webhook_events e
  set status = case record_billing_event.outcome when 'stale' then 'processed' else record_billing_event.outcome end,
      attempts = e.attempts + 1,
      last_error = record_billing_event.last_error,
      account_id = coalesce(v_account_id, e.account_id),
      processed_at = case when record_billing_event.outcome in ('processed', 'stale', 'ignored') then v_now end,
      next_attempt_at = case when record_billing_event.outcome = 'failed'
                             then v_now + make_interval(secs => exp(least(10, e.attempts + 1)) * (1 + random() * 0.1)) end
  where e.processor = p_processor and e.id = p_event_id;
  return next;
end
$$;

comment on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) is
  'Takes one verified delivery in: inbox row, order by the provider''s clock, and effect, in one transaction.';
revoke all on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) from public, anon, authenticated;
grant execute on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) to service_role;
--! EndIncluded schemas/functions/record_billing_event.sql

--! Included schemas/functions/replay_event_as.sql
-- replay_event_as makes a failed, dead or discarded delivery due at once, in the name of an operator: change and log in one
-- transaction. It works for every account.
--
-- Args:    p_operator_id  who does it · p_reason  why, 3 to 500 characters
-- Returns: one row; no row for an unknown delivery. outcome done (status failed: due now), or refused (status processed or
--          ignored: it cannot apply twice)
-- Errors:  PY004 operator or reason
-- Locks:   the inbox row until commit. A repetition changes nothing but the log.
create or replace function api.replay_event_as(p_operator_id text, p_processor text, p_event_id text, p_reason text)
returns table (outcome text, status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query select r.outcome, r.status from app.act_on_event(p_operator_id, 'replay', p_processor, p_event_id, p_reason) r;
end
$$;

comment on function api.replay_event_as(text, text, text, text) is
  'Makes a failed, dead or discarded delivery due at once in the name of an operator, and notes why.';
revoke all on function api.replay_event_as(text, text, text, text) from public, anon, authenticated;
grant execute on function api.replay_event_as(text, text, text, text) to service_role;
--! EndIncluded schemas/functions/replay_event_as.sql

--! Included schemas/functions/replay_webhook_event.sql
-- replay_webhook_event makes a failed, dead or discarded delivery due at once, with a fresh count of attempts. One that was
-- processed or ignored is left alone: it cannot apply twice. For a prompt; the database login is logged as the operator.
--
-- Returns: one row, the status it has now; no row for an unknown delivery
-- Locks:   the row until commit. A repetition changes nothing but the log.
create or replace function api.replay_webhook_event(p_processor text, p_event_id text)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select r.status from app.act_on_event(session_user::text, 'replay', p_processor, p_event_id, 'replay_webhook_event') r;
end
$$;

comment on function api.replay_webhook_event(text, text) is
  'Makes a failed, dead or discarded delivery due at once, with all its attempts before it.';
revoke all on function api.replay_webhook_event(text, text) from public, anon, authenticated;
grant execute on function api.replay_webhook_event(text, text) to service_role;
grant execute on function api.replay_webhook_event(text, text) to operator;
--! EndIncluded schemas/functions/replay_webhook_event.sql
