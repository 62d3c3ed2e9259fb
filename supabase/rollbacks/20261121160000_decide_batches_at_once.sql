drop function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]);

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

drop function app.decide_usage_sorted_out;

drop function app.plain_entries;

create index counters_metric on app.counters (metric);
