--! Included schemas/internal/account_of_event.sql
-- account_of_event tells whose event it is: the account its subscription is tied to, else the one it names itself, else
-- the one its customer is tied to. A subscription never moves to another account.
--
-- Returns: text account id; null = not known yet
create or replace function app.account_of_event(p_account_id text, p_processor text, p_subscription_id text, p_customer_id text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_subscription_id),
    nullif(p_account_id, ''),
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_customer_id));
end
$$;

comment on function app.account_of_event(text, text, text, text) is
  'Whose event it is: the account its subscription is tied to, else the one it names, else the one its customer is tied to.';
revoke all on function app.account_of_event(text, text, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/account_of_event.sql

--! Included schemas/internal/add_months.sql
-- add_months moves an instant by whole months in UTC; a day the month lacks becomes its last day (31 Jan + 1 = 28 Feb).
--
-- Args:    p_from    the instant
--          p_months  whole months, may be negative
-- Returns: timestamptz
create or replace function app.add_months(p_from timestamptz, p_months integer)
returns timestamptz
language plpgsql
immutable
strict
set search_path = ''
as $$
begin
  return (p_from at time zone 'UTC' + make_interval(months => p_months)) at time zone 'UTC';
end
$$;

comment on function app.add_months(timestamptz, integer) is 'Moves an instant by whole months in UTC; a day the month lacks becomes its last day.';
revoke all on function app.add_months(timestamptz, integer) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/add_months.sql

--! Included schemas/internal/anchor_of_period.sql
-- anchor_of_period picks the anchor from which a confirmed period's windows follow: its start, unless its start is a
-- shortened month end. A subscription begun on 31 Jan has the period 28 Feb to 31 Mar; anchored on 28 Feb its next
-- window would open on 28 Mar, three days early and a second time on 31 Mar. Its end, 31 Mar, still tells the true day.
--
-- Args:    p_start, p_end  the period, half-open
-- Returns: timestamptz; p_start, or p_end where only p_end puts a bound on both
create or replace function app.anchor_of_period(p_start timestamptz, p_end timestamptz)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  if extract(day from p_end at time zone 'UTC') > extract(day from p_start at time zone 'UTC')
     and (app.window_at(p_end, p_start)).window_start = p_start then
    return p_end;
  end if;
  return p_start;
end
$$;

comment on function app.anchor_of_period(timestamptz, timestamptz) is
  'The anchor of a confirmed period: its start, or its end where the start is a shortened month end.';
revoke all on function app.anchor_of_period(timestamptz, timestamptz) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/anchor_of_period.sql

--! Included schemas/internal/apply_subscriptions.sql
-- apply_subscriptions derives an account's plan, the end of it, and the anchor of its windows from the state of its
-- subscriptions. A function of that state alone, so that it does not matter which event came last.
--
--   in force  of the live subscriptions: one that is paid before one past due, then the larger plan, then the later period
--   plan      what the one in force is for, until the grace of its plan ends when it is past due; free without one
--   anchor    from the latest confirmed period of the one in force (a second, cheaper one must not restart its windows);
--             without one, from the latest of any, so that an end moves nothing; else the creation of the account
--
-- Locks:   the caller holds the account; the account's counters until commit when plan or anchor change, so that no
--          decision in flight is made by the plan before. Idempotent.
create or replace function app.apply_subscriptions(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account record;
  v_in_force record;
  v_period record;
  v_plan text := 'free';
  v_plan_ends_at timestamptz;
  v_anchor timestamptz;
  v_counts_from timestamptz;
begin
  select a.* into strict v_account from app.accounts a where a.account_id = p_account_id;

  select s.processor, s.subscription_id, s.status, s.plan, s.past_due_since, p.grace_days into v_in_force
  from app.processor_subscriptions s
  join app.plans p on p.plan = s.plan
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due')
  order by (s.status = 'past_due'), p.position desc, s.period_start desc nulls last, s.processor, s.subscription_id
  limit 1;

  if v_in_force.plan <> 'free' then
    v_plan := v_in_force.plan;
    if v_in_force.status = 'past_due' then
      v_plan_ends_at := v_in_force.past_due_since + make_interval(hours => 24 * v_in_force.grace_days);
    end if;
  end if;

  update app.processor_subscriptions s set in_force = false
  where s.account_id = p_account_id and s.in_force
    and (s.processor, s.subscription_id) is distinct from (v_in_force.processor, v_in_force.subscription_id);
  update app.processor_subscriptions s set in_force = true
  where s.account_id = p_account_id and not s.in_force
    and s.processor = v_in_force.processor and s.subscription_id = v_in_force.subscription_id;

  select s.period_start, s.period_end into v_period
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.period_start is not null
  order by s.in_force desc, s.period_start desc, s.processor, s.subscription_id
  limit 1;
  v_anchor := case when v_period.period_start is null then v_account.created_at
                   else app.anchor_of_period(v_period.period_start, v_period.period_end) end;

  v_counts_from := coalesce(v_period.period_start, v_account.created_at);

  if (v_account.plan, v_account.anchor, v_account.counts_from) is distinct from (v_plan, v_anchor, v_counts_from)
     or v_account.plan_ends_at is distinct from v_plan_ends_at then
    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;
    update app.accounts a set plan = v_plan, plan_ends_at = v_plan_ends_at, anchor = v_anchor, counts_from = v_counts_from
    where a.account_id = p_account_id;
  end if;
end
$$;

comment on function app.apply_subscriptions(text) is
  'Derives an account''s plan, its end and its anchor from the state of its subscriptions, and marks the one in force.';
revoke all on function app.apply_subscriptions(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/apply_subscriptions.sql

--! Included schemas/internal/charge_up_to_quota.sql
-- charge_up_to_quota charges as much of an amount as the quota in force still allows in one window.
--
-- Args:    p_window_start  the window to charge
--          the others      as for decide_usage
-- Returns: what was charged, 0 to p_amount
-- Locks:   the counter until commit, which must exist. Not idempotent by itself: settle_usage is.
create or replace function app.charge_up_to_quota(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_window_start timestamptz,
  p_request_id text,
  p_chatbot_id uuid,
  p_conversation_id uuid,
  p_channel text,
  p_operation text
)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_charged bigint;
  v_quota bigint;
begin
  -- First the lock, then the quota: who changes the plan locks the counters, so what is read now stays true until commit.
  perform from app.counters c
  where c.account_id = p_account_id and c.metric = p_metric and c.window_start = p_window_start
  for update;
  select e.quota into v_quota from app.entitlement(p_account_id, p_metric) e;

  with before as (
    select c.used from app.counters c
    where c.account_id = p_account_id and c.metric = p_metric and c.window_start = p_window_start
  )
  update app.counters c
  set used = c.used + greatest(0, least(p_amount, coalesce(v_quota, 9007199254740991) - before.used))
  from before
  where c.account_id = p_account_id and c.metric = p_metric and c.window_start = p_window_start
  returning c.used - before.used into v_charged;

  if v_charged > 0 then
    insert into app.usage_events
      (account_id, metric, amount, occurred_at, window_start, reason, request_id,
       chatbot_id, conversation_id, channel, operation)
    values (p_account_id, p_metric, v_charged, app.clock(), p_window_start, 'settle', p_request_id,
            p_chatbot_id, p_conversation_id, p_channel, p_operation);
  end if;
  return coalesce(v_charged, 0);
end
$$;

comment on function app.charge_up_to_quota(text, text, bigint, timestamptz, text, uuid, uuid, text, text) is
  'Charges as much of an amount as the quota in force still allows in one window, and tells how much that was.';
revoke all on function app.charge_up_to_quota(text, text, bigint, timestamptz, text, uuid, uuid, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/charge_up_to_quota.sql

--! Included schemas/internal/chatbot_rows.sql
-- chatbot_rows gives the chatbots of an account as the API shows them, with the number and size of their documents.
--
-- Args:    p_chatbot_id  one of them; null = all
create or replace function app.chatbot_rows(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language sql
stable
set search_path = ''
as $$
  select b.id, b.name, b.instructions, b.welcome_message, b.model, d.document_count, d.storage_bytes, b.created_at, b.updated_at
  from app.chatbots b
  cross join lateral (
    select count(*) as document_count, coalesce(sum(x.size_bytes), 0)::bigint as storage_bytes
    from app.documents x
    where x.account_id = b.account_id and x.chatbot_id = b.id
  ) d
  where b.account_id = p_account_id and (p_chatbot_id is null or b.id = p_chatbot_id)
$$;

comment on function app.chatbot_rows(text, uuid) is
  'The chatbots of an account as the API shows them: with the number and size of their documents.';
revoke all on function app.chatbot_rows(text, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/chatbot_rows.sql

--! Included schemas/internal/check_page_limit.sql
-- check_page_limit raises PY004 unless a page has 1 to 100 rows.
create or replace function app.check_page_limit(p_limit integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_limit is null or p_limit not between 1 and 100 then
    raise exception 'limit must be from 1 to 100' using errcode = 'PY004';
  end if;
end
$$;

comment on function app.check_page_limit(integer) is
  'Raises PY004 unless a page has 1 to 100 rows.';
revoke all on function app.check_page_limit(integer) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/check_page_limit.sql

--! Included schemas/internal/claim_request.sql
-- claim_request claims an idempotency key for a new resource, or tells which resource the same request made before.
--
-- Args:    p_request_id   the caller's key
--          p_operation    what is being done, such as create_chatbot
--          p_fingerprint  digest of the arguments that must not differ between repeats
--          p_resource_id  the id the new resource will get
-- Returns: uuid; p_resource_id = the key is claimed, do it; another = done before, by that id
-- Errors:  PY004 request id · PY409 the key was used for another request
-- Locks:   the key until commit: a second call with the same key waits, then finds the first one's resource
create or replace function app.claim_request(
  p_account_id text, p_request_id text, p_operation text, p_fingerprint text, p_resource_id uuid
)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_key record;
begin
  if p_request_id is null then
    return p_resource_id;
  end if;
  if length(p_request_id) not between 1 and 255 then
    raise exception 'request_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  insert into app.idempotency_keys (account_id, request_id, operation, fingerprint, resource_id)
  values (p_account_id, p_request_id, p_operation, p_fingerprint, p_resource_id)
  on conflict (account_id, request_id) do nothing;
  if found then
    return p_resource_id;
  end if;
  select k.* into strict v_key from app.idempotency_keys k
  where k.account_id = p_account_id and k.request_id = p_request_id
  for update;
  if v_key.operation <> p_operation or v_key.fingerprint <> p_fingerprint then
    raise exception 'request id % was used for another request; use another id', p_request_id using errcode = 'PY409';
  end if;
  return v_key.resource_id;
end
$$;

comment on function app.claim_request(text, text, text, text, uuid) is
  'Claims an idempotency key for a new resource, or tells which resource the same request made before; PY409 for another request.';
revoke all on function app.claim_request(text, text, text, text, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/claim_request.sql

--! Included schemas/internal/decide_usage.sql
-- decide_usage is the one place where a quota is decided: it grants an amount of a metric to an account, or refuses.
-- The counter moves in one conditional UPDATE; the row lock it takes is what serialises racing callers.
--
-- Args:    p_amount      whole units, 1 to 1,000,000,000
--          p_request_id  makes the call safe to repeat; null = every call counts
--          p_reason      the ledger's reason: charge, reserve, insert
--          p_by_rows     the caller is the trigger of the table a gauge counts
--          the others    the source, kept on the ledger row
-- Returns: the decision and the window it was made in; or error_code and error_message, so that one bad entry of a
--          batch does not end the transaction of the others. quota and remaining null = unlimited; resets_at null = gauge.
-- Errors:  (as data) PY001 unknown metric, PY003 amount, PY004 account or request id, PY409 request id reused,
--          PY410 the metric moves with its rows
-- Locks:   the (account, metric, window) counter until commit; on the first use of a window also the account, shared.
-- Idempotent per (account, request id): the first decision is returned again, refusals too, and nothing is charged.
create or replace function app.decide_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_request_id text,
  p_reason text,
  p_by_rows boolean,
  p_chatbot_id uuid,
  p_conversation_id uuid,
  p_channel text,
  p_operation text,
  out error_code text,
  out error_message text,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean,
  out window_start timestamptz
)
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_account record;
  v_first record;
begin
  -- The second look below must see what others committed meanwhile.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'quotas are decided under READ COMMITTED, not %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    error_code := 'PY004';
    error_message := 'account_id must have 1 to 255 characters';
    return;
  end if;
  if p_amount is null or p_amount not between 1 and 1000000000 then
    error_code := 'PY003';
    error_message := format('amount must be a whole number from 1 to 1000000000, not %s', coalesce(p_amount::text, 'null'));
    return;
  end if;
  if p_request_id is not null and length(p_request_id) not between 1 and 255 then
    error_code := 'PY004';
    error_message := 'request_id must have 1 to 255 characters';
    return;
  end if;

  -- Each turn reads afresh; a turn is repeated only when another session changed what this one had read, and begins by
  -- taking back what the one before took.
  loop
    if allowed then
      update app.counters c set used = c.used - p_amount
      where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start;
      allowed := null;
    end if;
    if error_code is not null then
      return;
    end if;

    if p_request_id is not null then
      select r.* into v_first from app.usage_requests r
      where r.account_id = p_account_id and r.request_id = p_request_id;
      if found then
        if (v_first.reason, v_first.metric, v_first.amount) is distinct from (p_reason, p_metric, p_amount) then
          error_code := 'PY409';
          error_message := format('request id %s was used for a %s of %s %s; use another id for another request',
                                  p_request_id, v_first.reason, v_first.amount, v_first.metric);
          return;
        end if;
        allowed := v_first.allowed;
        used := v_first.used;
        quota := v_first.quota;
        remaining := app.remaining(v_first.quota, v_first.used);
        resets_at := v_first.resets_at;
        plan := v_first.plan;
        window_start := v_first.window_start;
        replayed := true;
        return;
      end if;
    end if;

    select a.plan as granted_plan, a.plan_ends_at, a.anchor, a.counts_from, e.plan as plan_in_force, m.kind, m.counts_rows,
           -- Only a row that says so makes a metric unlimited.
           case when q.plan is null then 0 else q.quota end as quota
    into v_account
    from app.accounts a
    cross join lateral (select case when a.plan_ends_at <= v_now then 'free' else a.plan end as plan) e
    left join app.metrics m on m.metric = p_metric
    left join app.plan_quotas q on q.plan = e.plan and q.metric = m.metric
    where a.account_id = p_account_id;
    if not found then
      -- A mistaken call must not leave an account behind.
      select m.kind, m.counts_rows into v_account.kind, v_account.counts_rows from app.metrics m where m.metric = p_metric;
      if v_account.kind is not null and (p_by_rows or not v_account.counts_rows) then
        perform app.ensure_account(p_account_id);
        continue;
      end if;
    end if;
    if v_account.kind is null then
      error_code := 'PY001';
      error_message := format('unknown metric %s', coalesce(quote_literal(p_metric), 'null'));
      return;
    end if;
    if v_account.counts_rows and not p_by_rows then
      error_code := 'PY410';
      error_message := format('metric %s moves with its rows: insert or delete them instead', p_metric);
      return;
    end if;

    plan := v_account.plan_in_force;
    quota := v_account.quota;
    replayed := false;
    if v_account.kind = 'gauge' then
      window_start := '-infinity';
      resets_at := null;
    else
      select w.window_start, w.window_end into window_start, resets_at
      from app.window_at(v_account.anchor, greatest(v_now, v_account.counts_from)) w;
    end if;

    update app.counters c
    set used = c.used + p_amount
    where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start
      and (decide_usage.quota is null or c.used + p_amount <= decide_usage.quota)
      and c.used <= 9007199254740991 - p_amount
    returning c.used into used;
    allowed := found;

    if not allowed then
      select c.used into used from app.counters c
      where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start;
      if not found then
        -- First use of the window. Whoever changes the plan locks the counters there are, and cannot lock one that is
        -- not there yet; the account's row stands in for it.
        perform from app.accounts a where a.account_id = p_account_id for share;
        insert into app.counters (account_id, metric, window_start, used)
        values (p_account_id, p_metric, decide_usage.window_start, 0)
        on conflict do nothing;
        continue;
      end if;
      if used > 9007199254740991 - p_amount then
        error_code := 'PY003';
        error_message := format('amount %s would take %s beyond what can be counted', p_amount, p_metric);
        return;
      end if;
      -- Somebody gave back between the two statements: a refusal must not contradict its own numbers.
      continue when quota is null or used + p_amount <= quota;
    end if;

    -- Now that the counter is locked: are plan and window still those it was decided by?
    if not exists (
      select from app.accounts a
      where a.account_id = p_account_id and a.plan = v_account.granted_plan and a.anchor = v_account.anchor
        and a.plan_ends_at is not distinct from v_account.plan_ends_at
    ) then
      continue;
    end if;

    if p_request_id is not null then
      insert into app.usage_requests
        (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
      values (p_account_id, p_request_id, p_reason, p_metric, p_amount, decide_usage.allowed, decide_usage.used,
              decide_usage.quota, decide_usage.resets_at, decide_usage.plan, decide_usage.window_start, v_now)
      on conflict do nothing;
      if not found then
        -- The same request was decided by another session meanwhile: return that decision.
        continue;
      end if;
      -- decrement_usage looks for the charge while it holds the counter, as this does: one of the two sees the other.
      if exists (select from app.usage_returns r where r.account_id = p_account_id and r.request_id = p_request_id) then
        delete from app.usage_requests r where r.account_id = p_account_id and r.request_id = p_request_id;
        error_code := 'PY409';
        error_message := format('request id %s gave units back before it charged any; use another id', p_request_id);
        continue;
      end if;
    end if;

    if allowed then
      insert into app.usage_events
        (account_id, metric, amount, occurred_at, window_start, reason, request_id,
         chatbot_id, conversation_id, channel, operation)
      values (p_account_id, p_metric, p_amount, v_now, decide_usage.window_start, p_reason, p_request_id,
              p_chatbot_id, p_conversation_id, p_channel, p_operation);
    end if;
    remaining := app.remaining(quota, used);
    return;
  end loop;
end
$$;

comment on function app.decide_usage(text, text, bigint, text, text, boolean, uuid, uuid, text, text) is
  'The one place where a quota is decided: grants an amount of a metric to an account, or refuses; errors are returned as data.';
revoke all on function app.decide_usage(text, text, bigint, text, text, boolean, uuid, uuid, text, text)
  from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/decide_usage.sql

--! Included schemas/internal/ensure_account.sql
-- ensure_account makes the account on its first use, on plan free, anchored now. A known account is left alone.
--
-- Args:    p_account_id  Clerk user or organization id
-- Errors:  PY004 no account id, or one over 255 characters
-- Locks:   the new row until commit. Idempotent.
create or replace function app.ensure_account(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    raise exception 'account_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  insert into app.accounts (account_id, anchor, counts_from, created_at)
  values (p_account_id, app.clock(), app.clock(), app.clock())
  on conflict (account_id) do nothing;
end
$$;

comment on function app.ensure_account(text) is 'Makes the account on its first use, on plan free, anchored now.';
revoke all on function app.ensure_account(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/ensure_account.sql

--! Included schemas/internal/entitlement.sql
-- entitlement tells what an account may use of one metric now: the plan in force, its quota, and the current window.
--
-- Args:    p_account_id  need not exist yet: it is then entitled as a new account on plan free
--          p_metric      the metric
-- Returns: one row; kind null for an unknown metric. quota null = unlimited; a gauge has window -infinity, resets_at null
-- Locks:   none
create or replace function app.entitlement(
  p_account_id text,
  p_metric text,
  out plan text,
  out kind text,
  out quota bigint,
  out window_start timestamptz,
  out resets_at timestamptz
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_anchor timestamptz;
  v_counts_from timestamptz;
begin
  select case when a.plan_ends_at <= v_now then 'free' else a.plan end, a.anchor, a.counts_from
  into plan, v_anchor, v_counts_from
  from app.accounts a where a.account_id = p_account_id;
  plan := coalesce(plan, 'free');

  select m.kind into kind from app.metrics m where m.metric = p_metric;
  quota := app.quota_of(plan, p_metric);

  if kind = 'gauge' then
    window_start := '-infinity';
  else
    select w.window_start, w.window_end into window_start, resets_at
    from app.window_at(coalesce(v_anchor, v_now), greatest(v_now, v_counts_from)) w;
  end if;
end
$$;

comment on function app.entitlement(text, text) is 'What an account may use of one metric now: plan in force, quota, current window.';
revoke all on function app.entitlement(text, text) from public, anon, authenticated, service_role;
grant execute on function app.entitlement(text, text) to operator;
--! EndIncluded schemas/internal/entitlement.sql

--! Included schemas/internal/fold_subscription.sql
-- fold_subscription computes a subscription's present state from everything its processor ever said of it, in the
-- processor's order. The state is a function of the set of events alone: arrival order, duplicates and pauses in delivery
-- cannot change it.
--
--   state event    status, plan and cancellation are what it says; a missing plan or period erases nothing
--   payment paid   past_due or incomplete becomes active; anything else stays (money does not revive a cancellation)
--   payment failed active or trialing becomes past_due; without any state yet it is incomplete
--   payment        without a period (a proration, a one-off, a changed card) or for one before the known changes nothing;
--                  it tells the plan only where none is known, or with a later period
--   period         counts while live (trialing, active, past_due); the latest start wins; each start opens one window
--
-- Locks:   the subscription until commit; the caller holds the account. Idempotent.
create or replace function app.fold_subscription(p_account_id text, p_processor text, p_subscription_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_event record;
  v_state app.processor_subscriptions;
  v_starts timestamptz[] := '{}';
  v_ends timestamptz[] := '{}';
  v_openers text[] := '{}';
begin
  v_state.account_id := p_account_id;
  v_state.processor := p_processor;
  v_state.subscription_id := p_subscription_id;

  for v_event in
    select e.* from app.subscription_events e
    where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id
    order by e.occurred_at, e.event_rank, e.event_id collate "C"
  loop
    if v_event.status is not null then
      v_state.status := v_event.status;
      v_state.cancels_at := v_event.cancels_at;
    elsif v_event.period_start is null or v_event.period_start < v_state.period_start then
      v_state.status := coalesce(v_state.status, 'incomplete');
    elsif v_event.payment = 'paid' then
      v_state.status := case when v_state.status is null or v_state.status in ('past_due', 'incomplete') then 'active' else v_state.status end;
    else
      v_state.status := case when v_state.status is null then 'incomplete'
                             when v_state.status in ('active', 'trialing') then 'past_due'
                             else v_state.status end;
    end if;
    if v_event.status is not null or v_state.plan is null or v_event.period_start > v_state.period_start then
      v_state.plan := coalesce(v_event.plan, v_state.plan);
      v_state.price_id := coalesce(v_event.price_id, v_state.price_id);
    end if;
    v_state.past_due_since := case when v_state.status = 'past_due' then coalesce(v_state.past_due_since, v_event.occurred_at) end;

    if v_state.status in ('trialing', 'active', 'past_due') and v_event.period_start is not null then
      if v_event.period_start <> all (v_starts) then
        v_starts := v_starts || v_event.period_start;
        v_ends := v_ends || v_event.period_end;
        v_openers := v_openers || v_event.event_id;
      end if;
      if v_state.period_start is null or v_event.period_start >= v_state.period_start then
        v_state.period_start := v_event.period_start;
        v_state.period_end := v_event.period_end;
      end if;
    end if;
    v_state.as_of := v_event.occurred_at;
    v_state.as_of_rank := v_event.event_rank;
    v_state.as_of_event_id := v_event.event_id;
  end loop;
  if v_state.as_of is null then
    return;
  end if;

  insert into app.processor_subscriptions as s
    (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end, cancels_at,
     past_due_since, as_of, as_of_rank, as_of_event_id)
  values (p_account_id, p_processor, p_subscription_id, v_state.status, v_state.plan, v_state.price_id, v_state.period_start,
          v_state.period_end, v_state.cancels_at, v_state.past_due_since, v_state.as_of, v_state.as_of_rank, v_state.as_of_event_id)
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, plan = excluded.plan, price_id = excluded.price_id, period_start = excluded.period_start,
      period_end = excluded.period_end, cancels_at = excluded.cancels_at, past_due_since = excluded.past_due_since,
      as_of = excluded.as_of, as_of_rank = excluded.as_of_rank, as_of_event_id = excluded.as_of_event_id;

  -- A window opened on half the story (money that turns out to have come after the end) is taken back with it.
  delete from app.windows w
  where w.account_id = p_account_id and w.processor = p_processor and w.subscription_id = p_subscription_id
    and w.window_start <> all (v_starts);
  insert into app.windows as w (account_id, processor, subscription_id, window_start, window_end, opened_by, created_at)
  select p_account_id, p_processor, p_subscription_id, o.window_start, o.window_end, o.opened_by, app.clock()
  from unnest(v_starts, v_ends, v_openers) as o (window_start, window_end, opened_by)
  on conflict (account_id, processor, subscription_id, window_start) do update
  set window_end = excluded.window_end, opened_by = excluded.opened_by
  where (w.window_end, w.opened_by) is distinct from (excluded.window_end, excluded.opened_by);
end
$$;

comment on function app.fold_subscription(text, text, text) is
  'Computes a subscription''s present state from everything its processor ever said of it, in the processor''s order.';
revoke all on function app.fold_subscription(text, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/fold_subscription.sql

--! Included schemas/internal/link_account.sql
-- link_account ties processor ids to an account. First come, never changed. Deliveries that failed for want of the link
-- become due in the same transaction, dead ones too.
--
-- Args:    p_event_id    the event that says so
--          p_object_ids  customer and subscription ids; nulls are passed over
-- Returns: true when any link was new
-- Locks:   the new links, and the deliveries woken, until commit. Idempotent.
create or replace function app.link_account(p_account_id text, p_processor text, p_event_id text, p_object_ids text[])
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_new text[];
begin
  with linked as (
    insert into app.processor_links (processor, object_id, account_id, event_id, created_at)
    select p_processor, o, p_account_id, p_event_id, app.clock()
    from unnest(p_object_ids) o
    where o is not null
    order by o
    on conflict (processor, object_id) do nothing
    returning object_id
  )
  select array_agg(l.object_id) into v_new from linked l;
  if v_new is null then
    return false;
  end if;
  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  where e.status in ('failed', 'dead') and e.last_error like 'PY413%' and e.processor = p_processor and e.id <> p_event_id
    and (e.subscription_id = any (v_new) or e.customer_id = any (v_new));
  return true;
end
$$;

comment on function app.link_account(text, text, text, text[]) is
  'Ties processor ids to an account, first come; wakes the deliveries that failed for want of it. True when any was new.';
revoke all on function app.link_account(text, text, text, text[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/link_account.sql

--! Included schemas/internal/lock_counter.sql
-- lock_counter locks the counter of an account and metric in the current window, making it (at 0) if there is none, so
-- that whoever is deciding on it is waited for.
--
-- Args:    p_account_id  an account that exists
-- Locks:   the counter until commit. Idempotent.
create or replace function app.lock_counter(p_account_id text, p_metric text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_window_start timestamptz := (app.entitlement(p_account_id, p_metric)).window_start;
begin
  insert into app.counters (account_id, metric, window_start, used)
  values (p_account_id, p_metric, v_window_start, 0)
  on conflict do nothing;
  perform from app.counters c
  where c.account_id = p_account_id and c.metric = p_metric and c.window_start = v_window_start
  for update;
end
$$;

comment on function app.lock_counter(text, text) is
  'Locks the counter of an account and metric in the current window, making it if there is none.';
revoke all on function app.lock_counter(text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/lock_counter.sql

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

--! Included schemas/internal/move_gauge.sql
-- move_gauge moves a gauge that counts rows, inside the transaction that changes them. Only their triggers call it.
--
-- Args:    p_amount      what came (+) or went (-)
--          p_chatbot_id  the chatbot the rows belong to, kept on the ledger row
-- Errors:  PY402 quota exceeded: the message says how much of how much, the detail is the decision as JSON
-- Locks:   the gauge until commit
create or replace function app.move_gauge(p_account_id text, p_metric text, p_amount bigint, p_chatbot_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_decision record;
begin
  if p_amount < 0 then
    perform app.return_usage(p_account_id, p_metric, -p_amount, null, null, 'delete', p_chatbot_id, null, null, null);
  elsif p_amount > 0 then
    select d.* into v_decision
    from app.decide_usage(p_account_id, p_metric, p_amount, null, 'insert', true, p_chatbot_id, null, null, null) d;
    if v_decision.error_code is not null then
      raise exception '%', v_decision.error_message using errcode = v_decision.error_code;
    end if;
    if not v_decision.allowed then
      raise exception 'quota exceeded: % of % % used on plan %',
        v_decision.used, v_decision.quota, p_metric, v_decision.plan
        using errcode = 'PY402', detail = (to_jsonb(v_decision) || jsonb_build_object('metric', p_metric))::text;
    end if;
  end if;
end
$$;

comment on function app.move_gauge(text, text, bigint, uuid) is
  'Moves a gauge that counts rows, inside the transaction that changes them; raises PY402 when the quota does not allow it.';
revoke all on function app.move_gauge(text, text, bigint, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/move_gauge.sql

--! Included schemas/internal/quota_of.sql
-- quota_of tells how much of a metric a plan gives: null = unlimited. Only a row that says so makes a metric unlimited;
-- where there is none (an owner's hand: triggers keep them complete), the plan gives 0.
create or replace function app.quota_of(p_plan text, p_metric text)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
  v_quota bigint;
begin
  select q.quota into v_quota from app.plan_quotas q where q.plan = p_plan and q.metric = p_metric;
  return case when found then v_quota else 0 end;
end
$$;

comment on function app.quota_of(text, text) is
  'How much of a metric a plan gives; null = unlimited, 0 where no row says anything.';
revoke all on function app.quota_of(text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/quota_of.sql

--! Included schemas/internal/remaining.sql
-- remaining tells what is left of a quota: never below 0 (a quota may have been lowered), null where it is unlimited.
-- (A bare greatest(0, …) would turn unlimited into 0: it passes over nulls.)
create or replace function app.remaining(p_quota bigint, p_used bigint)
returns bigint
language plpgsql
immutable
strict
set search_path = ''
as $$
begin
  return greatest(0, p_quota - p_used);
end
$$;

comment on function app.remaining(bigint, bigint) is
  'What is left of a quota, never below 0; null = unlimited.';
revoke all on function app.remaining(bigint, bigint) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/remaining.sql

--! Included schemas/internal/reserve.sql
-- reserve decides an estimate and, when it is granted, notes the reservation that settle_usage will end.
--
-- Args:    p_message_id  the answer the estimate is for, which the sweeper fails with it; null = none
--          the others    as for api.reserve_usage
-- Returns: the decision
-- Errors:  those of decide_usage, raised; PY004 request id or expiry
-- Locks:   the counter until commit. Idempotent per (account, request id).
create or replace function app.reserve(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_request_id text,
  p_expires_in_seconds integer,
  p_message_id uuid,
  p_chatbot_id uuid,
  p_conversation_id uuid,
  p_channel text,
  p_operation text,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_decision record;
begin
  if p_request_id is null then
    raise exception 'request_id is required: it names the reservation to settle' using errcode = 'PY004';
  end if;
  if p_expires_in_seconds is null or p_expires_in_seconds not between 1 and 86400 then
    raise exception 'expires_in_seconds must be from 1 to 86400' using errcode = 'PY004';
  end if;

  select d.* into v_decision
  from app.decide_usage(p_account_id, p_metric, p_amount, p_request_id, 'reserve', false,
                        p_chatbot_id, p_conversation_id, p_channel, p_operation) d;
  if v_decision.error_code is not null then
    raise exception '%', v_decision.error_message using errcode = v_decision.error_code;
  end if;

  if v_decision.allowed and not v_decision.replayed then
    insert into app.usage_reservations
      (account_id, request_id, metric, window_start, reserved, message_id,
       chatbot_id, conversation_id, channel, operation, created_at, expires_at)
    values (p_account_id, p_request_id, p_metric, v_decision.window_start, p_amount, p_message_id,
            p_chatbot_id, p_conversation_id, p_channel, p_operation, app.clock(),
            app.clock() + make_interval(secs => p_expires_in_seconds));
  end if;

  allowed := v_decision.allowed;
  used := v_decision.used;
  quota := v_decision.quota;
  remaining := v_decision.remaining;
  resets_at := v_decision.resets_at;
  plan := v_decision.plan;
  replayed := v_decision.replayed;
end
$$;

comment on function app.reserve(text, text, bigint, text, integer, uuid, uuid, uuid, text, text) is
  'Decides an estimate and, when it is granted, notes the reservation that settle_usage will end.';
revoke all on function app.reserve(text, text, bigint, text, integer, uuid, uuid, uuid, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/reserve.sql

--! Included schemas/internal/return_usage.sql
-- return_usage gives units back, never below 0, and writes the ledger row for what it really gave.
--
-- Args:    p_window_start  the window that was charged; null = the current one
--          p_most          gives back at most this much
--          p_reason        the ledger's reason: return, release, settle, delete
--          the others      as for decide_usage
-- Returns: given (0 to p_most) and the counter after it; the quota and plan in force now
-- Errors:  PY001 unknown metric
-- Locks:   the counter until commit. Not idempotent by itself: its callers are.
create or replace function app.return_usage(
  p_account_id text,
  p_metric text,
  p_most bigint,
  p_window_start timestamptz,
  p_request_id text,
  p_reason text,
  p_chatbot_id uuid,
  p_conversation_id uuid,
  p_channel text,
  p_operation text,
  out given bigint,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out window_start timestamptz
)
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_kind text;
  v_used bigint;
  v_locked timestamptz;
begin
  -- First the lock, then what it is decided by: whoever changes the plan holds the counter. Read before the lock, plan and
  -- window may be gone by the time it is had; so they are read again, and the lock is moved if the window did.
  loop
    select e.plan, e.quota, e.kind, coalesce(p_window_start, e.window_start),
           case when p_window_start is null or p_window_start = e.window_start then e.resets_at end
    into plan, quota, v_kind, window_start, resets_at
    from app.entitlement(p_account_id, p_metric) e;
    if v_kind is null then
      raise exception 'unknown metric %', coalesce(quote_literal(p_metric), 'null') using errcode = 'PY001';
    end if;
    exit when v_locked = window_start;

    select c.used into v_used from app.counters c
    where c.account_id = p_account_id and c.metric = p_metric and c.window_start = return_usage.window_start
    for update;
    v_locked := window_start;
  end loop;

  given := least(coalesce(v_used, 0), p_most);
  used := coalesce(v_used, 0) - given;
  -- A statement of its own: joined to the locking one, it would see the row as it was before the wait.
  update app.counters c set used = return_usage.used
  where c.account_id = p_account_id and c.metric = p_metric and c.window_start = return_usage.window_start
    and return_usage.given > 0;

  if given > 0 then
    insert into app.usage_events
      (account_id, metric, amount, occurred_at, window_start, reason, request_id,
       chatbot_id, conversation_id, channel, operation)
    values (p_account_id, p_metric, -given, app.clock(), return_usage.window_start, p_reason, p_request_id,
            p_chatbot_id, p_conversation_id, p_channel, p_operation);
  end if;
  remaining := app.remaining(quota, used);
end
$$;

comment on function app.return_usage(text, text, bigint, timestamptz, text, text, uuid, uuid, text, text) is
  'Gives units back, never below 0, and writes the ledger row for what it really gave.';
revoke all on function app.return_usage(text, text, bigint, timestamptz, text, text, uuid, uuid, text, text)
  from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/return_usage.sql

--! Included schemas/internal/subscription_to_show.sql
-- subscription_to_show picks the one subscription of an account worth showing: the one in force, else the last heard of.
--
-- Args:    p_account_id  the account
-- Returns: its row, or none
create or replace function app.subscription_to_show(p_account_id text)
returns setof app.processor_subscriptions
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select s.* from app.processor_subscriptions s
  where s.account_id = p_account_id
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 1;
end
$$;

comment on function app.subscription_to_show(text) is
  'The one subscription of an account worth showing: the one in force, else the one last heard of.';
revoke all on function app.subscription_to_show(text) from public, anon, authenticated, service_role;
grant execute on function app.subscription_to_show(text) to operator;
--! EndIncluded schemas/internal/subscription_to_show.sql

--! Included schemas/internal/window_at.sql
-- window_at finds the window an instant falls into: [anchor + k months, anchor + (k+1) months), in UTC.
-- Every bound is computed from the anchor, never from the bound before: 31 Jan, 28 Feb, 31 Mar.
--
-- Args:    p_anchor  where windows start
--          p_at      the instant; may lie before the anchor
-- Returns: window_start <= p_at < window_end
-- Source:  Stripe's rule for a billing cycle anchor on a day that a month lacks (docs.stripe.com/billing/subscriptions/billing-cycle)
create or replace function app.window_at(p_anchor timestamptz, p_at timestamptz, out window_start timestamptz, out window_end timestamptz)
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_anchor timestamp := p_anchor at time zone 'UTC';
  v_at timestamp := p_at at time zone 'UTC';
  v_months integer := (extract(year from v_at) - extract(year from v_anchor)) * 12
                      + extract(month from v_at) - extract(month from v_anchor);
begin
  -- Bound number v_months lies in the month of v_at, so the window is this one or the one before.
  if v_anchor + make_interval(months => v_months) > v_at then
    v_months := v_months - 1;
  end if;
  window_start := (v_anchor + make_interval(months => v_months)) at time zone 'UTC';
  window_end := (v_anchor + make_interval(months => v_months + 1)) at time zone 'UTC';
end
$$;

comment on function app.window_at(timestamptz, timestamptz) is
  'The window an instant falls into: anchor + k months to anchor + (k+1) months, half-open, in UTC.';
revoke all on function app.window_at(timestamptz, timestamptz) from public, anon, authenticated, service_role;
grant execute on function app.window_at(timestamptz, timestamptz) to operator;
--! EndIncluded schemas/internal/window_at.sql

--! Included schemas/internal/wrong_grants.sql
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
      'sync_chatbot_count', 'upsert_price', 'replay_webhook_event', 'check_invariants', 'schema_version',
      'clock', 'window_at', 'entitlement', 'subscription_to_show'))
  union all
  select format('%s may not execute %s', r.role, p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join (values ('service_role'), ('operator')) r (role)
  where n.nspname = 'api' and not has_function_privilege(r.role, p.oid, 'execute')
    and (r.role = 'service_role' or p.proname in (
      'sync_chatbot_count', 'upsert_price', 'replay_webhook_event', 'check_invariants', 'schema_version'))
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
--! EndIncluded schemas/internal/wrong_grants.sql

--! Included schemas/functions/answer_stop_requested.sql
-- answer_stop_requested tells the process that generates an answer whether it should stop: somebody asked for it, or the
-- answer is gone or was ended by another (the sweeper, a deleted chatbot).
--
-- Returns: one row
create or replace function api.answer_stop_requested(p_account_id text, p_message_id uuid, out stop_requested boolean)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  select m.stop_requested or m.status <> 'streaming' into stop_requested
  from app.messages m
  where m.account_id = p_account_id and m.id = p_message_id;
  stop_requested := coalesce(stop_requested, true);
end
$$;

comment on function api.answer_stop_requested(text, uuid) is
  'Tells the process that generates an answer whether it should stop.';
revoke all on function api.answer_stop_requested(text, uuid) from public, anon, authenticated;
grant execute on function api.answer_stop_requested(text, uuid) to service_role;
--! EndIncluded schemas/functions/answer_stop_requested.sql

--! Included schemas/functions/begin_answer.sql
-- begin_answer decides everything an answer costs before the model is called, and stores the question: all or nothing.
-- It reserves one message, the estimated tokens, and for channel api one API call; finish_answer settles them.
--
-- Args:    p_content             the question, 1 to 8,000 characters
--          p_token_estimate      upper bound of tokens in and out, 1 to 1,000,000,000
--          p_request_id          makes the call safe to repeat
--          p_channel             playground, widget or api
--          p_expires_in_seconds  when the sweeper may take the answer for lost
--          p_message_id          a new id for the answer, chosen by the caller: a call repeated because its connection was
--                                lost is recognised by it, and told that it started
-- Returns: one row. outcome
--            started    generate the answer for message_id, then call finish_answer
--            refused    metric and the decision say which quota is used up; nothing was stored or charged
--            running    the same request is being answered, as message_id
--            replayed   the same request was answered, by message_id; a failed answer is not replayed but tried again
--            not_found  no such conversation of this account and chatbot
-- Errors:  PY003 estimate · PY004 argument · PY409 request id used for another request
-- Locks:   the counters until commit. Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.begin_answer(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, p_content text, p_token_estimate bigint,
  p_request_id text default null, p_channel text default 'api', p_expires_in_seconds integer default 900,
  p_message_id uuid default null
)
returns table (
  outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text,
  replayed boolean, user_message_id uuid, message_id uuid
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_answer uuid := coalesce(p_message_id, gen_random_uuid());
  v_claimed uuid;
  v_status text;
  v_charge record;
  v_decision record;
  v_refusal text;
begin
  if p_content is null or length(p_content) not between 1 and 8000 then
    raise exception 'content must have 1 to 8000 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  perform from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id
  for key share;
  if not found then
    outcome := 'not_found';
    return next;
    return;
  end if;

  -- The caller's own repeat: nobody else knows this id, and nobody else would generate the answer.
  select case m.status when 'streaming' then 'started' else 'replayed' end, 'messages', true,
         c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, true, q.id, m.id
  into outcome, metric, allowed, used, quota, remaining, resets_at, plan, replayed, user_message_id, message_id
  from app.messages m
  cross join lateral app.entitlement(p_account_id, 'messages') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'messages' and c.window_start = e.window_start
  left join lateral (
    select u.id from app.messages u
    where u.account_id = m.account_id and u.conversation_id = m.conversation_id and u.role = 'user' and u.place < m.place
    order by u.place desc limit 1
  ) q on true
  where m.account_id = p_account_id and m.id = p_message_id and m.conversation_id = p_conversation_id;
  if found then
    return next;
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'begin_answer',
      encode(sha256(convert_to(jsonb_build_array(p_conversation_id, p_content, p_channel)::text, 'UTF8')), 'hex'), v_answer);
    if v_claimed <> v_answer then
      select m.status into v_status from app.messages m where m.account_id = p_account_id and m.id = v_claimed;
      if v_status <> 'failed' then
        outcome := case when v_status = 'streaming' then 'running' else 'replayed' end;
        replayed := true;
        message_id := v_claimed;
        return next;
        return;
      end if;
      update app.idempotency_keys k set resource_id = v_answer
      where k.account_id = p_account_id and k.request_id = p_request_id;
    end if;

    -- In the order of their names, as batches lock them; messages last, so that their decision is the one returned.
    for v_charge in
      select * from (values ('api_calls', 1::bigint), ('llm_tokens', p_token_estimate), ('messages', 1::bigint)) c (metric, amount)
      where c.metric <> 'api_calls' or p_channel = 'api'
    loop
      select r.* into v_decision
      from app.reserve(p_account_id, v_charge.metric, v_charge.amount, 'answer:' || v_answer || ':' || v_charge.metric,
                       p_expires_in_seconds, v_answer, p_chatbot_id, p_conversation_id, p_channel, 'answer') r;
      if not v_decision.allowed then
        raise exception 'quota exceeded' using errcode = 'PY402',
          detail = (to_jsonb(v_decision) || jsonb_build_object('metric', v_charge.metric))::text;
      end if;
    end loop;

    user_message_id := gen_random_uuid();
    message_id := v_answer;
    insert into app.messages (account_id, id, conversation_id, role, status, content, created_at, finished_at)
    values (p_account_id, user_message_id, p_conversation_id, 'user', 'complete', p_content, app.clock(), app.clock());
    insert into app.messages (account_id, id, conversation_id, role, status, created_at)
    values (p_account_id, message_id, p_conversation_id, 'assistant', 'streaming', app.clock());
    update app.conversations c set updated_at = app.clock()
    where c.account_id = p_account_id and c.id = p_conversation_id;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select 'refused', d.metric, false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid
    from jsonb_to_record(v_refusal::jsonb) as d (
      metric text, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  outcome := 'started';
  metric := v_charge.metric;
  allowed := true;
  used := v_decision.used;
  quota := v_decision.quota;
  remaining := v_decision.remaining;
  resets_at := v_decision.resets_at;
  plan := v_decision.plan;
  replayed := false;
  return next;
end
$$;

comment on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) is
  'Decides everything an answer costs, before the model is called, and stores the question: all of it or nothing.';
revoke all on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) from public, anon, authenticated;
grant execute on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) to service_role;
--! EndIncluded schemas/functions/begin_answer.sql

--! Included schemas/functions/check_and_increment_usage.sql
-- check_and_increment_usage grants an amount of a metric to an account, or refuses: exact however many call at once.
--
-- Args:    p_account_id  Clerk user or organization id; made on first use, on plan free
--          p_metric      a counter (messages, llm_tokens, api_calls) or a gauge that counts no rows (seats)
--          p_amount      whole units, 1 to 1,000,000,000
--          p_request_id  chosen by the caller, unique per account; repeat it to repeat the call safely
--          the others    the source: chatbot, conversation, channel playground|widget|api, operation
-- Returns: one row: allowed, used after it, quota and remaining (null = unlimited), resets_at (UTC; null = never), plan in
--          force, replayed (true = the first answer to this request id again)
-- Errors:  PY001 unknown metric · PY003 amount · PY004 account, request id or channel · PY409 request id used with other
--          arguments · PY410 the metric moves with its rows
-- Locks:   the counter of (account, metric, window) until commit. Idempotent per (account, request id).
-- Source:  docs/decisions/0002-one-conditional-update.md
create or replace function api.check_and_increment_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint default 1,
  p_request_id text default null,
  p_chatbot_id uuid default null,
  p_conversation_id uuid default null,
  p_channel text default null,
  p_operation text default null,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_error_code text;
  v_error_message text;
begin
  if p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api, not %', quote_literal(p_channel) using errcode = 'PY004';
  end if;
  select d.error_code, d.error_message, d.allowed, d.used, d.quota, d.remaining, d.resets_at, d.plan, d.replayed
  into v_error_code, v_error_message, allowed, used, quota, remaining, resets_at, plan, replayed
  from app.decide_usage(p_account_id, p_metric, p_amount, p_request_id, 'charge', false,
                        p_chatbot_id, p_conversation_id, p_channel, p_operation) d;
  if v_error_code is not null then
    raise exception '%', v_error_message using errcode = v_error_code;
  end if;
end
$$;

comment on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text) is
  'Grants an amount of a metric to an account, or refuses: exact however many call at once, safe to repeat with a request id.';
revoke all on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text)
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text) to service_role;
--! EndIncluded schemas/functions/check_and_increment_usage.sql

--! Included schemas/functions/check_and_increment_usage_many.sql
-- check_and_increment_usage_many decides a batch of requests, each exactly as check_and_increment_usage would, those of
-- one account and metric in the order of arrival. One bad entry gets its own verdict and never fails the others.
--
-- Args:    arrays of one length, entry by entry the arguments of check_and_increment_usage; p_amounts null = all 1, the
--          later ones null = no entry has it. At most 1,000 entries (a hosted PostgREST cuts off longer answers).
-- Returns: one row per entry in the order of arrival: place (from 1), then error_code and error_message, or the decision
-- Errors:  PY004 arrays of different lengths, or too many entries. Faults of single entries are rows, with the same codes.
-- Locks:   the counters, in the order (account, metric), until commit: two batches wait for each other, they do not
--          deadlock on counters. A request id shared across metrics still can; 40P01 is safe to repeat.
-- Idempotent per (account, request id), also between entries of the same batch; of two metrics that share an id, the one
-- whose name comes first has it.
create or replace function api.check_and_increment_usage_many(
  p_account_ids text[],
  p_metrics text[],
  p_amounts bigint[] default null,
  p_request_ids text[] default null,
  p_chatbot_ids uuid[] default null,
  p_conversation_ids uuid[] default null,
  p_channels text[] default null,
  p_operations text[] default null
)
returns table (
  place integer,
  error_code text,
  error_message text,
  allowed boolean,
  used bigint,
  quota bigint,
  remaining bigint,
  resets_at timestamptz,
  plan text,
  replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count integer := coalesce(cardinality(p_account_ids), 0);
  v_entry record;
  v_decision record;
  v_decisions jsonb[];
begin
  if v_count > 1000 then
    raise exception 'a batch has at most 1000 entries, not %', v_count using errcode = 'PY004';
  end if;
  if coalesce(cardinality(p_metrics), 0) <> v_count
     or cardinality(p_amounts) <> v_count or cardinality(p_request_ids) <> v_count
     or cardinality(p_chatbot_ids) <> v_count or cardinality(p_conversation_ids) <> v_count
     or cardinality(p_channels) <> v_count or cardinality(p_operations) <> v_count then
    raise exception 'all arrays of a batch must have the % entries of account_ids', v_count using errcode = 'PY004';
  end if;

  v_decisions := array_fill(null::jsonb, array[v_count]);
  for v_entry in
    select e.*
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations)
         with ordinality as e (account_id, metric, amount, request_id, chatbot_id, conversation_id, channel, operation, place)
    order by e.account_id, e.metric, e.place
  loop
    if v_entry.channel not in ('playground', 'widget', 'api') then
      v_decisions[v_entry.place] := jsonb_build_object('error_code', 'PY004', 'error_message',
        format('channel must be playground, widget or api, not %L', v_entry.channel));
      continue;
    end if;
    select d.* into v_decision
    from app.decide_usage(v_entry.account_id, v_entry.metric, case when p_amounts is null then 1 else v_entry.amount end,
                          v_entry.request_id, 'charge', false,
                          v_entry.chatbot_id, v_entry.conversation_id, v_entry.channel, v_entry.operation) d;
    v_decisions[v_entry.place] := case when v_decision.error_code is null then to_jsonb(v_decision)
      else jsonb_build_object('error_code', v_decision.error_code, 'error_message', v_decision.error_message) end;
  end loop;

  return query
  select d.place::integer, r.error_code, r.error_message, r.allowed, r.used, r.quota, r.remaining, r.resets_at, r.plan, r.replayed
  from unnest(v_decisions) with ordinality as d (decision, place)
  cross join lateral jsonb_to_record(d.decision) as r (
    error_code text, error_message text, allowed boolean, used bigint, quota bigint, remaining bigint,
    resets_at timestamptz, plan text, replayed boolean)
  order by d.place;
end
$$;

comment on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch of requests, each exactly as the single call would, in the order of arrival; a bad entry gets its own verdict.';
revoke all on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  to service_role;
--! EndIncluded schemas/functions/check_and_increment_usage_many.sql

--! Included schemas/functions/check_invariants.sql
-- check_invariants asks the database itself which invariants of ARCHITECTURE.md hold, and whether every grant is as it
-- must be. It reads tables and the catalog, and trusts no function of ours; it changes nothing.
--
-- Returns: one row per check, in the order of the page: violations (0 = it holds) and one example in words
-- Locks:   none; all checks see one moment where the caller's transaction is repeatable read, else nearly one
create or replace function api.check_invariants()
returns table (place integer, name text, violations bigint, example text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with found (place, what) as (
    -- 1
    select 1, format('%s of %s in the window of %s: counter %s, ledger %s', coalesce(c.metric, l.metric),
                     coalesce(c.account_id, l.account_id), coalesce(c.window_start, l.window_start),
                     coalesce(c.used, 0), coalesce(l.summed, 0))
    from app.counters c
    full join (
      select e.account_id, e.metric, e.window_start, sum(e.amount) as summed
      from app.usage_events e group by e.account_id, e.metric, e.window_start
    ) l on l.account_id = c.account_id and l.metric = c.metric and l.window_start = c.window_start
    where coalesce(c.used, 0) <> coalesce(l.summed, 0)
    union all
    -- A counter above its quota is in order only where the plan fell after the last grant: where a plan the account had
    -- gives that much. A catalog that was lowered is found here too.
    select 2, format('%s has %s of %s %s on plan %s', c.account_id, c.used, q.quota, c.metric, u.plan)
    from app.counters c
    join app.metrics m on m.metric = c.metric
    join app.accounts a on a.account_id = c.account_id
    cross join lateral (select case when a.plan_ends_at <= app.clock() then 'free' else a.plan end) u (plan)
    join app.plan_quotas q on q.plan = u.plan and q.metric = c.metric
    cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from)) w
    where c.used > q.quota
      and c.window_start = case when m.kind = 'gauge' then '-infinity'::timestamptz else w.window_start end
      and not exists (
        select from app.subscription_events s
        join app.plan_quotas had on had.plan in (s.plan, 'free') and had.metric = c.metric
        where s.account_id = a.account_id and (had.quota is null or had.quota >= c.used))
    union all
    select 3, format('%s has %s chatbots, its gauge says %s', a.account_id, b.actual, coalesce(c.used, 0))
    from app.accounts a
    cross join lateral (select count(*) as actual from app.chatbots x where x.account_id = a.account_id) b
    left join app.counters c on c.account_id = a.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
    where b.actual <> coalesce(c.used, 0)
    union all
    select 4, format('%s stores %s bytes, its gauge says %s', a.account_id, d.actual, coalesce(c.used, 0))
    from app.accounts a
    cross join lateral (select coalesce(sum(x.size_bytes), 0) as actual from app.documents x where x.account_id = a.account_id) d
    left join app.counters c on c.account_id = a.account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity'
    where d.actual <> coalesce(c.used, 0)
    union all
    select 5, format('%s %s was said to be processed, but nothing of it is there', w.processor, w.id)
    from app.webhook_events w
    where w.status = 'processed' and w.subscription_id is not null
      and not exists (select from app.subscription_events s where s.processor = w.processor and s.event_id = w.id)
      -- A checkout says whose a subscription is, and nothing else.
      and not (w.event_type like 'checkout.%' and exists (
        select from app.processor_links l where l.processor = w.processor and l.object_id = w.subscription_id))
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', s.processor, s.event_id, coalesce(w.status, 'missing'))
    from app.subscription_events s
    left join app.webhook_events w on w.processor = s.processor and w.id = s.event_id
    where w.status is distinct from 'processed'
    union all
    select 7, case
      when p.account_id is null then format('%s speaks of %s of %s, which is not there', s.event_id, s.subscription_id, s.account_id)
      when (s.occurred_at, s.event_rank, s.event_id collate "C") > (p.as_of, p.as_of_rank, p.as_of_event_id collate "C") then
        format('%s of %s is as of %s, but %s of %s is later', p.subscription_id, p.account_id, p.as_of_event_id, s.event_id, s.occurred_at)
      when (s.occurred_at, s.event_rank, s.event_id) = (p.as_of, p.as_of_rank, p.as_of_event_id) then
        format('%s of %s is %s on %s, but %s says %s on %s',
               p.subscription_id, p.account_id, p.status, p.plan, s.event_id, s.status, s.plan)
      else format('%s of %s is as of %s, which says nothing of it', p.subscription_id, p.account_id, p.as_of_event_id)
    end
    from app.processor_subscriptions p
    full join (
      select distinct on (e.account_id, e.processor, e.subscription_id) e.*
      from app.subscription_events e
      order by e.account_id, e.processor, e.subscription_id, e.occurred_at desc, e.event_rank desc, e.event_id collate "C" desc
    ) s on s.account_id = p.account_id and s.processor = p.processor and s.subscription_id = p.subscription_id
    -- A payment says no status and a missing plan erases nothing, so only what the event says is compared.
    where (s.occurred_at, s.event_rank, s.event_id) is distinct from (p.as_of, p.as_of_rank, p.as_of_event_id)
      or s.status <> p.status
      or s.status is not null and s.plan is distinct from p.plan and s.plan is not null
    union all
    select 8, format('the window of %s of %s from %s was opened by %s, which says nothing of it', w.subscription_id, w.account_id, w.window_start, w.opened_by)
    from app.windows w
    where not exists (
      select from app.subscription_events s
      where s.account_id = w.account_id and s.processor = w.processor and s.subscription_id = w.subscription_id
        and s.event_id = w.opened_by and s.period_start = w.window_start)
    union all
    select 9, format('%s has %s subscriptions in force', p.account_id, count(*))
    from app.processor_subscriptions p where p.in_force group by p.account_id having count(*) > 1
    union all
    select 10, format('%s %s of %s is tied to account %s', p.processor, p.subscription_id, p.account_id, l.account_id)
    from app.processor_subscriptions p
    join app.processor_links l on l.processor = p.processor and l.object_id = p.subscription_id
    where l.account_id <> p.account_id
    union all
    select 11, format('reservation %s of %s is open %s after its expiry', r.request_id, r.account_id, app.clock() - r.expires_at)
    from app.usage_reservations r
    where r.status = 'open' and r.expires_at < app.clock() - interval '5 minutes'
    union all
    select 12, format('an error stored with %s holds what looks like a secret or a token', e.source)
    from (
      select 'delivery ' || w.id, w.last_error from app.webhook_events w
      union all
      select 'answer ' || m.id, m.error from app.messages m
    ) e (source, error)
    where e.error ~ '(whsec_|sk_live_|sk_test_|rk_live_|pdl_ntfset_|eyJ[\w-]{10,}\.[\w-]+\.)'
    union all
    select 13, v.what from app.wrong_grants() v (what)
    union all
    select 14, v.what from app.missing_guards() v (what)
  )
  select c.place, c.name, count(f.what), min(f.what)
  from (values
    (1, 'a counter is the sum of its ledger'),
    (2, 'a counter is within its quota'),
    (3, 'the gauge of chatbots is the number of chatbots'),
    (4, 'the gauge of storage is the size of the documents'),
    (5, 'what is processed has its effect'),
    (6, 'what has an effect is processed'),
    (7, 'a subscription is as its latest event says'),
    (8, 'a window was opened by an event that carries it'),
    (9, 'one subscription of an account is in force'),
    (10, 'nothing of one account belongs to another'),
    (11, 'no reservation outlives its expiry'),
    (12, 'no stored error holds a secret'),
    (13, 'no role may more than it must'),
    (14, 'row security, triggers and search paths are in place')
  ) c (place, name)
  left join found f on f.place = c.place
  group by c.place, c.name
  order by c.place;
end
$$;

comment on function api.check_invariants() is
  'Asks the database which invariants of ARCHITECTURE.md do not hold, and which grants are not as they must be; reads tables, trusts no function.';
revoke all on function api.check_invariants() from public, anon, authenticated;
grant execute on function api.check_invariants() to service_role;
grant execute on function api.check_invariants() to operator;
--! EndIncluded schemas/functions/check_invariants.sql

--! Included schemas/functions/claim_webhook_events.sql
-- claim_webhook_events takes deliveries that are due to be tried again, for a minute. A worker that dies leaves them to
-- the next one after that minute.
--
-- Args:    p_limit  1 to 100
-- Returns: the deliveries, those that were due the longest, in no particular order
-- Errors:  PY004 limit
-- Locks:   those rows until commit; skips what is locked
create or replace function api.claim_webhook_events(p_limit integer default 20)
returns table (processor text, id text, payload text, attempts integer)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  update app.webhook_events e
  set next_attempt_at = app.clock() + interval '60 seconds'
  from (
    select d.processor, d.id from app.webhook_events d
    where d.next_attempt_at <= app.clock() and d.status = 'failed'
    order by d.next_attempt_at
    limit p_limit
    for update skip locked
  ) due
  where e.processor = due.processor and e.id = due.id
  returning e.processor, e.id, e.payload, e.attempts;
end
$$;

comment on function api.claim_webhook_events(integer) is
  'Takes deliveries that are due to be tried again, for a minute; no other worker gets them meanwhile.';
revoke all on function api.claim_webhook_events(integer) from public, anon, authenticated;
grant execute on function api.claim_webhook_events(integer) to service_role;
--! EndIncluded schemas/functions/claim_webhook_events.sql

--! Included schemas/functions/create_chatbot.sql
-- create_chatbot creates a chatbot where the quota allows it; the gauge moves in the same transaction.
--
-- Args:    p_name             1 to 100 characters
--          p_instructions     up to 8,000 characters
--          p_welcome_message  up to 500 characters
--          p_model            null or '' = the service's default
--          p_request_id       makes the call safe to repeat
-- Returns: one row: the decision on metric chatbots, and the chatbot; its columns are null when refused, or when a
--          replayed request's chatbot has been deleted since
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the gauge until commit. Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.create_chatbot(
  p_account_id text,
  p_name text,
  p_instructions text default '',
  p_welcome_message text default '',
  p_model text default null,
  p_request_id text default null
)
returns table (
  allowed boolean,
  used bigint,
  quota bigint,
  remaining bigint,
  resets_at timestamptz,
  plan text,
  replayed boolean,
  chatbot_id uuid,
  name text,
  instructions text,
  welcome_message text,
  model text,
  created_at timestamptz,
  updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_refusal text;
begin
  if p_name is null or length(p_name) not between 1 and 100 then
    raise exception 'name must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if length(p_instructions) > 8000 then
    raise exception 'instructions must have at most 8000 characters' using errcode = 'PY004';
  end if;
  if length(p_welcome_message) > 500 then
    raise exception 'welcome_message must have at most 500 characters' using errcode = 'PY004';
  end if;
  if length(p_model) > 100 then
    raise exception 'model must have at most 100 characters' using errcode = 'PY004';
  end if;
  perform app.ensure_account(p_account_id);

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'create_chatbot',
      encode(sha256(convert_to(jsonb_build_array(
        p_name, coalesce(p_instructions, ''), coalesce(p_welcome_message, ''), nullif(p_model, ''))::text, 'UTF8')), 'hex'), v_id);
    if v_claimed = v_id then
      insert into app.chatbots (account_id, id, name, instructions, welcome_message, model, created_at, updated_at)
      values (p_account_id, v_id, p_name, coalesce(p_instructions, ''), coalesce(p_welcome_message, ''), nullif(p_model, ''),
              app.clock(), app.clock());
    end if;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false,
           null::uuid, null::text, null::text, null::text, null::text, null::timestamptz, null::timestamptz
    from jsonb_to_record(v_refusal::jsonb) as d (used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  return query
  select true, c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, v_claimed <> v_id,
         b.id, b.name, b.instructions, b.welcome_message, b.model, b.created_at, b.updated_at
  from app.entitlement(p_account_id, 'chatbots') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
  left join app.chatbots b on b.account_id = p_account_id and b.id = v_claimed;
end
$$;

comment on function api.create_chatbot(text, text, text, text, text, text) is
  'Creates a chatbot where the quota allows it; the gauge moves in the same transaction. Safe to repeat with a request id.';
revoke all on function api.create_chatbot(text, text, text, text, text, text) from public, anon, authenticated;
grant execute on function api.create_chatbot(text, text, text, text, text, text) to service_role;
--! EndIncluded schemas/functions/create_chatbot.sql

--! Included schemas/functions/create_conversation.sql
-- create_conversation opens a conversation with a chatbot.
--
-- Args:    p_title       up to 200 characters
--          p_channel     playground, widget or api
--          p_request_id  makes the call safe to repeat
-- Returns: the conversation; no row where the chatbot is not the account's, or a replayed conversation has been deleted
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the chatbot (shared) until commit. Idempotent per (account, request id).
create or replace function api.create_conversation(
  p_account_id text, p_chatbot_id uuid, p_title text default '', p_channel text default 'api', p_request_id text default null
)
returns table (
  conversation_id uuid, chatbot_id uuid, title text, channel text, replayed boolean, created_at timestamptz, updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
begin
  if length(p_title) > 200 then
    raise exception 'title must have at most 200 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;

  v_claimed := app.claim_request(p_account_id, p_request_id, 'create_conversation',
    encode(sha256(convert_to(jsonb_build_array(p_chatbot_id, p_title, p_channel)::text, 'UTF8')), 'hex'), v_id);
  if v_claimed = v_id then
    insert into app.conversations (account_id, id, chatbot_id, title, channel, created_at, updated_at)
    values (p_account_id, v_id, p_chatbot_id, coalesce(p_title, ''), p_channel, app.clock(), app.clock());
  end if;
  return query
  select c.id, c.chatbot_id, c.title, c.channel, v_claimed <> v_id, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.id = v_claimed;
end
$$;

comment on function api.create_conversation(text, uuid, text, text, text) is
  'Opens a conversation with a chatbot. Safe to repeat with a request id.';
revoke all on function api.create_conversation(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.create_conversation(text, uuid, text, text, text) to service_role;
--! EndIncluded schemas/functions/create_conversation.sql

--! Included schemas/functions/create_document.sql
-- create_document stores a document's passages where the quota storage_bytes allows it.
--
-- Args:    p_size_bytes  the size of the file as uploaded: what counts
--          p_sha256      of that file, lower-case hexadecimal
--          p_passages    its text in order, 1 to 10,000 passages of 1 to 10,000 characters
--          p_request_id  makes the call safe to repeat
-- Returns: one row: the decision on storage_bytes, and the document (null columns when refused, or deleted since);
--          no row where the chatbot is not the account's
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the chatbot (shared) and the gauge until commit. Idempotent per (account, request id).
create or replace function api.create_document(
  p_account_id text, p_chatbot_id uuid, p_name text, p_media_type text, p_size_bytes bigint, p_sha256 text,
  p_passages text[], p_request_id text default null
)
returns table (
  allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean,
  document_id uuid, chatbot_id uuid, name text, media_type text, size_bytes bigint, passage_count integer, created_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_refusal text;
begin
  if p_name is null or length(p_name) not between 1 and 255 then
    raise exception 'name must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_media_type is null or length(p_media_type) not between 1 and 100 then
    raise exception 'media_type must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if p_size_bytes is null or p_size_bytes not between 1 and 1000000000 then
    raise exception 'size_bytes must be from 1 to 1000000000' using errcode = 'PY004';
  end if;
  if p_sha256 is null or p_sha256 !~ '^[0-9a-f]{64}$' then
    raise exception 'sha256 must be 64 lower-case hexadecimal digits' using errcode = 'PY004';
  end if;
  if coalesce(cardinality(p_passages), 0) not between 1 and 10000 then
    raise exception 'passages must have 1 to 10000 entries' using errcode = 'PY004';
  end if;
  if exists (select from unnest(p_passages) p where p is null or length(p) not between 1 and 10000) then
    raise exception 'passages must have 1 to 10000 characters each' using errcode = 'PY004';
  end if;

  -- Against a delete of the chatbot in between.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'create_document',
      encode(sha256(convert_to(jsonb_build_array(p_chatbot_id, p_name, p_media_type, p_sha256)::text, 'UTF8')), 'hex'), v_id);
    if v_claimed = v_id then
      insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count, created_at)
      values (p_account_id, v_id, p_chatbot_id, p_name, p_media_type, p_size_bytes, p_sha256, cardinality(p_passages), app.clock());
      insert into app.passages (account_id, document_id, place, chatbot_id, content)
      select p_account_id, v_id, p.place, p_chatbot_id, p.content
      from unnest(p_passages) with ordinality as p (content, place);
    end if;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid, null::text,
           null::text, null::bigint, null::integer, null::timestamptz
    from jsonb_to_record(v_refusal::jsonb) as d (used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  return query
  select true, c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, v_claimed <> v_id,
         d.id, d.chatbot_id, d.name, d.media_type, d.size_bytes, d.passage_count, d.created_at
  from app.entitlement(p_account_id, 'storage_bytes') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity'
  left join app.documents d on d.account_id = p_account_id and d.id = v_claimed;
end
$$;

comment on function api.create_document(text, uuid, text, text, bigint, text, text[], text) is
  'Stores a document''s passages where the storage quota allows it; the gauge moves in the same transaction.';
revoke all on function api.create_document(text, uuid, text, text, bigint, text, text[], text) from public, anon, authenticated;
grant execute on function api.create_document(text, uuid, text, text, bigint, text, text[], text) to service_role;
--! EndIncluded schemas/functions/create_document.sql

--! Included schemas/functions/decrement_usage.sql
-- decrement_usage gives units back, never below 0. Where p_request_id names a charge, they go into the window that was
-- charged, and never more of them than that charge took.
--
-- Args:    p_amount      whole units, 1 to 1,000,000,000
--          p_request_id  the request id of the charge; or, where it names none, an id of this give-back
-- Returns: one row, as check_and_increment_usage: allowed is always true, used is what is left in the window given back to
-- Errors:  PY001 unknown metric · PY003 amount · PY004 account or request id · PY409 request id of another metric, of an
--          earlier give-back with another amount, or of a reservation (settle it instead) · PY410 the metric moves with its rows
-- Locks:   the counter until commit. Idempotent per (account, request id): a charge is given back once.
create or replace function api.decrement_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint default 1,
  p_request_id text default null,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_charge record;
  v_first record;
  v_return record;
  v_most bigint := p_amount;
begin
  if p_amount is null or p_amount not between 1 and 1000000000 then
    raise exception 'amount must be a whole number from 1 to 1000000000, not %', coalesce(p_amount::text, 'null') using errcode = 'PY003';
  end if;
  if length(p_request_id) not between 1 and 255 then
    raise exception 'request_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if exists (select from app.metrics m where m.metric = p_metric and m.counts_rows) then
    raise exception 'metric % moves with its rows: insert or delete them instead', p_metric using errcode = 'PY410';
  end if;
  if not exists (select from app.metrics m where m.metric = p_metric) then
    raise exception 'unknown metric %', coalesce(quote_literal(p_metric), 'null') using errcode = 'PY001';
  end if;
  perform app.ensure_account(p_account_id);
  allowed := true;

  if p_request_id is null then
    select r.* into v_return
    from app.return_usage(p_account_id, p_metric, v_most, null, null, 'return', null, null, null, null) r;
  else
    insert into app.usage_returns (account_id, request_id, metric, amount, given, used, plan, created_at)
    values (p_account_id, p_request_id, p_metric, p_amount, 0, 0, 'free', app.clock())
    on conflict do nothing;
    if not found then
      select r.* into strict v_first from app.usage_returns r
      where r.account_id = p_account_id and r.request_id = p_request_id;
      if v_first.metric <> p_metric or v_first.amount <> p_amount then
        raise exception 'request id % already gave back % of %', p_request_id, v_first.amount, v_first.metric using errcode = 'PY409';
      end if;
      used := v_first.used;
      quota := v_first.quota;
      remaining := app.remaining(quota, used);
      resets_at := v_first.resets_at;
      plan := v_first.plan;
      replayed := true;
      return;
    end if;

    -- A charge of this id may be in flight. It holds the counter until it commits; so first the counter, then the look.
    perform app.lock_counter(p_account_id, p_metric);
    select q.* into v_charge from app.usage_requests q
    where q.account_id = p_account_id and q.request_id = p_request_id;
    if v_charge.metric <> p_metric then
      raise exception 'request id % was used for metric %', p_request_id, v_charge.metric using errcode = 'PY409';
    end if;
    if v_charge.reason = 'reserve' then
      raise exception 'request id % is a reservation: settle it instead', p_request_id using errcode = 'PY409';
    end if;
    if v_charge.request_id is not null then
      v_most := case when v_charge.allowed then least(p_amount, v_charge.amount) else 0 end;
    end if;

    select r.* into v_return
    from app.return_usage(p_account_id, p_metric, v_most, v_charge.window_start, p_request_id, 'return', null, null, null, null) r;
    update app.usage_returns r
    set given = v_return.given, used = v_return.used, quota = v_return.quota, resets_at = v_return.resets_at, plan = v_return.plan
    where r.account_id = p_account_id and r.request_id = p_request_id;
  end if;

  used := v_return.used;
  quota := v_return.quota;
  remaining := v_return.remaining;
  resets_at := v_return.resets_at;
  plan := v_return.plan;
  replayed := false;
end
$$;

comment on function api.decrement_usage(text, text, bigint, text) is
  'Gives units back, never below 0, into the window that was charged when the request id names that charge.';
revoke all on function api.decrement_usage(text, text, bigint, text) from public, anon, authenticated;
grant execute on function api.decrement_usage(text, text, bigint, text) to service_role;
--! EndIncluded schemas/functions/decrement_usage.sql

--! Included schemas/functions/delete_chatbot.sql
-- delete_chatbot deletes a chatbot with its documents and conversations; what it used of the gauges is free at once.
--
-- Returns: one row: deleted (false = it was not there), and the gauge chatbots after it
-- Locks:   the chatbot, what belongs to it, and the gauges until commit. Idempotent.
create or replace function api.delete_chatbot(
  p_account_id text, p_chatbot_id uuid,
  out deleted boolean, out used bigint, out quota bigint, out remaining bigint
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id;
  deleted := found;
  select coalesce(c.used, 0), e.quota into used, quota
  from app.entitlement(p_account_id, 'chatbots') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity';
  remaining := app.remaining(quota, used);
end
$$;

comment on function api.delete_chatbot(text, uuid) is
  'Deletes a chatbot with its documents and conversations; its quota is free at once.';
revoke all on function api.delete_chatbot(text, uuid) from public, anon, authenticated;
grant execute on function api.delete_chatbot(text, uuid) to service_role;
--! EndIncluded schemas/functions/delete_chatbot.sql

--! Included schemas/functions/delete_conversation.sql
-- delete_conversation deletes a conversation with its messages. What they used stays used: counters do not go back.
--
-- Returns: one row: deleted (false = it was not there)
-- Locks:   the conversation and its messages until commit. Idempotent.
create or replace function api.delete_conversation(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, out deleted boolean
)
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id;
  deleted := found;
end
$$;

comment on function api.delete_conversation(text, uuid, uuid) is
  'Deletes a conversation with its messages; what they used stays used.';
revoke all on function api.delete_conversation(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.delete_conversation(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/delete_conversation.sql

--! Included schemas/functions/delete_document.sql
-- delete_document deletes a document of a chatbot; its space is free at once.
--
-- Returns: one row: deleted (false = it was not there), and the gauge storage_bytes after it
-- Locks:   the document and the gauge until commit. Idempotent.
create or replace function api.delete_document(
  p_account_id text, p_chatbot_id uuid, p_document_id uuid,
  out deleted boolean, out used bigint, out quota bigint, out remaining bigint
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from app.documents d
  where d.account_id = p_account_id and d.chatbot_id = p_chatbot_id and d.id = p_document_id;
  deleted := found;
  select coalesce(c.used, 0), e.quota into used, quota
  from app.entitlement(p_account_id, 'storage_bytes') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity';
  remaining := app.remaining(quota, used);
end
$$;

comment on function api.delete_document(text, uuid, uuid) is
  'Deletes a document; its space is free at once.';
revoke all on function api.delete_document(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.delete_document(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/delete_document.sql

--! Included schemas/functions/finish_answer.sql
-- finish_answer stores an answer and settles what it cost, in one transaction: a failed one nothing, a stopped one what
-- was streamed (nothing, if it was stopped before its first word), a complete one its real number of tokens.
--
-- Args:    p_status         complete, stopped or failed
--          p_citations      array of {documentId, documentName, place}, as given to the reader
--          p_input_tokens,
--          p_output_tokens  the real numbers, or the count of what was streamed; ignored when failed
--          p_error          why it failed, for the owner; no provider text
-- Returns: one row: the status stored, what was charged, and the decision on messages; no row for an unknown answer.
--          An answer that is finished already (also by the sweeper) stays as it is.
-- Errors:  PY004 status
-- Locks:   the message, its reservations and their counters until commit. Idempotent.
create or replace function api.finish_answer(
  p_account_id text, p_message_id uuid, p_status text, p_content text, p_citations jsonb default '[]',
  p_input_tokens bigint default 0, p_output_tokens bigint default 0, p_error text default null
)
returns table (
  status text, charged_messages bigint, charged_tokens bigint, used bigint, quota bigint, remaining bigint, resets_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_reservation record;
  v_reserved text;
  v_request_ids text[] := array['answer:' || p_message_id || ':api_calls', 'answer:' || p_message_id || ':llm_tokens',
                                'answer:' || p_message_id || ':messages'];
  -- Stopped before its first word, an answer streamed nothing.
  v_is_free boolean := p_status = 'failed' or (p_status = 'stopped' and coalesce(p_output_tokens, 0) = 0);
  v_input_tokens bigint := least(500000000, greatest(0, coalesce(p_input_tokens, 0)));
  v_output_tokens bigint := least(500000000, greatest(0, coalesce(p_output_tokens, 0)));
begin
  if p_status is null or p_status not in ('complete', 'stopped', 'failed') then
    raise exception 'status must be complete, stopped or failed' using errcode = 'PY004';
  end if;
  select m.status into status from app.messages m where m.account_id = p_account_id and m.id = p_message_id for update;
  -- All of them at once, so that the sweeper cannot take one from under us.
  perform from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = any (v_request_ids)
  order by r.request_id
  for update;
  select r.status into v_reserved from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':messages';
  if not found then
    return;
  end if;

  -- A message that is gone was deleted with its chatbot while the answer streamed: it is settled all the same, once.
  status := coalesce(status, case v_reserved when 'open' then 'streaming' when 'settled' then 'complete' else 'failed' end);
  if status = 'streaming' then
    status := p_status;
    update app.messages m
    set status = p_status, content = coalesce(p_content, ''), citations = coalesce(p_citations, '[]'), error = p_error,
        input_tokens = case when p_status <> 'failed' then v_input_tokens end,
        output_tokens = case when p_status <> 'failed' then v_output_tokens end,
        finished_at = app.clock()
    where m.account_id = p_account_id and m.id = p_message_id;

    for v_reservation in
      select r.request_id, r.metric from app.usage_reservations r
      where r.account_id = p_account_id and r.status = 'open'
        and r.request_id = any (v_request_ids)
      order by r.metric
    loop
      perform api.settle_usage(p_account_id, v_reservation.request_id,
        case when v_is_free then 0 when v_reservation.metric = 'llm_tokens' then v_input_tokens + v_output_tokens else 1 end);
    end loop;
  end if;

  select r.settled into charged_messages from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':messages';
  select r.settled into charged_tokens from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':llm_tokens';
  select coalesce(c.used, 0), e.quota, e.resets_at into used, quota, resets_at
  from app.entitlement(p_account_id, 'messages') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'messages' and c.window_start = e.window_start;
  remaining := app.remaining(quota, used);
  return next;
end
$$;

comment on function api.finish_answer(text, uuid, text, text, jsonb, bigint, bigint, text) is
  'Stores an answer and settles what it cost: a failed one nothing, a stopped one what was streamed.';
revoke all on function api.finish_answer(text, uuid, text, text, jsonb, bigint, bigint, text) from public, anon, authenticated;
grant execute on function api.finish_answer(text, uuid, text, text, jsonb, bigint, bigint, text) to service_role;
--! EndIncluded schemas/functions/finish_answer.sql

--! Included schemas/functions/list_chatbots.sql
-- list_chatbots lists an account's chatbots, newest first, a page at a time.
--
-- Args:    p_limit                1 to 100
--          p_before_created_at,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: the chatbots with the number and size of their documents
-- Errors:  PY004 limit
create or replace function api.list_chatbots(
  p_account_id text, p_limit integer default 50, p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  with page as (
    select b.id from app.chatbots b
    where b.account_id = p_account_id
      and (p_before_created_at is null or (b.created_at, b.id) < (p_before_created_at, p_before_id))
    order by b.created_at desc, b.id desc
    limit p_limit
  )
  select r.* from page cross join lateral app.chatbot_rows(p_account_id, page.id) r
  order by r.created_at desc, r.chatbot_id desc;
end
$$;

comment on function api.list_chatbots(text, integer, timestamptz, uuid) is
  'Lists an account''s chatbots, newest first, a page at a time.';
revoke all on function api.list_chatbots(text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_chatbots(text, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_chatbots.sql

--! Included schemas/functions/list_conversations.sql
-- list_conversations lists a chatbot's conversations, the last used first, a page at a time.
--
-- Args:    p_limit                1 to 100
--          p_before_updated_at,
--          p_before_id            the last row of the page before; null = the first page
-- Errors:  PY004 limit
create or replace function api.list_conversations(
  p_account_id text, p_chatbot_id uuid, p_limit integer default 50,
  p_before_updated_at timestamptz default null, p_before_id uuid default null
)
returns table (
  conversation_id uuid, chatbot_id uuid, title text, channel text, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select c.id, c.chatbot_id, c.title, c.channel, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id
    and (p_before_updated_at is null or (c.updated_at, c.id) < (p_before_updated_at, p_before_id))
  order by c.updated_at desc, c.id desc
  limit p_limit;
end
$$;

comment on function api.list_conversations(text, uuid, integer, timestamptz, uuid) is
  'Lists a chatbot''s conversations, the last used first, a page at a time.';
revoke all on function api.list_conversations(text, uuid, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_conversations(text, uuid, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_conversations.sql

--! Included schemas/functions/list_documents.sql
-- list_documents lists a chatbot's documents, newest first, a page at a time.
--
-- Args:    as for list_chatbots
-- Returns: the documents, without their text
-- Errors:  PY004 limit
create or replace function api.list_documents(
  p_account_id text, p_chatbot_id uuid, p_limit integer default 50,
  p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  document_id uuid, chatbot_id uuid, name text, media_type text, size_bytes bigint, passage_count integer, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select d.id, d.chatbot_id, d.name, d.media_type, d.size_bytes, d.passage_count, d.created_at
  from app.documents d
  where d.account_id = p_account_id and d.chatbot_id = p_chatbot_id
    and (p_before_created_at is null or (d.created_at, d.id) < (p_before_created_at, p_before_id))
  order by d.created_at desc, d.id desc
  limit p_limit;
end
$$;

comment on function api.list_documents(text, uuid, integer, timestamptz, uuid) is
  'Lists a chatbot''s documents, newest first, a page at a time.';
revoke all on function api.list_documents(text, uuid, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_documents(text, uuid, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_documents.sql

--! Included schemas/functions/list_messages.sql
-- list_messages lists a conversation's messages, newest first, a page at a time; also the answer being streamed.
--
-- Args:    p_limit         1 to 100
--          p_before_place  the place of the last row of the page before; null = the first page
-- Errors:  PY004 limit
create or replace function api.list_messages(
  p_account_id text, p_conversation_id uuid, p_limit integer default 50, p_before_place bigint default null
)
returns table (
  message_id uuid, place bigint, role text, status text, content text, citations jsonb,
  input_tokens bigint, output_tokens bigint, error text, created_at timestamptz, finished_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select m.id, m.place, m.role, m.status, m.content, m.citations,
         m.input_tokens, m.output_tokens, m.error, m.created_at, m.finished_at
  from app.messages m
  where m.account_id = p_account_id and m.conversation_id = p_conversation_id
    and (p_before_place is null or m.place < p_before_place)
  order by m.place desc
  limit p_limit;
end
$$;

comment on function api.list_messages(text, uuid, integer, bigint) is
  'Lists a conversation''s messages, newest first, a page at a time.';
revoke all on function api.list_messages(text, uuid, integer, bigint) from public, anon, authenticated;
grant execute on function api.list_messages(text, uuid, integer, bigint) to service_role;
--! EndIncluded schemas/functions/list_messages.sql

--! Included schemas/functions/list_plans.sql
-- list_plans lists the plans and what each gives of every metric.
--
-- Returns: one row per plan and metric, in catalog order; quota null = unlimited
create or replace function api.list_plans()
returns table (plan text, name text, "position" integer, metric text, kind text, unit text, title text, quota bigint)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select p.plan, p.name, p.position, m.metric, m.kind, m.unit, m.title, q.quota
  from app.plans p
  cross join app.metrics m
  cross join lateral app.quota_of(p.plan, m.metric) as q (quota)
  order by p.position, m.position, m.metric;
end
$$;

comment on function api.list_plans() is
  'The plans and what each gives of every metric, from the smallest to the largest.';
revoke all on function api.list_plans() from public, anon, authenticated;
grant execute on function api.list_plans() to service_role;
--! EndIncluded schemas/functions/list_plans.sql

--! Included schemas/functions/read_account.sql
-- read_account tells an account's plan in force, its subscription and its current window; makes it on its first use.
--
-- Args:    p_account_id  Clerk user or organization id
-- Returns: one row. plan is the plan in force; subscribed_plan what the subscription is for (null without one); status
--          'none' without a subscription; grace_ends_at when past due; times in UTC
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_account(p_account_id text)
returns table (
  account_id text,
  plan text,
  plan_name text,
  subscribed_plan text,
  status text,
  processor text,
  subscription_id text,
  window_start timestamptz,
  window_end timestamptz,
  period_end timestamptz,
  cancels_at timestamptz,
  grace_ends_at timestamptz,
  created_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (select from app.accounts a where a.account_id = p_account_id) then
    perform app.ensure_account(p_account_id);
  end if;
  return query
  select a.account_id, p.plan, p.name, s.plan, coalesce(s.status, 'none'), s.processor, s.subscription_id,
         w.window_start, w.window_end, s.period_end, s.cancels_at,
         case when s.status = 'past_due' then a.plan_ends_at end, a.created_at
  from app.accounts a
  join app.plans p on p.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
  cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from)) w
  left join lateral app.subscription_to_show(a.account_id) s on true
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_account(text) is
  'Tells an account''s plan in force, its subscription and its current window; makes the account on its first use.';
revoke all on function api.read_account(text) from public, anon, authenticated;
grant execute on function api.read_account(text) to service_role;
--! EndIncluded schemas/functions/read_account.sql

--! Included schemas/functions/read_chatbot.sql
-- read_chatbot reads one chatbot.
--
-- Returns: the chatbot with the number and size of its documents; no row where it is not the account's
create or replace function api.read_chatbot(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_chatbot_id is not null then
    return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r;
  end if;
end
$$;

comment on function api.read_chatbot(text, uuid) is
  'One chatbot of an account; no row where it is not the account''s.';
revoke all on function api.read_chatbot(text, uuid) from public, anon, authenticated;
grant execute on function api.read_chatbot(text, uuid) to service_role;
--! EndIncluded schemas/functions/read_chatbot.sql

--! Included schemas/functions/read_conversation.sql
-- read_conversation reads one conversation.
--
-- Returns: the conversation; no row where it is not the account's or not the chatbot's
create or replace function api.read_conversation(p_account_id text, p_chatbot_id uuid, p_conversation_id uuid)
returns table (
  conversation_id uuid, chatbot_id uuid, title text, channel text, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select c.id, c.chatbot_id, c.title, c.channel, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id;
end
$$;

comment on function api.read_conversation(text, uuid, uuid) is
  'One conversation of a chatbot; no row where it is not the account''s.';
revoke all on function api.read_conversation(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.read_conversation(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/read_conversation.sql

--! Included schemas/functions/read_message.sql
-- read_message reads one message.
--
-- Returns: the message as list_messages gives it; no row where it is not the account's or not the conversation's
create or replace function api.read_message(p_account_id text, p_conversation_id uuid, p_message_id uuid)
returns table (
  message_id uuid, place bigint, role text, status text, content text, citations jsonb,
  input_tokens bigint, output_tokens bigint, error text, created_at timestamptz, finished_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select m.id, m.place, m.role, m.status, m.content, m.citations,
         m.input_tokens, m.output_tokens, m.error, m.created_at, m.finished_at
  from app.messages m
  where m.account_id = p_account_id and m.conversation_id = p_conversation_id and m.id = p_message_id;
end
$$;

comment on function api.read_message(text, uuid, uuid) is
  'One message of a conversation; no row where it is not the account''s.';
revoke all on function api.read_message(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.read_message(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/read_message.sql

--! Included schemas/functions/read_usage.sql
-- read_usage tells what an account has used of every metric, and what its plan in force gives: what meters show is what
-- decide_usage decides by.
--
-- Args:    p_account_id  Clerk user or organization id; made on first use
-- Returns: one row per metric in catalog order; quota and remaining null = unlimited; resets_at null = a gauge
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_usage(p_account_id text)
returns table (
  metric text,
  kind text,
  unit text,
  title text,
  used bigint,
  quota bigint,
  remaining bigint,
  window_start timestamptz,
  resets_at timestamptz,
  plan text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (select from app.accounts a where a.account_id = p_account_id) then
    perform app.ensure_account(p_account_id);
  end if;
  return query
  select m.metric, m.kind, m.unit, m.title, coalesce(c.used, 0), e.quota, app.remaining(e.quota, coalesce(c.used, 0)),
         nullif(e.window_start, '-infinity'), e.resets_at, e.plan
  from app.metrics m
  cross join lateral app.entitlement(p_account_id, m.metric) e
  left join app.counters c on c.account_id = p_account_id and c.metric = m.metric and c.window_start = e.window_start
  order by m.position, m.metric;
end
$$;

comment on function api.read_usage(text) is
  'Tells what an account has used of every metric in its current windows, and what its plan in force gives.';
revoke all on function api.read_usage(text) from public, anon, authenticated;
grant execute on function api.read_usage(text) to service_role;
--! EndIncluded schemas/functions/read_usage.sql

--! Included schemas/functions/record_billing_event.sql
-- record_billing_event takes one verified delivery in: inbox row, order by the provider's clock, and effect, in one
-- transaction. However often and in whatever order events come, the state they leave is the same.
--
-- Args:    p_account_id      the account the event names; null = not known from the event
--          p_event_id        the processor's id of the event: one row of the inbox, whatever is delivered again
--          p_kind            link, state, payment; ignored or rejected for what has no effect
--          p_event_rank      0 created, 1 payment, 2 updated, 3 ended: orders events of one instant
--          p_price_ids, p_period_starts, p_period_ends   the items, entry by entry
--          p_payload         the body as received
--          p_reason          why it is ignored or rejected
--          p_is_retry        our own retry, not a delivery
-- Returns: one row. outcome
--            processed  its effect is in force      stale      it is older than what is known; noted
--            duplicate  it was taken in before      ignored    no effect, by type
--            failed     the effect failed, last_error tells (PY413: its account is not known yet, the link will wake it;
--                       PY412: its price is not known, upsert_price will wake it); retried with growing pauses
--            dead       failed ten times, not to be retried until replayed or woken
--          tie = another state of the same instant exists: fetch the subscription and record what it is
--          linked = deliveries that waited for this link are due now
--          last_error also tells where a processed event names another account than its subscription belongs to
-- Errors:  PY004 argument. A deadlock or serialization failure is raised, for the caller to repeat; any other fault of the
--          effect is kept on the inbox row.
-- Locks:   the ids of customer and subscription, the inbox row, then the account, until commit. Idempotent per (processor, event id).
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
  p_is_retry boolean default false
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
  v_item record;
  v_account_id text;
begin
  if p_kind is null or p_kind not in ('link', 'state', 'payment', 'ignored', 'rejected') then
    raise exception 'kind must be link, state, payment, ignored or rejected' using errcode = 'PY004';
  end if;
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
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

  -- Between "not known yet" and noting that, a link must not slip in unseen: whoever links an id waits for whoever looks it up.
  -- Taken before the inbox row, which a link may have to wake.
  perform pg_advisory_xact_lock(hashtextextended(p_processor || ':' || o, 0))
  from unnest(array[p_customer_id, p_subscription_id]) o
  where o is not null
  order by o;

  -- The conflict makes a second delivery wait for the first one's transaction, and then see its outcome.
  insert into app.webhook_events as e
    (processor, id, event_type, status, account_id, customer_id, subscription_id, occurred_at, payload, payload_sha256, created_at)
  values (p_processor, p_event_id, p_event_type, 'received', nullif(p_account_id, ''), p_customer_id, p_subscription_id, p_occurred_at,
          p_payload, encode(sha256(convert_to(p_payload, 'UTF8')), 'hex'), v_now)
  on conflict (processor, id) do update
  set deliveries = e.deliveries + case when p_is_retry then 0 else 1 end,
      -- What is about to be applied is what is kept.
      payload = case when e.status = 'failed' then excluded.payload else e.payload end,
      payload_sha256 = case when e.status = 'failed' then excluded.payload_sha256 else e.payload_sha256 end
  returning e.status, e.attempts, e.account_id, e.subscription_id, e.last_error into v_row;

  tie := false;
  linked := false;
  subscription_id := p_subscription_id;
  if v_row.status in ('processed', 'ignored', 'dead') then
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
      -- A customer may pay for several accounts. A payment says nothing else, and so waits for its subscription's state.
      v_account_id := app.account_of_event(p_account_id, p_processor, p_subscription_id,
                                           case when p_kind <> 'payment' then p_customer_id end);
      if v_account_id is null then
        raise exception 'no account is known yet for this customer or subscription' using errcode = 'PY413';
      end if;
      perform app.ensure_account(v_account_id);
      -- FOR UPDATE would also wait for foreign key checks, of transactions that hold counters this one comes to need.
      perform from app.accounts a where a.account_id = v_account_id for no key update;
      linked := app.link_account(v_account_id, p_processor, p_event_id, array[p_customer_id, p_subscription_id]);
      outcome := 'processed';
      if v_account_id <> nullif(p_account_id, '') then
        last_error := format('names account %s, but its subscription belongs to %s, where it was applied', p_account_id, v_account_id);
      end if;

      if p_kind in ('state', 'payment') then
        select i.price_id, i.period_start, i.period_end, pp.plan into v_item
        from unnest(p_price_ids, p_period_starts, p_period_ends) with ordinality as i (price_id, period_start, period_end, place)
        left join app.processor_prices pp on pp.processor = p_processor and pp.price_id = i.price_id
        left join app.plans p on p.plan = pp.plan
        order by p.position desc nulls last, i.place
        limit 1;
        if v_item.price_id is not null and v_item.plan is null
           and (p_payment = 'paid' or p_status in ('trialing', 'active', 'past_due')) then
          raise exception 'unknown price % of %: tell which plan it is with upsert_price', v_item.price_id, p_processor
            using errcode = 'PY412';
        end if;

        insert into app.subscription_events
          (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, payment, plan, price_id,
           period_start, period_end, cancels_at, amount_minor, currency, created_at)
        values (v_account_id, p_processor, p_subscription_id, p_event_id, p_occurred_at, p_event_rank, p_status, p_payment,
                v_item.plan, v_item.price_id,
                case when v_item.period_end > v_item.period_start then v_item.period_start end,
                case when v_item.period_end > v_item.period_start then v_item.period_end end,
                p_cancels_at, p_amount_minor, p_currency, v_now)
        on conflict do nothing;
        perform app.fold_subscription(v_account_id, p_processor, p_subscription_id);
        perform app.apply_subscriptions(v_account_id);

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

comment on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean) is
  'Takes one verified delivery in: inbox row, order by the provider''s clock, and effect, in one transaction.';
revoke all on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean) from public, anon, authenticated;
grant execute on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean) to service_role;
--! EndIncluded schemas/functions/record_billing_event.sql

--! Included schemas/functions/release_expired_reservations.sql
-- release_expired_reservations gives back what open reservations past their expiry hold, and fails the answers they were
-- for. Several sweepers may run at once: each takes reservations no other has.
--
-- Args:    p_limit  at most this many in one call, 1 to 1,000
-- Returns: one row per reservation released; released is what had been reserved
-- Errors:  PY004 limit
-- Locks:   message, reservation and counter of each, until commit; skips what is locked. Idempotent.
create or replace function api.release_expired_reservations(p_limit integer default 100)
returns table (account_id text, request_id text, metric text, released bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_expired record;
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'limit must be from 1 to 1000' using errcode = 'PY004';
  end if;
  for v_expired in
    -- The longest expired, but released in the order in which everybody locks counters.
    select page.*
    from (
      select r.account_id, r.request_id, r.metric, r.reserved, r.message_id
      from app.usage_reservations r
      where r.status = 'open' and r.expires_at <= app.clock()
      order by r.expires_at
      limit p_limit
    ) page
    order by page.account_id, page.metric, page.request_id
  loop
    -- The message first, as finish_answer does it: whoever holds it is settling at this moment.
    if v_expired.message_id is not null then
      perform from app.messages m
      where m.account_id = v_expired.account_id and m.id = v_expired.message_id
      for update skip locked;
      if not found and exists (select from app.messages m
                               where m.account_id = v_expired.account_id and m.id = v_expired.message_id) then
        continue;
      end if;
    end if;
    perform from app.usage_reservations r
    where r.account_id = v_expired.account_id and r.request_id = v_expired.request_id and r.status = 'open'
    for update skip locked;
    continue when not found;

    perform api.settle_usage(v_expired.account_id, v_expired.request_id, 0);
    update app.messages m
    set status = 'failed', error = 'the answer was interrupted', finished_at = app.clock()
    where m.account_id = v_expired.account_id and m.id = v_expired.message_id and m.status = 'streaming';

    account_id := v_expired.account_id;
    request_id := v_expired.request_id;
    metric := v_expired.metric;
    released := v_expired.reserved;
    return next;
  end loop;
end
$$;

comment on function api.release_expired_reservations(integer) is
  'Gives back what open reservations past their expiry hold, and fails the answers they were for: what a crash left.';
revoke all on function api.release_expired_reservations(integer) from public, anon, authenticated;
grant execute on function api.release_expired_reservations(integer) to service_role;
--! EndIncluded schemas/functions/release_expired_reservations.sql

--! Included schemas/functions/replay_webhook_event.sql
-- replay_webhook_event makes a failed or dead delivery due at once, with a fresh count of attempts. One that was
-- processed or ignored is left alone: it cannot apply twice.
--
-- Returns: one row, the status it has now; no row for an unknown delivery
-- Locks:   the row until commit. Idempotent.
create or replace function api.replay_webhook_event(p_processor text, p_event_id text)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  where e.processor = p_processor and e.id = p_event_id and e.status in ('failed', 'dead');
  return query
  select e.status from app.webhook_events e where e.processor = p_processor and e.id = p_event_id;
end
$$;

comment on function api.replay_webhook_event(text, text) is
  'Makes a failed or dead delivery due at once, with all its attempts before it.';
revoke all on function api.replay_webhook_event(text, text) from public, anon, authenticated;
grant execute on function api.replay_webhook_event(text, text) to service_role;
grant execute on function api.replay_webhook_event(text, text) to operator;
--! EndIncluded schemas/functions/replay_webhook_event.sql

--! Included schemas/functions/reserve_usage.sql
-- reserve_usage charges an estimate before the work is done; settle_usage turns it into the real number afterwards, and
-- release_expired_reservations gives back what a crash left open.
--
-- Args:    p_amount              the estimate, an upper bound: what settles above it is charged only as far as the quota goes
--          p_request_id          names the reservation, unique per account among all request ids
--          p_expires_in_seconds  1 to 86,400
--          the others            as for check_and_increment_usage
-- Returns: one row, as check_and_increment_usage
-- Errors:  as check_and_increment_usage; PY004 also for a missing request id or an expiry out of range
-- Locks:   the counter until commit. Idempotent per (account, request id).
create or replace function api.reserve_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_request_id text,
  p_expires_in_seconds integer default 900,
  p_chatbot_id uuid default null,
  p_conversation_id uuid default null,
  p_channel text default null,
  p_operation text default null,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api, not %', quote_literal(p_channel) using errcode = 'PY004';
  end if;
  select r.allowed, r.used, r.quota, r.remaining, r.resets_at, r.plan, r.replayed
  into allowed, used, quota, remaining, resets_at, plan, replayed
  from app.reserve(p_account_id, p_metric, p_amount, p_request_id, p_expires_in_seconds, null,
                   p_chatbot_id, p_conversation_id, p_channel, p_operation) r;
end
$$;

comment on function api.reserve_usage(text, text, bigint, text, integer, uuid, uuid, text, text) is
  'Charges an estimate before the work is done, to be settled to the real number after it; an open reservation is released when it expires.';
revoke all on function api.reserve_usage(text, text, bigint, text, integer, uuid, uuid, text, text) from public, anon, authenticated;
grant execute on function api.reserve_usage(text, text, bigint, text, integer, uuid, uuid, text, text) to service_role;
--! EndIncluded schemas/functions/reserve_usage.sql

--! Included schemas/functions/schema_version.sql
-- schema_version tells the newest migration this database has, so that a server can refuse one it does not fit.
--
-- Returns: one row; version yyyymmddhhmmss, null where the database was not built by migrations
create or replace function api.schema_version(out version text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute 'select max(version) from supabase_migrations.schema_migrations' into version;
  end if;
end
$$;

comment on function api.schema_version() is
  'The newest migration this database has; null where none was recorded.';
revoke all on function api.schema_version() from public, anon, authenticated;
grant execute on function api.schema_version() to service_role;
grant execute on function api.schema_version() to operator;
--! EndIncluded schemas/functions/schema_version.sql

--! Included schemas/functions/search_passages.sql
-- search_passages finds the passages of a chatbot's documents that answer a question best.
--
-- Args:    p_query  the question, any text; its first 64 distinct words count, stop words do not
--          p_limit  1 to 50
-- Returns: passages with at least half of the question's words (three are enough), best first; none is an answer too
-- Errors:  PY004 limit
create or replace function api.search_passages(p_account_id text, p_chatbot_id uuid, p_query text, p_limit integer default 6)
returns table (document_id uuid, document_name text, place integer, content text, score double precision)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_words text[];
  v_query tsquery;
begin
  if p_limit is null or p_limit not between 1 and 50 then
    raise exception 'limit must be from 1 to 50' using errcode = 'PY004';
  end if;
  select array_agg(w.lexeme order by w.positions[1]) into v_words
  from unnest(to_tsvector('pg_catalog.english', coalesce(p_query, ''))) w;
  v_words := (coalesce(v_words, '{}'))[1:64];
  if cardinality(v_words) = 0 then
    return;
  end if;
  select string_agg('''' || replace(replace(w, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery into v_query from unnest(v_words) w;

  return query
  select d.id, d.name, p.place, p.content, (p.found + p.rank)::double precision
  from (
    select x.document_id, x.place, x.content,
           cardinality(array(select unnest(tsvector_to_array(x.words)) intersect select unnest(v_words))) as found,
           ts_rank_cd(x.words, v_query, 32) as rank
    from app.passages x
    where x.account_id = p_account_id and x.chatbot_id = p_chatbot_id and x.words @@ v_query
  ) p
  join app.documents d on d.account_id = p_account_id and d.id = p.document_id
  where p.found >= least(3, ceil(cardinality(v_words) / 2.0))
  order by p.found desc, p.rank desc, d.created_at desc, p.place
  limit p_limit;
end
$$;

comment on function api.search_passages(text, uuid, text, integer) is
  'Finds the passages of a chatbot''s documents that answer a question best; none where too few of its words occur.';
revoke all on function api.search_passages(text, uuid, text, integer) from public, anon, authenticated;
grant execute on function api.search_passages(text, uuid, text, integer) to service_role;
--! EndIncluded schemas/functions/search_passages.sql

--! Included schemas/functions/settle_usage.sql
-- settle_usage turns a reservation into the real number: what was not used is given back into the window that was
-- charged; what was used beyond the estimate is charged as far as the quota goes, the rest is noted as overrun.
--
-- Args:    p_request_id  the reservation
--          p_amount      the real number, 0 to 1,000,000,000; 0 = nothing is charged
-- Returns: one row, as check_and_increment_usage; allowed = false where the reservation had been released before (it
--          stays so: what was said to cost nothing costs nothing, even if the work ends a month later)
-- Errors:  PY003 amount · PY404 no such reservation · PY409 settled before to another number
-- Locks:   the reservation, then the counter, until commit. Idempotent per (account, request id).
create or replace function api.settle_usage(
  p_account_id text,
  p_request_id text,
  p_amount bigint,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_reservation record;
  v_extra bigint := 0;
begin
  if p_amount is null or p_amount not between 0 and 1000000000 then
    raise exception 'amount must be a whole number from 0 to 1000000000, not %', coalesce(p_amount::text, 'null') using errcode = 'PY003';
  end if;
  select r.* into v_reservation from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = p_request_id
  for update;
  if not found then
    raise exception 'no reservation %', coalesce(p_request_id, 'null') using errcode = 'PY404';
  end if;

  replayed := v_reservation.status <> 'open';
  allowed := v_reservation.status <> 'released' or p_amount = 0;
  if v_reservation.status = 'settled' and v_reservation.settled + v_reservation.overrun <> p_amount then
    raise exception 'reservation % was settled to %', p_request_id, v_reservation.settled + v_reservation.overrun using errcode = 'PY409';
  end if;

  if not replayed then
    if p_amount > v_reservation.reserved then
      v_extra := app.charge_up_to_quota(p_account_id, v_reservation.metric, p_amount - v_reservation.reserved,
                                        v_reservation.window_start, p_request_id, v_reservation.chatbot_id,
                                        v_reservation.conversation_id, v_reservation.channel, v_reservation.operation);
    elsif p_amount < v_reservation.reserved then
      perform app.return_usage(p_account_id, v_reservation.metric, v_reservation.reserved - p_amount,
                               v_reservation.window_start, p_request_id,
                               case when p_amount = 0 then 'release' else 'settle' end, v_reservation.chatbot_id,
                               v_reservation.conversation_id, v_reservation.channel, v_reservation.operation);
    end if;
    update app.usage_reservations r
    set status = case when p_amount = 0 then 'released' else 'settled' end,
        settled = least(p_amount, v_reservation.reserved + v_extra),
        overrun = greatest(0, p_amount - v_reservation.reserved - v_extra)
    where r.account_id = p_account_id and r.request_id = p_request_id;
  end if;

  select e.plan, e.quota, case when e.window_start = v_reservation.window_start then e.resets_at end
  into plan, quota, resets_at
  from app.entitlement(p_account_id, v_reservation.metric) e;
  select c.used into used from app.counters c
  where c.account_id = p_account_id and c.metric = v_reservation.metric and c.window_start = v_reservation.window_start;
  remaining := app.remaining(quota, used);
end
$$;

comment on function api.settle_usage(text, text, bigint) is
  'Turns a reservation into the real number: gives back what was not used, charges what was used beyond it as far as the quota goes.';
revoke all on function api.settle_usage(text, text, bigint) from public, anon, authenticated;
grant execute on function api.settle_usage(text, text, bigint) to service_role;
--! EndIncluded schemas/functions/settle_usage.sql

--! Included schemas/functions/stop_answer.sql
-- stop_answer asks for an answer to be stopped; the process that generates it sees the mark and settles.
--
-- Returns: the status of the answer at this moment; no row where there is none of this account and conversation
-- Locks:   the message until commit. Idempotent.
create or replace function api.stop_answer(p_account_id text, p_conversation_id uuid, p_message_id uuid)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  update app.messages m set stop_requested = true
  where m.account_id = p_account_id and m.id = p_message_id and m.conversation_id = p_conversation_id and m.status = 'streaming';
  return query
  select m.status from app.messages m
  where m.account_id = p_account_id and m.id = p_message_id and m.conversation_id = p_conversation_id and m.role = 'assistant';
end
$$;

comment on function api.stop_answer(text, uuid, uuid) is
  'Asks for an answer to be stopped, wherever it is being generated.';
revoke all on function api.stop_answer(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.stop_answer(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/stop_answer.sql

--! Included schemas/functions/sync_chatbot_count.sql
-- sync_chatbot_count finds accounts whose gauge chatbots is not the number of their chatbots, and corrects the gauge by a
-- ledger entry. Triggers keep the two equal; this is for after a restore, or an owner's hand.
--
-- Args:    p_account_id  one account; null = all
--          p_dry_run     only tell, change nothing
-- Returns: one row per account that differed: counted (the gauge) and actual (the rows)
-- Errors:  none
-- Locks:   the gauge of each differing account until commit, taken before its rows are counted: an insert or delete in
--          flight holds that lock, so its row is counted or it comes later. Idempotent.
create or replace function api.sync_chatbot_count(p_account_id text default null, p_dry_run boolean default false)
returns table (account_id text, counted bigint, actual bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_account record;
begin
  for v_account in
    select a.account_id
    from app.accounts a
    left join app.counters c on c.account_id = a.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
    where (p_account_id is null or a.account_id = p_account_id)
      and coalesce(c.used, 0) <> (select count(*) from app.chatbots b where b.account_id = a.account_id)
    order by a.account_id
  loop
    if not p_dry_run then
      insert into app.counters (account_id, metric, window_start, used)
      values (v_account.account_id, 'chatbots', '-infinity', 0)
      on conflict do nothing;
      perform from app.counters c
      where c.account_id = v_account.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
      for update;
    end if;

    select v_account.account_id,
           coalesce((select c.used from app.counters c
                     where c.account_id = v_account.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'), 0),
           (select count(*) from app.chatbots b where b.account_id = v_account.account_id)
    into account_id, counted, actual;
    continue when counted = actual;

    if not p_dry_run then
      update app.counters c set used = sync_chatbot_count.actual
      where c.account_id = v_account.account_id and c.metric = 'chatbots' and c.window_start = '-infinity';
      -- The entry brings the ledger, not the counter it may have drifted from, to what is really there.
      insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason, operation)
      select v_account.account_id, 'chatbots', sync_chatbot_count.actual - l.summed, app.clock(), '-infinity', 'correction',
             'sync_chatbot_count'
      from (
        select coalesce(sum(e.amount), 0)::bigint as summed from app.usage_events e
        where e.account_id = v_account.account_id and e.metric = 'chatbots'
      ) l
      where l.summed <> sync_chatbot_count.actual;
    end if;
    return next;
  end loop;
end
$$;

comment on function api.sync_chatbot_count(text, boolean) is
  'Finds accounts whose gauge chatbots is not the number of their chatbots and, unless it is a dry run, corrects it by a ledger entry.';
revoke all on function api.sync_chatbot_count(text, boolean) from public, anon, authenticated;
grant execute on function api.sync_chatbot_count(text, boolean) to service_role;
grant execute on function api.sync_chatbot_count(text, boolean) to operator;
--! EndIncluded schemas/functions/sync_chatbot_count.sql

--! Included schemas/functions/update_chatbot.sql
-- update_chatbot changes a chatbot's settings.
--
-- Args:    null leaves a setting as it is; p_model '' = the service's default; limits as for create_chatbot
-- Returns: the chatbot after it; no row where it is not the account's
-- Errors:  PY004 argument
-- Locks:   the chatbot until commit. Idempotent.
create or replace function api.update_chatbot(
  p_account_id text, p_chatbot_id uuid, p_name text default null, p_instructions text default null,
  p_welcome_message text default null, p_model text default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if length(p_name) not between 1 and 100 then
    raise exception 'name must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if length(p_instructions) > 8000 then
    raise exception 'instructions must have at most 8000 characters' using errcode = 'PY004';
  end if;
  if length(p_welcome_message) > 500 then
    raise exception 'welcome_message must have at most 500 characters' using errcode = 'PY004';
  end if;
  if length(p_model) > 100 then
    raise exception 'model must have at most 100 characters' using errcode = 'PY004';
  end if;
  update app.chatbots b
  set name = coalesce(p_name, b.name),
      instructions = coalesce(p_instructions, b.instructions),
      welcome_message = coalesce(p_welcome_message, b.welcome_message),
      model = case when p_model is null then b.model else nullif(p_model, '') end,
      updated_at = app.clock()
  where b.account_id = p_account_id and b.id = p_chatbot_id;
  return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r where p_chatbot_id is not null;
end
$$;

comment on function api.update_chatbot(text, uuid, text, text, text, text) is
  'Changes a chatbot''s settings; null leaves one as it is, an empty model means the service''s default.';
revoke all on function api.update_chatbot(text, uuid, text, text, text, text) from public, anon, authenticated;
grant execute on function api.update_chatbot(text, uuid, text, text, text, text) to service_role;
--! EndIncluded schemas/functions/update_chatbot.sql

--! Included schemas/functions/upsert_price.sql
-- upsert_price says which plan a processor's price id means, and wakes the deliveries that failed for not knowing it.
--
-- Args:    p_processor  stripe, paddle or razorpay
--          p_interval   month or year
-- Returns: one row, the price as stored
-- Errors:  PY002 unknown plan · PY004 processor, price id or interval
-- Locks:   the price's row, and those deliveries, until commit. Idempotent.
create or replace function api.upsert_price(p_processor text, p_price_id text, p_plan text, p_interval text)
returns table (processor text, price_id text, plan text, billing_interval text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
  end if;
  if p_interval is null or p_interval not in ('month', 'year') then
    raise exception 'interval must be month or year' using errcode = 'PY004';
  end if;
  if p_price_id is null or length(p_price_id) not between 1 and 255 then
    raise exception 'price_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;

  insert into app.processor_prices (processor, price_id, plan, billing_interval)
  values (p_processor, p_price_id, p_plan, p_interval)
  on conflict (processor, price_id) do update set plan = excluded.plan, billing_interval = excluded.billing_interval;

  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  from (
    select d.processor, d.id from app.webhook_events d
    where d.processor = p_processor and d.status in ('failed', 'dead') and d.last_error like 'PY412%'
      -- Not those that are due already: a price told twice would only make them wait for each other.
      and (d.attempts > 0 or d.next_attempt_at > app.clock())
    order by d.processor, d.id
    for update
  ) waiting
  where e.processor = waiting.processor and e.id = waiting.id;

  return query select p_processor, p_price_id, p_plan, p_interval;
end
$$;

comment on function api.upsert_price(text, text, text, text) is
  'Says which plan and billing interval a processor''s price id means, and wakes the deliveries that failed for not knowing it.';
revoke all on function api.upsert_price(text, text, text, text) from public, anon, authenticated;
grant execute on function api.upsert_price(text, text, text, text) to service_role;
grant execute on function api.upsert_price(text, text, text, text) to operator;
--! EndIncluded schemas/functions/upsert_price.sql

--! Included schemas/functions/validate_plan_change.sql
-- validate_plan_change tells what stands in the way of a plan: the gauges that are above its quota. Counters never do:
-- they start again.
--
-- Args:    p_account_id  need not exist yet
--          p_plan        the plan to change to
-- Returns: one row per blocker: used, the plan's quota, the excess to remove, and the sentence for the owner; none = it fits
-- Errors:  PY002 unknown plan · PY004 account id
-- Locks:   none: the answer may be out of date a moment later. Whoever acts on it asks again under its own lock.
create or replace function api.validate_plan_change(p_account_id text, p_plan text)
returns table (metric text, used bigint, quota bigint, excess bigint, message text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    raise exception 'account_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;
  return query
  select m.metric, c.used, q.quota, c.used - q.quota, format(m.over_quota_message, c.used - q.quota)
  from app.metrics m
  cross join lateral app.quota_of(p_plan, m.metric) as q (quota)
  join app.counters c on c.account_id = p_account_id and c.metric = m.metric and c.window_start = '-infinity'
  where m.kind = 'gauge' and c.used > q.quota
  order by m.position;
end
$$;

comment on function api.validate_plan_change(text, text) is
  'Tells what stands in the way of a plan: one row per gauge that is above the plan''s quota; no row = it fits.';
revoke all on function api.validate_plan_change(text, text) from public, anon, authenticated;
grant execute on function api.validate_plan_change(text, text) to service_role;
--! EndIncluded schemas/functions/validate_plan_change.sql

--! Included schemas/triggers/chatbots_move_gauge.sql
-- chatbots_move_gauge moves the gauge chatbots with the rows, whichever path inserts or deletes them: a function, plain
-- SQL, a cascade. It runs after the row is really there, so that ON CONFLICT DO NOTHING counts nothing.
create or replace function app.chatbots_move_gauge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform app.move_gauge(new.account_id, 'chatbots', 1, new.id);
  else
    perform app.move_gauge(old.account_id, 'chatbots', -1, old.id);
  end if;
  return null;
end
$$;

comment on function app.chatbots_move_gauge() is
  'Trigger: the gauge chatbots moves with the rows, in the same transaction, whichever path inserts or deletes them.';
revoke all on function app.chatbots_move_gauge() from public, anon, authenticated, service_role;
create or replace trigger chatbots_move_gauge after insert or delete on app.chatbots
  for each row execute function app.chatbots_move_gauge();
--! EndIncluded schemas/triggers/chatbots_move_gauge.sql

--! Included schemas/triggers/complete_plan_quotas.sql
-- complete_plan_quotas keeps plan_quotas complete, so that adding a plan or a metric is one row.
create or replace function app.complete_plan_quotas()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- A plan and a metric added at once would each miss the other.
  lock table app.plan_quotas in share row exclusive mode;
  insert into app.plan_quotas (plan, metric, quota)
  select p.plan, m.metric, m.default_quota
  from app.plans p
  cross join app.metrics m
  on conflict (plan, metric) do nothing;
  return null;
end
$$;

comment on function app.complete_plan_quotas() is
  'Trigger: a new plan gets a quota for every metric, a new metric for every plan: the metric''s default.';
revoke all on function app.complete_plan_quotas() from public, anon, authenticated, service_role;
create or replace trigger complete_plan_quotas after insert on app.plans
  for each row execute function app.complete_plan_quotas();
create or replace trigger complete_plan_quotas after insert on app.metrics
  for each row execute function app.complete_plan_quotas();
--! EndIncluded schemas/triggers/complete_plan_quotas.sql

--! Included schemas/triggers/documents_move_gauge.sql
-- documents_move_gauge moves the gauge storage_bytes by the size of the documents that come and go, by whatever path.
create or replace function app.documents_move_gauge()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform app.move_gauge(new.account_id, 'storage_bytes', new.size_bytes, new.chatbot_id);
  else
    perform app.move_gauge(old.account_id, 'storage_bytes', -old.size_bytes, old.chatbot_id);
  end if;
  return null;
end
$$;

comment on function app.documents_move_gauge() is
  'Trigger: the gauge storage_bytes moves with the documents, in the same transaction, whichever path inserts or deletes them.';
revoke all on function app.documents_move_gauge() from public, anon, authenticated, service_role;
create or replace trigger documents_move_gauge after insert or delete on app.documents
  for each row execute function app.documents_move_gauge();
--! EndIncluded schemas/triggers/documents_move_gauge.sql

--! Included schemas/triggers/make_account_first.sql
-- make_account_first makes the account of a new row on its first use, also for plain SQL.
create or replace function app.make_account_first()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.ensure_account(new.account_id);
  return new;
end
$$;

comment on function app.make_account_first() is
  'Trigger: makes the account of a new row on its first use, so that plain SQL may insert without knowing of it.';
revoke all on function app.make_account_first() from public, anon, authenticated, service_role;
create or replace trigger make_account_first before insert on app.chatbots
  for each row execute function app.make_account_first();
--! EndIncluded schemas/triggers/make_account_first.sql

--! Included schemas/triggers/refuse_change.sql
-- refuse_change refuses an UPDATE, DELETE or TRUNCATE with the sentence the trigger gives it.
--
-- Errors:  PY411 immutable
create or replace function app.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '%', tg_argv[0] using errcode = 'PY411';
end
$$;

comment on function app.refuse_change() is
  'Trigger: refuses an UPDATE, DELETE or TRUNCATE that would break what triggers keep true (PY411).';
revoke all on function app.refuse_change() from public, anon, authenticated, service_role;
create or replace trigger ledger_is_append_only before update or delete on app.usage_events
  for each row execute function app.refuse_change('the ledger is append-only: write a correction');
create or replace trigger ledger_is_not_truncated before truncate on app.usage_events
  for each statement execute function app.refuse_change('the ledger is append-only: write a correction');
create or replace trigger subscription_events_are_append_only before update or delete on app.subscription_events
  for each row execute function app.refuse_change('what a processor said is append-only');
create or replace trigger subscription_events_are_not_truncated before truncate on app.subscription_events
  for each statement execute function app.refuse_change('what a processor said is append-only');
create or replace trigger chatbots_stay_with_their_account before update of account_id, id on app.chatbots
  for each row when (new.account_id <> old.account_id or new.id <> old.id)
  execute function app.refuse_change('a chatbot keeps its account and its id');
create or replace trigger chatbots_are_not_truncated before truncate on app.chatbots
  for each statement execute function app.refuse_change('delete chatbots instead: the gauge counts them');
create or replace trigger documents_keep_their_size before update of account_id, chatbot_id, size_bytes on app.documents
  for each row when ((new.account_id, new.chatbot_id, new.size_bytes) is distinct from (old.account_id, old.chatbot_id, old.size_bytes))
  execute function app.refuse_change('a document keeps its account, chatbot and size: upload another');
create or replace trigger documents_are_not_truncated before truncate on app.documents
  for each statement execute function app.refuse_change('delete documents instead: the gauge counts them');
--! EndIncluded schemas/triggers/refuse_change.sql

--! Included schemas/views/own_rows.sql
-- What a signed-in user may read through PostgREST with a session token: rows of its own account. The views run with the
-- rights of the reader; the row policies of the tables decide.

create view api.my_chatbots with (security_invoker = true) as
select id as chatbot_id, name, instructions, welcome_message, model, created_at, updated_at from app.chatbots;

create view api.my_documents with (security_invoker = true) as
select id as document_id, chatbot_id, name, media_type, size_bytes, passage_count, created_at from app.documents;

create view api.my_conversations with (security_invoker = true) as
select id as conversation_id, chatbot_id, title, channel, created_at, updated_at from app.conversations;

create view api.my_messages with (security_invoker = true) as
select id as message_id, conversation_id, place, role, status, content, citations, created_at, finished_at from app.messages;

create view api.my_usage_events with (security_invoker = true) as
select id, metric, amount, occurred_at, window_start, reason, chatbot_id, conversation_id, channel, operation from app.usage_events;

comment on view api.my_chatbots is 'The chatbots of the signed-in account.';
comment on view api.my_documents is 'The documents of the signed-in account, without their text.';
comment on view api.my_conversations is 'The conversations of the signed-in account.';
comment on view api.my_messages is 'The messages of the signed-in account.';
comment on view api.my_usage_events is 'The ledger of the signed-in account.';

revoke all on table api.my_chatbots, api.my_documents, api.my_conversations, api.my_messages, api.my_usage_events
  from public, anon, authenticated, service_role;
grant select on table api.my_chatbots, api.my_documents, api.my_conversations, api.my_messages, api.my_usage_events to authenticated;
--! EndIncluded schemas/views/own_rows.sql

--! Included schemas/views/subscriptions.sql
-- subscriptions: one row per account for people at a prompt: plan in force, status, and what is used in the current windows.
create view app.subscriptions with (security_invoker = true) as
select
  a.account_id as user_id,
  case when a.plan_ends_at <= app.clock() then 'free' else a.plan end as plan,
  coalesce(s.status, 'none') as status,
  (
    select jsonb_object_agg(m.metric || '_count', coalesce(c.used, 0))
    from app.metrics m
    left join app.counters c
      on c.account_id = a.account_id and c.metric = m.metric
      and c.window_start = case when m.kind = 'gauge' then '-infinity'::timestamptz else w.window_start end
  ) as usage,
  s.processor,
  s.subscription_id,
  s.plan as subscribed_plan,
  s.period_start,
  s.period_end,
  s.cancels_at,
  case when s.status = 'past_due' then a.plan_ends_at end as grace_ends_at,
  w.window_start,
  w.window_end,
  a.created_at
from app.accounts a
cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from)) w
left join lateral app.subscription_to_show(a.account_id) s on true;

comment on view app.subscriptions is
  'One row per account: plan in force, status (none without a subscription), and usage such as {"chatbots_count": 2, "messages_count": 40}.';
revoke all on table app.subscriptions from public, anon, authenticated, service_role;
grant select on table app.subscriptions to operator;
--! EndIncluded schemas/views/subscriptions.sql
