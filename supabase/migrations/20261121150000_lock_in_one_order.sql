create table app.usage_batches (
  batch_id uuid primary key,
  created_at timestamptz not null,
  error_codes text[] not null,
  error_messages text[] not null,
  allowed boolean[] not null,
  used bigint[] not null,
  quotas bigint[] not null,
  resets_at timestamptz[] not null,
  plans text[] not null,
  replayed boolean[] not null
);

create index usage_batches_oldest on app.usage_batches (created_at);

comment on table app.usage_batches is
  'What a batch was answered, entry by entry, for as long as its sender may ask again because its connection was lost. It belongs to no account: a batch is the affair of whoever sends it.';

alter table app.usage_batches enable row level security;
revoke all on table app.usage_batches from public, anon, authenticated, service_role;
grant select on table app.usage_batches to operator;
create policy operator_reads on app.usage_batches for select to operator using (true);

-- It gains an argument.
drop function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]);

--! Included schemas/internal/answer_of_batch.sql
-- answer_of_batch returns what a batch was answered, for its sender to have again. replayed is as it was then: sending a batch
-- twice is the sender's affair, not that of who asked.
--
-- Returns: as check_and_increment_usage_many; no row for a batch that is not known
create or replace function app.answer_of_batch(p_batch_id uuid)
returns table (
  place integer, error_code text, error_message text, allowed boolean, used bigint, quota bigint, remaining bigint,
  resets_at timestamptz, plan text, replayed boolean
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select e.place::integer, e.error_code, e.error_message, e.allowed, e.used, e.quota, app.remaining(e.quota, e.used),
         e.resets_at, e.plan, e.replayed
  from app.usage_batches b
  cross join lateral unnest(b.error_codes, b.error_messages, b.allowed, b.used, b.quotas, b.resets_at, b.plans, b.replayed)
       with ordinality as e (error_code, error_message, allowed, used, quota, resets_at, plan, replayed, place)
  where b.batch_id = p_batch_id
  order by e.place;
end
$$;

comment on function app.answer_of_batch(uuid) is 'What a batch was answered, for its sender to have again.';
revoke all on function app.answer_of_batch(uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/answer_of_batch.sql

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
--          PY410 the metric moves with its rows, PY415 the account is closed
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
-- A plan made while a table was empty outlives that: it must not be one that reads the whole table.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_account record;
  v_first record;
  v_window record;
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

    select a.plan as granted_plan, a.plan_ends_at, a.anchor, a.counts_from, a.anchor_offset, a.pending_plan, a.closed_at,
           e.plan as plan_in_force, m.kind, m.counts_rows,
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

    if v_account.closed_at is not null then
      error_code := 'PY415';
      error_message := 'the account is closed';
      return;
    end if;

    plan := v_account.plan_in_force;
    quota := v_account.quota;
    if v_account.pending_plan is not null and v_account.kind = 'gauge' then
      -- A downgrade is scheduled: what fits today must fit then. (least passes over nulls: unlimited is above all.)
      quota := least(quota, app.quota_of(v_account.pending_plan, p_metric));
    end if;
    replayed := false;
    if v_account.kind = 'gauge' then
      window_start := '-infinity';
      resets_at := null;
    else
      -- (As an expression: a query would cost twice as much.)
      v_window := app.window_at(v_account.anchor, greatest(v_now, v_account.counts_from), v_account.anchor_offset);
      window_start := v_window.window_start;
      resets_at := v_window.window_end;
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
        and a.anchor_offset = v_account.anchor_offset and a.counts_from = v_account.counts_from
        and a.plan_ends_at is not distinct from v_account.plan_ends_at
        and a.pending_plan is not distinct from v_account.pending_plan and a.closed_at is null
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

--! Included schemas/internal/decide_usage_at_once.sql
-- decide_usage_at_once decides a batch in a few statements instead of one by one, wherever that comes to the same: the
-- requests on one counter are all granted, or none of them fits. Anything else is left to decide_usage: it raises, and the
-- caller takes the batch back and decides one by one. Never part of it here and the rest there: the counters would be
-- locked in two orders.
--
-- Args:    arrays of one length: entries that are valid in themselves, on metrics that exist and do not count rows;
--          p_request_ids may hold nulls
-- Returns: one row per entry, its decision; used = the counter after this entry, as if they had come one after the other
-- Errors:  PY998 a counter is not there: open_windows first, then again
--          PY999 decide one by one: a request id is known or used twice, some but not all fit, an account is closed or
--          changed meanwhile, a count would overflow
-- Locks:   the counters charged (with request ids: all), in the order (account, metric), until commit; then the request ids
create or replace function app.decide_usage_at_once(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[],
  p_chatbot_ids uuid[], p_conversation_ids uuid[], p_channels text[], p_operations text[]
)
returns table (place integer, allowed boolean, used bigint, quota bigint, resets_at timestamptz, plan text)
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_accounts text[];
  v_metrics text[];
  v_totals bigint[];
  v_smallest bigint[];
  v_states app.accounts[];
  v_plans text[];
  v_quotas bigint[];
  v_windows timestamptz[];
  v_ends timestamptz[];
  v_used bigint[];
  v_allowed boolean[];
  v_locked bigint;
  v_noted bigint;
begin
  -- What is looked at below must be what others committed meanwhile.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'quotas are decided under READ COMMITTED, not %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;

  -- The counters asked for, in the order in which everybody locks them.
  select array_agg(k.account_id), array_agg(k.metric), array_agg(k.total), array_agg(k.smallest)
  into v_accounts, v_metrics, v_totals, v_smallest
  from (
    select e.account_id, e.metric, sum(e.amount)::bigint as total, min(e.amount) as smallest
    from unnest(p_account_ids, p_metrics, p_amounts) as e (account_id, metric, amount)
    group by e.account_id, e.metric
    order by e.account_id, e.metric
  ) k;

  -- Plan, quota and window of each.
  select array_agg(a order by k.place), array_agg(p.plan order by k.place),
         array_agg(case when m.kind = 'gauge' and a.pending_plan is not null
                        -- A downgrade is scheduled: what fits today must fit then. (least passes over nulls.)
                        then least(q.quota, app.quota_of(a.pending_plan, k.metric))
                        -- Only a row that says so makes a metric unlimited.
                        when q.plan is null then 0
                        else q.quota end order by k.place),
         array_agg(case when m.kind = 'gauge' then '-infinity' else w.window_start end order by k.place),
         array_agg(case when m.kind = 'counter' then w.window_end end order by k.place)
  into v_states, v_plans, v_quotas, v_windows, v_ends
  from unnest(v_accounts, v_metrics) with ordinality as k (account_id, metric, place)
  join app.metrics m on m.metric = k.metric
  join app.accounts a on a.account_id = k.account_id and a.closed_at is null
  cross join lateral (select case when a.plan_ends_at <= v_now then 'free' else a.plan end as plan) p
  cross join lateral app.window_at(a.anchor, greatest(v_now, a.counts_from), a.anchor_offset) w
  left join app.plan_quotas q on q.plan = p.plan and q.metric = k.metric;
  if cardinality(v_states) is distinct from cardinality(v_accounts) then
    if exists (select from app.accounts a where a.account_id = any (v_accounts) and a.closed_at is not null) then
      raise exception 'an account is closed' using errcode = 'PY999';
    end if;
    raise exception 'an account is new' using errcode = 'PY998';
  end if;

  -- Two batches that share request ids, in different orders, must not meet there: a refusal holds no counter otherwise.
  if exists (select from unnest(p_request_ids) r where r is not null) then
    perform from unnest(v_accounts, v_metrics, v_windows) as k (account_id, metric, window_start)
    join app.counters c on c.account_id = k.account_id and c.metric = k.metric and c.window_start = k.window_start
    order by c.account_id, c.metric, c.window_start
    for update of c;
    -- One that is made at this moment would be locked below, out of its turn.
    get diagnostics v_locked = row_count;
    if v_locked <> cardinality(v_accounts) then
      raise exception 'a counter is not there' using errcode = 'PY998';
    end if;
  end if;
  v_used := app.move_counters(v_accounts, v_metrics, v_windows, v_quotas, v_totals);
  v_allowed := array(select u.used is not null from unnest(v_used) with ordinality as u (used, place) order by u.place);

  if array_position(v_used, null) is not null then
    -- Refused, if not even the smallest fits: looked at afresh, as decide_usage does it.
    v_used := array(
      select coalesce(k.moved, c.used)
      from unnest(v_accounts, v_metrics, v_windows, v_used) with ordinality as k (account_id, metric, window_start, moved, place)
      left join app.counters c on k.moved is null
        and c.account_id = k.account_id and c.metric = k.metric and c.window_start = k.window_start
      order by k.place);
    if array_position(v_used, null) is not null then
      raise exception 'a counter is not there' using errcode = 'PY998';
    end if;
    if exists (
      select from unnest(v_allowed, v_used, v_smallest, v_quotas) as k (allowed, used, smallest, quota)
      where not k.allowed and (k.quota is null or k.used + k.smallest <= k.quota)
    ) then
      raise exception 'some fit and some do not' using errcode = 'PY999';
    end if;
  end if;

  -- Now that the counters are locked: are plans and windows still those they were decided by?
  if exists (
    select from unnest(v_states) s
    left join app.accounts a on a.account_id = s.account_id
    where a is distinct from s
  ) then
    raise exception 'an account has changed' using errcode = 'PY999';
  end if;

  if exists (select from unnest(p_request_ids) r where r is not null) then
    with entry as (
      select e.*, dense_rank() over (order by e.account_id, e.metric) as key,
             (sum(e.amount) over (partition by e.account_id, e.metric order by e.place rows unbounded preceding))::bigint as running
      from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids)
           with ordinality as e (account_id, metric, amount, request_id, place)
    ),
    noted as (
      insert into app.usage_requests
        (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
      select e.account_id, e.request_id, 'charge', e.metric, e.amount, v_allowed[e.key],
             v_used[e.key] - case when v_allowed[e.key] then v_totals[e.key] - e.running else 0 end,
             v_quotas[e.key], v_ends[e.key], v_plans[e.key], v_windows[e.key], v_now
      from entry e
      where e.request_id is not null
      order by e.account_id, e.metric, e.place
      on conflict do nothing
      returning 1
    )
    select count(*) into v_noted from noted;
    if v_noted <> (select count(r) from unnest(p_request_ids) r) then
      raise exception 'a request id is known' using errcode = 'PY999';
    end if;
    -- decrement_usage looks for the charge while it holds the counter, as this does: one of the two sees the other.
    if exists (
      select from unnest(p_account_ids, p_request_ids) e (account_id, request_id)
      join app.usage_returns r on r.account_id = e.account_id and r.request_id = e.request_id
    ) then
      raise exception 'a request id gave units back' using errcode = 'PY999';
    end if;
  end if;

  return query
  with entry as materialized (
    select e.*, dense_rank() over (order by e.account_id, e.metric) as key,
           (sum(e.amount) over (partition by e.account_id, e.metric order by e.place rows unbounded preceding))::bigint as running
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations)
         with ordinality as e (account_id, metric, amount, request_id, chatbot_id, conversation_id, channel, operation, place)
  ),
  written as (
    insert into app.usage_events
      (account_id, metric, amount, occurred_at, window_start, reason, request_id, chatbot_id, conversation_id, channel, operation)
    select e.account_id, e.metric, e.amount, v_now, v_windows[e.key], 'charge', e.request_id, e.chatbot_id, e.conversation_id, e.channel, e.operation
    from entry e
    where v_allowed[e.key]
    order by e.account_id, e.metric, e.place
  )
  select e.place::integer, v_allowed[e.key],
         v_used[e.key] - case when v_allowed[e.key] then v_totals[e.key] - e.running else 0 end,
         v_quotas[e.key], v_ends[e.key], v_plans[e.key]
  from entry e;
end
$$;

comment on function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch in a few statements where the requests on one counter are all granted or none of them fits; raises otherwise.';
revoke all on function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/decide_usage_at_once.sql

--! Included schemas/internal/decide_usage_one_by_one.sql
-- decide_usage_one_by_one decides a batch entry by entry, those of one account and metric in the order of arrival: exact
-- whatever the entries are, and slower than decide_usage_at_once.
--
-- Args:    arrays of one length, as for check_and_increment_usage_many; p_amounts null = all 1, the later ones null = none
-- Returns: one row per entry: error_code and error_message, or the decision
-- Locks:   of first uses the caller has taken care (open_windows); the counters in the order (account, metric), until commit. Idempotent per (account, request id).
create or replace function app.decide_usage_one_by_one(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[],
  p_chatbot_ids uuid[], p_conversation_ids uuid[], p_channels text[], p_operations text[]
)
returns table (
  place integer, error_code text, error_message text, allowed boolean, used bigint, quota bigint, remaining bigint,
  resets_at timestamptz, plan text, replayed boolean
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_entry record;
begin
  for v_entry in
    select e.*
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations)
         with ordinality as e (account_id, metric, amount, request_id, chatbot_id, conversation_id, channel, operation, place)
    order by e.account_id, e.metric, e.place
  loop
    if v_entry.channel not in ('playground', 'widget', 'api') then
      return query
      select v_entry.place::integer, 'PY004', format('channel must be playground, widget or api, not %L', v_entry.channel),
             null::boolean, null::bigint, null::bigint, null::bigint, null::timestamptz, null::text, null::boolean;
    else
      return query
      select v_entry.place::integer, d.error_code, d.error_message,
             case when d.error_code is null then d.allowed end, case when d.error_code is null then d.used end,
             case when d.error_code is null then d.quota end, case when d.error_code is null then d.remaining end,
             case when d.error_code is null then d.resets_at end, case when d.error_code is null then d.plan end,
             case when d.error_code is null then d.replayed end
      from app.decide_usage(v_entry.account_id, v_entry.metric, case when p_amounts is null then 1 else v_entry.amount end,
                            v_entry.request_id, 'charge', false,
                            v_entry.chatbot_id, v_entry.conversation_id, v_entry.channel, v_entry.operation) d;
    end if;
  end loop;
end
$$;

comment on function app.decide_usage_one_by_one(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch entry by entry, those of one account and metric in the order of arrival.';
revoke all on function app.decide_usage_one_by_one(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/decide_usage_one_by_one.sql

--! Included schemas/internal/entries_at.sql
-- entries_at returns the entries of an array at these places (from 1), in their order; all of them unchanged where the places
-- are all; null for no array.
create or replace function app.entries_at(p_entries anyarray, p_places bigint[])
returns anyarray
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_entries is null or cardinality(p_places) = cardinality(p_entries) then
    return p_entries;
  end if;
  return array(select p_entries[p.place] from unnest(p_places) with ordinality as p (place, position) order by p.position);
end
$$;

comment on function app.entries_at(anyarray, bigint[]) is 'The entries of an array at these places, in their order.';
revoke all on function app.entries_at(anyarray, bigint[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/entries_at.sql

--! Included schemas/internal/lock_question.sql
-- lock_question finds the question that an answer answered, which is to be answered anew, and locks it, so that of two who
-- want that one waits for the other.
--
-- Args:    p_message_id  the answer
--          p_content     what the caller takes the question to be
-- Returns: uuid; the id of the question
-- Errors:  PY404 no such answer in the conversation · PY004 it is still being generated, or answered another question
-- Locks:   the question until commit. To be called before any counter is locked: who finishes an answer comes from there.
create or replace function app.lock_question(p_account_id text, p_conversation_id uuid, p_message_id uuid, p_content text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_answer record;
  v_question record;
begin
  select m.place, m.status into v_answer from app.messages m
  -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true and m.role = 'assistant';
  if not found then
    raise exception 'there is no such answer in this conversation' using errcode = 'PY404';
  end if;
  if v_answer.status = 'streaming' then
    raise exception 'this answer is still being generated: stop it first' using errcode = 'PY004';
  end if;
  select m.id, m.content into v_question from app.messages m
  where m.account_id = p_account_id and m.conversation_id = p_conversation_id and m.role = 'user' and m.place < v_answer.place
  order by m.place desc
  limit 1
  for no key update;
  if v_question.content is distinct from p_content then
    raise exception 'content must be the question that this answer answered' using errcode = 'PY004';
  end if;
  return v_question.id;
end
$$;

comment on function app.lock_question(text, uuid, uuid, text) is
  'Finds and locks the question that an answer answered, to be answered anew; PY404 and PY004 where it cannot be.';
revoke all on function app.lock_question(text, uuid, uuid, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/lock_question.sql

--! Included schemas/internal/move_counters.sql
-- move_counters charges each of many counters its whole amount, where that fits: a conditional UPDATE for each, whose row lock
-- serialises racing callers. What fits in part is not charged at all; that is for the caller to see.
--
-- One after the other on purpose: a single UPDATE would lock the rows in whatever order its plan comes to them, which SQL does
-- not promise and small tables change.
--
-- Args:    arrays of one length: the counters, sorted by (account, metric), each once; the quota it must not pass (null =
--          unlimited); the amount
-- Returns: the counters after it, in the same order; null = not charged
-- Locks:   the counters charged until commit, in the order given
create or replace function app.move_counters(
  p_account_ids text[], p_metrics text[], p_window_starts timestamptz[], p_quotas bigint[], p_amounts bigint[]
)
returns bigint[]
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
-- A plan made while a table was empty outlives that: it must not be one that reads the whole table.
set enable_seqscan = off
as $$
declare
  v_counter record;
  v_moved bigint;
  v_used bigint[] := '{}';
begin
  for v_counter in
    select k.* from unnest(p_account_ids, p_metrics, p_window_starts, p_quotas, p_amounts)
      as k (account_id, metric, window_start, quota, amount)
  loop
    update app.counters c
    set used = c.used + v_counter.amount
    where c.account_id = v_counter.account_id and c.metric = v_counter.metric and c.window_start = v_counter.window_start
      and (v_counter.quota is null or c.used + v_counter.amount <= v_counter.quota)
      and c.used <= 9007199254740991 - v_counter.amount
    returning c.used into v_moved;
    v_used := v_used || case when found then v_moved end;
  end loop;
  return v_used;
end
$$;

comment on function app.move_counters(text[], text[], timestamptz[], bigint[], bigint[]) is
  'Charges each of many counters its whole amount where that fits, one after the other; null where it does not.';
revoke all on function app.move_counters(text[], text[], timestamptz[], bigint[], bigint[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/move_counters.sql

--! Included schemas/internal/open_windows.sql
-- open_windows makes the counters that a decision on several metrics or accounts will need and that are not there yet: the
-- first use of a window, taken care of before any counter is locked. The order in which everybody locks is the account
-- before its counters, and counters by (account, metric, window); who met a first use in the middle would break it.
--
-- Args:    p_account_ids, p_metrics  pairs, in any order, also repeated; a metric that does not exist is passed over, an
--                                    account is made on its first use, a closed one left alone
--          p_hold                    hold the accounts there are, so that no plan and no window changes before commit, and
--                                    then all the counters: for who decides one by one
-- Locks:   the accounts (without p_hold: those of missing counters), shared, then the new counters (with p_hold: all), in
--          order, until commit. Idempotent.
create or replace function app.open_windows(p_account_ids text[], p_metrics text[], p_hold boolean)
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := app.clock();
  v_missing record;
begin
  if p_hold then
    perform from app.accounts a where a.account_id = any (p_account_ids) order by a.account_id for share;
  end if;
  for v_missing in
    select distinct k.account_id, k.metric
    from unnest(p_account_ids, p_metrics) as k (account_id, metric)
    join app.metrics m on m.metric = k.metric
    left join app.accounts a on a.account_id = k.account_id
    left join lateral app.window_at(a.anchor, greatest(v_now, a.counts_from), a.anchor_offset) w on m.kind = 'counter'
    left join app.counters c on c.account_id = k.account_id and c.metric = k.metric
      and c.window_start = case when m.kind = 'gauge' then '-infinity' else w.window_start end
    where k.account_id is not null and c.account_id is null and a.closed_at is null
    order by k.account_id, k.metric
  loop
    perform app.ensure_account(v_missing.account_id);
    -- Whoever changes the plan holds the account, and cannot lock a counter that is not there yet.
    perform from app.accounts a where a.account_id = v_missing.account_id for share;
    insert into app.counters (account_id, metric, window_start, used)
    select v_missing.account_id, v_missing.metric, e.window_start, 0
    from app.entitlement(v_missing.account_id, v_missing.metric) e
    on conflict do nothing;
  end loop;
  if p_hold then
    perform
    from (select distinct k.account_id, k.metric from unnest(p_account_ids, p_metrics) as k (account_id, metric)) k
    join app.metrics m on m.metric = k.metric
    join app.accounts a on a.account_id = k.account_id
    left join lateral app.window_at(a.anchor, greatest(v_now, a.counts_from), a.anchor_offset) w on m.kind = 'counter'
    join app.counters c on c.account_id = k.account_id and c.metric = k.metric
      and c.window_start = case when m.kind = 'gauge' then '-infinity' else w.window_start end
    order by c.account_id, c.metric, c.window_start
    for update of c;
  end if;
end
$$;

comment on function app.open_windows(text[], text[], boolean) is
  'Makes the counters of first uses before any counter is locked, so that everybody locks in one order.';
revoke all on function app.open_windows(text[], text[], boolean) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/open_windows.sql

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
-- A plan made while a table was empty outlives that: it must not be one that reads the whole table.
set enable_seqscan = off
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

--! Included schemas/functions/begin_answer.sql
-- begin_answer decides everything an answer costs before the model is called, and stores the question: all or nothing.
-- It reserves one message, the estimated tokens, and for channel api one API call; finish_answer settles them. The answer
-- is counted for its chatbot too, and a chatbot with a cap of its own gives no more of them in a window of the account.
--
-- Args:    p_content             the question, 1 to 8,000 characters
--          p_token_estimate      upper bound of tokens in and out, 1 to 1,000,000,000
--          p_request_id          makes the call safe to repeat
--          p_channel             playground, widget or api
--          p_expires_in_seconds  when the sweeper may take the answer for lost
--          p_message_id          a new id for the answer, chosen by the caller: a call repeated because its connection was
--                                lost is recognised by it, and told that it started
--          p_replaces            answer anew: an answer after which nothing came but failed ones to the same question, which
--                                p_content must be. No question is stored; what the new answer replaces is kept, marked
-- Returns: one row. outcome
--            started    generate the answer for message_id, then call finish_answer
--            refused    metric and the decision say which quota is used up, chatbot_messages being the chatbot's own cap;
--                       nothing was stored or charged
--            running    the same request is being answered, as message_id
--            replayed   the same request was answered, by message_id; a failed answer is not replayed but tried again
--            not_found  no such conversation of this account and chatbot
-- Errors:  PY003 estimate · PY004 argument, also for what p_replaces may not replace · PY404 no such answer to replace ·
--          PY409 request id used for another request · PY414 the chatbot is read-only
-- Locks:   the chatbot (shared), the question to be answered anew, the account (shared), the counters, then the chatbot's count, until commit.
--          Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.begin_answer(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, p_content text, p_token_estimate bigint,
  p_request_id text default null, p_channel text default 'api', p_expires_in_seconds integer default 900,
  p_message_id uuid default null, p_replaces uuid default null
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
  v_question uuid;
  v_counted bigint;
  v_cap bigint;
begin
  if p_content is null or length(p_content) not between 1 and 8000 then
    raise exception 'content must have 1 to 8000 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  -- The chatbot first, as its deletion does it: the count below refers to it, and would wait for it with all else held.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
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
  -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true;
  if found then
    return next;
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'begin_answer',
      encode(sha256(convert_to((
        jsonb_build_array(p_conversation_id, p_content, p_channel)
        || case when p_replaces is null then '[]' else jsonb_build_array(p_replaces) end)::text, 'UTF8')), 'hex'), v_answer);
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
    perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
    if p_replaces is not null then
      v_question := app.lock_question(p_account_id, p_conversation_id, p_replaces, p_content);
    end if;

    perform app.open_windows(array_fill(p_account_id, array[3]), array['api_calls', 'llm_tokens', 'messages'], true);
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

    -- Always counted, so that a cap set in the middle of a window is right. Whoever counts holds the counter of messages.
    insert into app.chatbot_answers as a (account_id, chatbot_id, window_start, used)
    select p_account_id, p_chatbot_id, r.window_start, 1
    from app.usage_reservations r
    where r.account_id = p_account_id and r.request_id = 'answer:' || v_answer || ':messages'
    on conflict (account_id, chatbot_id, window_start) do update set used = a.used + 1
    returning a.used into v_counted;
    select b.monthly_message_cap into v_cap from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id;
    if v_counted > v_cap then
      raise exception 'cap of the chatbot reached' using errcode = 'PY402',
        detail = (to_jsonb(v_decision) || jsonb_build_object('metric', 'chatbot_messages', 'used', v_counted - 1, 'quota', v_cap,
                                                             'remaining', app.remaining(v_cap, v_counted - 1)))::text;
    end if;

    message_id := v_answer;
    if p_replaces is null then
      user_message_id := gen_random_uuid();
      insert into app.messages (account_id, id, conversation_id, role, status, content, created_at, finished_at)
      values (p_account_id, user_message_id, p_conversation_id, 'user', 'complete', p_content, app.clock(), app.clock());
    else
      user_message_id := v_question;
      perform app.replace_answers(p_account_id, p_conversation_id, p_replaces, v_question, v_answer);
    end if;
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

comment on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid) is
  'Decides everything an answer costs, before the model is called, and stores the question: all of it or nothing.';
revoke all on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid) from public, anon, authenticated;
grant execute on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid) to service_role;
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
  v_decision record;
begin
  if p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api, not %', quote_literal(p_channel) using errcode = 'PY004';
  end if;
  -- (As an expression: a query would cost more.)
  v_decision := app.decide_usage(p_account_id, p_metric, p_amount, p_request_id, 'charge', false,
                                 p_chatbot_id, p_conversation_id, p_channel, p_operation);
  if v_decision.error_code is not null then
    raise exception '%', v_decision.error_message using errcode = v_decision.error_code;
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
--          p_batch_id  made by the sender: a batch sent again, because its connection was lost, gets its first answer
-- Returns: one row per entry in the order of arrival: place (from 1), then error_code and error_message, or the decision
-- Errors:  PY004 arrays of different lengths, or too many entries. Faults of single entries are rows, with the same codes.
-- Locks:   the counters, in the order (account, metric), until commit: two batches wait for each other, they do not
--          deadlock on counters. A request id shared across metrics still can; 40P01 is safe to repeat. A batch that is
--          taken back to be decided one by one has given its locks back before.
-- Idempotent per batch id, and per (account, request id), also between entries of the same batch; of two metrics that share
-- an id, the one whose name comes first has it.
-- Source:  docs/decisions/0012-batches.md
create or replace function api.check_and_increment_usage_many(
  p_account_ids text[],
  p_metrics text[],
  p_amounts bigint[] default null,
  p_request_ids text[] default null,
  p_chatbot_ids uuid[] default null,
  p_conversation_ids uuid[] default null,
  p_channels text[] default null,
  p_operations text[] default null,
  p_batch_id uuid default null
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
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_count integer := coalesce(cardinality(p_account_ids), 0);
  v_amounts bigint[] := coalesce(p_amounts, array_fill(1::bigint, array[v_count]));
  v_good bigint[];
  v_bad bigint[];
  v_way text := 'at once';
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

  -- What is wrong in itself locks nothing and is decided beside the others.
  v_good := array(
    select e.place
    from unnest(p_account_ids, p_metrics, v_amounts, p_request_ids, p_channels)
         with ordinality as e (account_id, metric, amount, request_id, channel, place)
    join app.metrics m on m.metric = e.metric and not m.counts_rows
    where length(e.account_id) between 1 and 255 and e.amount between 1 and 1000000000
      and coalesce(length(e.request_id) between 1 and 255, true)
      and coalesce(e.channel in ('playground', 'widget', 'api'), true)
    order by e.place);
  if cardinality(v_good) = 0 then
    v_way := 'one by one';
  end if;
  v_bad := array(select p.place from generate_series(1, v_count) p (place) where p.place <> all (v_good));

  loop
    begin
      if v_way = 'one by one' then
        perform app.open_windows(app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), true);
        v_bad := array(select generate_series(1, v_count));
      elsif v_way = 'with first uses' then
        perform app.open_windows(app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), false);
      end if;

      return query
      with verdict as materialized (
        select v_good[d.place]::integer as place, null::text as error_code, null::text as error_message, d.allowed, d.used, d.quota,
               d.resets_at, d.plan, false as replayed
        from app.decide_usage_at_once(
          app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), app.entries_at(v_amounts, v_good),
          app.entries_at(p_request_ids, v_good), app.entries_at(p_chatbot_ids, v_good),
          app.entries_at(p_conversation_ids, v_good), app.entries_at(p_channels, v_good), app.entries_at(p_operations, v_good)) d
        where v_way <> 'one by one'
        union all
        select v_bad[o.place]::integer, o.error_code, o.error_message, o.allowed, o.used, o.quota, o.resets_at, o.plan, o.replayed
        from app.decide_usage_one_by_one(
          app.entries_at(p_account_ids, v_bad), app.entries_at(p_metrics, v_bad), app.entries_at(v_amounts, v_bad),
          app.entries_at(p_request_ids, v_bad), app.entries_at(p_chatbot_ids, v_bad),
          app.entries_at(p_conversation_ids, v_bad), app.entries_at(p_channels, v_bad), app.entries_at(p_operations, v_bad)) o
      ),
      kept as (
        insert into app.usage_batches
          (batch_id, created_at, error_codes, error_messages, allowed, used, quotas, resets_at, plans, replayed)
        select p_batch_id, app.clock(), array_agg(v.error_code order by v.place), array_agg(v.error_message order by v.place),
               array_agg(v.allowed order by v.place), array_agg(v.used order by v.place), array_agg(v.quota order by v.place),
               array_agg(v.resets_at order by v.place), array_agg(v.plan order by v.place), array_agg(v.replayed order by v.place)
        from verdict v
        where p_batch_id is not null
        having count(*) > 0
        returning 1
      )
      select v.place, v.error_code, v.error_message, v.allowed, v.used, v.quota,
             case when v.quota is not null then greatest(0, v.quota - v.used) end, v.resets_at, v.plan, v.replayed
      from verdict v
      -- Looked at, so that it is done before the first row is answered: what was answered is not taken back.
      cross join (select count(*) from kept) k
      order by v.place;
      return;
    exception
      when sqlstate 'PY998' then
        v_way := case v_way when 'at once' then 'with first uses' else 'one by one' end;
      when sqlstate 'PY999' then
        v_way := 'one by one';
      when unique_violation then
        -- The same batch, decided before. Any other duplicate would be a fault of ours.
        return query select b.* from app.answer_of_batch(p_batch_id) b;
        if not found then
          raise;
        end if;
        return;
    end;
  end loop;
end
$$;

comment on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid) is
  'Decides a batch of requests, each exactly as the single call would, in the order of arrival; a bad entry gets its own verdict.';
revoke all on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid)
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid)
  to service_role;
--! EndIncluded schemas/functions/check_and_increment_usage_many.sql

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
    -- (One of an earlier window comes before the current one, as everybody locks them.)
    perform from app.counters c
    where c.account_id = p_account_id and c.metric = p_metric
      and c.window_start = (select q.window_start from app.usage_requests q
                            where q.account_id = p_account_id and q.request_id = p_request_id and q.metric = p_metric)
    for update;
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
-- Locks:   the chatbot (shared), the message, its reservations and their counters until commit. Idempotent.
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
  -- The chatbot first, as its deletion does it: that comes to the message and to the count of answers in its own order.
  perform from app.chatbots b
  where b.account_id = p_account_id
    and b.id = (select r.chatbot_id from app.usage_reservations r
                where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':messages')
  for key share;
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

--! Included schemas/functions/forget_usage_batches.sql
-- forget_usage_batches removes what batches were answered an hour ago and more: nobody asks again then.
--
-- Args:    p_limit  at most this many in one call, 1 to 10,000
-- Returns: how many were removed
-- Errors:  PY004 limit
-- Locks:   the rows removed; skips what is locked. Idempotent.
create or replace function api.forget_usage_batches(p_limit integer default 1000)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_count integer;
begin
  if p_limit is null or p_limit not between 1 and 10000 then
    raise exception 'limit must be from 1 to 10000' using errcode = 'PY004';
  end if;
  delete from app.usage_batches b
  where b.batch_id in (
    select o.batch_id from app.usage_batches o
    where o.created_at < app.clock() - interval '1 hour'
    order by o.created_at
    limit p_limit
    for update skip locked);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

comment on function api.forget_usage_batches(integer) is 'Removes what batches were answered an hour ago and more.';
revoke all on function api.forget_usage_batches(integer) from public, anon, authenticated;
grant execute on function api.forget_usage_batches(integer) to service_role;
--! EndIncluded schemas/functions/forget_usage_batches.sql

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
  -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true;
end
$$;

comment on function api.read_message(text, uuid, uuid) is
  'One message of a conversation; no row where it is not the account''s.';
revoke all on function api.read_message(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.read_message(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/read_message.sql

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
      when serialization_failure or deadlock_detected or lock_not_available then
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

--! Included schemas/functions/release_expired_reservations.sql
-- release_expired_reservations gives back what open reservations past their expiry hold, and fails the answers they were
-- for. Several sweepers may run at once: each takes reservations no other has.
--
-- Args:    p_limit  at most this many in one call, 1 to 1,000
-- Returns: one row per reservation released; released is what had been reserved
-- Errors:  PY004 limit
-- Locks:   chatbot (shared), message, reservation and counter of each, until commit; skips what is locked. Idempotent.
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
      select r.account_id, r.request_id, r.metric, r.window_start, r.reserved, r.message_id, r.chatbot_id
      from app.usage_reservations r
      where r.status = 'open' and r.expires_at <= app.clock()
      order by r.expires_at
      limit p_limit
    ) page
    order by page.account_id, page.metric, page.window_start, page.request_id
  loop
    -- The chatbot first, as finish_answer does it; one that is being deleted is for the next sweep.
    perform from app.chatbots b
    where b.account_id = v_expired.account_id and b.id = v_expired.chatbot_id
    for key share skip locked;
    if not found and exists (select from app.chatbots b
                             where b.account_id = v_expired.account_id and b.id = v_expired.chatbot_id) then
      continue;
    end if;
    -- Then the message: whoever holds it is settling at this moment.
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
  where m.account_id = p_account_id and m.id = p_message_id
    -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
    and (m.conversation_id = p_conversation_id) is true and m.status = 'streaming';
  return query
  select m.status from app.messages m
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true and m.role = 'assistant';
end
$$;

comment on function api.stop_answer(text, uuid, uuid) is
  'Asks for an answer to be stopped, wherever it is being generated.';
revoke all on function api.stop_answer(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.stop_answer(text, uuid, uuid) to service_role;
--! EndIncluded schemas/functions/stop_answer.sql
