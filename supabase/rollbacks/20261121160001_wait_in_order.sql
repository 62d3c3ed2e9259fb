-- First of all, so that nobody takes an id for a give-back any more.
alter table app.usage_requests drop constraint usage_requests_reason_check;

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

    -- A counter that is made below would be none that whoever changes the plan can have locked.
    perform app.open_windows(array[p_account_id], array[p_metric], false);
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

--! Included schemas/internal/plain_entries.sql
-- plain_entries tells which entries of a batch decide_usage_at_once can decide: of an account that is open, with a request id
-- that is new and the first of its kind in the batch, on a counter on which they all fit or none does.
--
-- Args:    arrays of one length; p_good  the places (from 1) of the entries that are valid in themselves
-- Returns: places, ascending
-- Locks:   none. It stays true until commit for who holds the accounts and the counters, except that another session may use a
--          request id on another counter.
create or replace function app.plain_entries(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[], p_good bigint[]
)
returns bigint[]
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return array(
    with entry as (
      -- (Of two metrics that share a request id the first by name has it, as when they are decided one by one.)
      select e.*, row_number() over (partition by e.account_id, e.request_id order by e.metric, e.place) as turn
      from (
        select g.place, p_account_ids[g.place] as account_id, p_metrics[g.place] as metric, p_amounts[g.place] as amount,
               p_request_ids[g.place] as request_id
        from unnest(p_good) as g (place)
      ) e
      join app.accounts a on a.account_id = e.account_id and a.closed_at is null
    ),
    fresh as (
      select e.*, sum(e.amount) over k as total, min(e.amount) over k as smallest,
             row_number() over (partition by e.account_id, e.metric order by e.place) as nth
      from entry e
      where e.request_id is null
         or e.turn = 1
            and not exists (select from app.usage_requests r where r.account_id = e.account_id and r.request_id = e.request_id)
            and not exists (select from app.usage_returns r where r.account_id = e.account_id and r.request_id = e.request_id)
      window k as (partition by e.account_id, e.metric)
    ),
    judged as (
      select f.place, bool_or(u.fits) over (partition by f.account_id, f.metric) as is_plain
      from fresh f
      -- Each counter is asked once, for its first entry.
      left join lateral (
        select c.used <= 9007199254740991 - f.total
               and (n.quota is null or c.used + f.total <= n.quota or c.used + f.smallest > n.quota) as fits
        from app.entitlement(f.account_id, f.metric) n
        join app.counters c on c.account_id = f.account_id and c.metric = f.metric and c.window_start = n.window_start
        where f.nth = 1
      ) u on true
    )
    select j.place from judged j where j.is_plain order by j.place
  );
end
$$;

comment on function app.plain_entries(text[], text[], bigint[], text[], bigint[]) is
  'Which entries of a batch can be decided at once, given that all its counters are held.';
revoke all on function app.plain_entries(text[], text[], bigint[], text[], bigint[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/plain_entries.sql

--! Included schemas/internal/decide_usage_at_once.sql
-- decide_usage_at_once decides a batch in a few statements instead of one by one, wherever that comes to the same: the
-- requests on one counter are all granted, or none of them fits. Anything else is left to decide_usage_sorted_out: it
-- raises, and the caller takes back what was locked and noted.
--
-- Args:    arrays of one length and at least one entry, as for check_and_increment_usage_many; all but the first three may be null
-- Returns: the answer as app.usage_batches keeps it, without a batch id; used = the counter after each entry, as if they had
--          come one after the other
-- Errors:  PY998 an account or a counter is not there: open_windows first, then again
--          PY999 sort it out: an entry is bad, a request id is known or used twice, some but not all fit, an account is
--          closed or changed meanwhile, a count would overflow
-- Locks:   the counters on which something fits (with request ids: all), in the order (account, metric), until commit; then
--          the request ids
create or replace function app.decide_usage_at_once(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[],
  p_chatbot_ids uuid[], p_conversation_ids uuid[], p_channels text[], p_operations text[]
)
returns app.usage_batches
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
-- A plan made while a table was empty outlives that: it must not be one that reads the whole table.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_ids bigint := (select count(r) from unnest(p_request_ids) r);
  v_accounts text[];
  v_metrics text[];
  v_totals bigint[];
  v_smallest bigint[];
  v_good boolean;
  v_versions tid[];
  v_plans text[];
  v_quotas bigint[];
  v_windows timestamptz[];
  v_ends timestamptz[];
  v_held bigint[];
  v_rows tid[];
  v_used bigint[];
  v_charged bigint[];
  v_moved bigint;
  v_charged_windows timestamptz[];
  v_noted bigint;
  v_answer app.usage_batches;
begin
  -- What is looked at below must be what others committed meanwhile.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'quotas are decided under READ COMMITTED, not %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;

  -- The counters asked for, in the order in which everybody locks them.
  select array_agg(k.account_id), array_agg(k.metric), array_agg(k.total), array_agg(k.smallest), bool_and(k.good)
  into v_accounts, v_metrics, v_totals, v_smallest, v_good
  from (
    -- (What is bad is not added up: it could be more than a sum can hold.)
    select e.account_id, e.metric, coalesce(sum(e.amount) filter (where e.amount between 1 and 1000000000), 0)::bigint as total,
           min(e.amount) as smallest,
           bool_and(coalesce(
             length(e.account_id) between 1 and 255 and e.amount between 1 and 1000000000
             and coalesce(length(e.request_id) between 1 and 255, true)
             and coalesce(e.channel in ('playground', 'widget', 'api'), true), false)) as good
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_channels) as e (account_id, metric, amount, request_id, channel)
    group by e.account_id, e.metric
    order by e.account_id, e.metric
  ) k;
  if not v_good then
    raise exception 'an entry is bad' using errcode = 'PY999';
  end if;

  -- Plan, quota and window of each, and which version of its account says so.
  select array_agg(k.version), array_agg(k.plan), array_agg(k.quota), array_agg(k.window_start), array_agg(k.window_end)
  into v_versions, v_plans, v_quotas, v_windows, v_ends
  from (
    select a.ctid as version, p.plan,
           -- Only a row that says so makes a metric unlimited.
           case when q.plan is null then 0
                -- A downgrade is scheduled: what fits today must fit then. (least passes over nulls.)
                when m.kind = 'gauge' and a.pending_plan is not null then least(q.quota, app.quota_of(a.pending_plan, k.metric))
                else q.quota end as quota,
           case when m.kind = 'gauge' then '-infinity' else w.window_start end as window_start,
           case when m.kind = 'counter' then w.window_end end as window_end
    from unnest(v_accounts, v_metrics) with ordinality as k (account_id, metric, place)
    join app.metrics m on m.metric = k.metric and not m.counts_rows
    join app.accounts a on a.account_id = k.account_id and a.closed_at is null
    cross join lateral (select case when a.plan_ends_at <= v_now then 'free' else a.plan end as plan) p
    cross join lateral app.window_at(a.anchor, greatest(v_now, a.counts_from), a.anchor_offset) w
    left join app.plan_quotas q on q.plan = p.plan and q.metric = k.metric
    order by k.place
  ) k;
  if cardinality(v_versions) is distinct from cardinality(v_accounts) then
    if exists (
      select from unnest(v_accounts, v_metrics) as k (account_id, metric)
      left join app.metrics m on m.metric = k.metric and not m.counts_rows
      left join app.accounts a on a.account_id = k.account_id
      where m.metric is null or a.closed_at is not null
    ) then
      raise exception 'an account is closed, or a metric is none' using errcode = 'PY999';
    end if;
    raise exception 'an account is new' using errcode = 'PY998';
  end if;

  -- First the locks, in order, and only then the charges: an UPDATE of many rows promises no order. Where nothing fits there is
  -- nothing to lock; but two batches that share request ids, in different orders, must not meet there first.
  select array_agg(k.place), array_agg(k.ctid), array_agg(k.used)
  into v_held, v_rows, v_used
  from (
    select k.place, c.ctid, c.used
    from unnest(v_accounts, v_metrics, v_windows, v_quotas, v_smallest)
         with ordinality as k (account_id, metric, window_start, quota, smallest, place)
    join app.counters c on c.account_id = k.account_id and c.metric = k.metric and c.window_start = k.window_start
    where v_ids > 0 or k.quota is null or c.used + k.smallest <= k.quota
    order by k.place
    for update of c
  ) k;
  if cardinality(v_held) is distinct from cardinality(v_accounts) then
    select array_agg(k.row), array_agg(k.used)
    into v_rows, v_used
    from (
      select h.row, coalesce(h.used, c.used) as used
      from unnest(v_accounts, v_metrics, v_windows) with ordinality as k (account_id, metric, window_start, place)
      left join unnest(v_held, v_rows, v_used) as h (place, row, used) on h.place = k.place
      left join app.counters c on h.place is null
        and c.account_id = k.account_id and c.metric = k.metric and c.window_start = k.window_start
      order by k.place
    ) k;
    if array_position(v_used, null) is not null then
      raise exception 'a counter is not there' using errcode = 'PY998';
    end if;
  end if;

  v_charged := array(
    select case when k.used > 9007199254740991 - k.total then null
                when (k.quota is null or k.used + k.total <= k.quota) and k.row is not null then k.total
                when k.used + k.smallest > k.quota then 0 end
    from unnest(v_used, v_rows, v_totals, v_smallest, v_quotas) with ordinality as k (used, row, total, smallest, quota, place)
    order by k.place);
  if array_position(v_charged, null) is not null then
    raise exception 'some fit and some do not' using errcode = 'PY999';
  end if;

  -- Now that the counters are locked: are plans and windows still those they were decided by? A row that changed is not where
  -- it was; and its place is not given to another while this statement runs, for which it must be kept.
  if (
    select count(*) from unnest(v_versions, v_accounts) as k (version, account_id)
    join app.accounts a on a.ctid = k.version and a.account_id = k.account_id
  ) <> cardinality(v_versions) then
    raise exception 'an account has changed' using errcode = 'PY999';
  end if;

  update app.counters c
  set used = c.used + k.charged
  from unnest(v_accounts, v_rows, v_charged) as k (account_id, row, charged)
  -- (Nobody moves a row that is locked.)
  where c.ctid = k.row and c.account_id = k.account_id and k.charged > 0;
  get diagnostics v_moved = row_count;
  if v_moved <> cardinality(array_remove(v_charged, 0)) then
    raise exception 'a counter that was locked is not where it was' using errcode = 'PY999';
  end if;

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
    where v_charged[e.key] > 0
    order by e.account_id, e.metric, e.place
  )
  select array_agg(v_charged[e.key] > 0), array_agg(v_used[e.key] + case when v_charged[e.key] > 0 then e.running else 0 end),
         array_agg(v_quotas[e.key]), array_agg(v_ends[e.key]), array_agg(v_plans[e.key]), array_agg(v_windows[e.key])
  into v_answer.allowed, v_answer.used, v_answer.quotas, v_answer.resets_at, v_answer.plans, v_charged_windows
  from (select e.* from entry e order by e.place) e;

  if v_ids > 0 then
    insert into app.usage_requests
      (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
    select e.account_id, e.request_id, 'charge', e.metric, e.amount, e.allowed, e.used, e.quota, e.resets_at, e.plan, e.window_start, v_now
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, v_answer.allowed, v_answer.used, v_answer.quotas, v_answer.resets_at,
                v_answer.plans, v_charged_windows)
         with ordinality as e (account_id, metric, amount, request_id, allowed, used, quota, resets_at, plan, window_start, place)
    where e.request_id is not null
    order by e.account_id, e.metric, e.place
    on conflict do nothing;
    get diagnostics v_noted = row_count;
    if v_noted <> v_ids then
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

  v_answer.created_at := v_now;
  v_answer.error_codes := array_fill(null::text, array[cardinality(p_account_ids)]);
  v_answer.error_messages := v_answer.error_codes;
  v_answer.replayed := array_fill(false, array[cardinality(p_account_ids)]);
  return v_answer;
end
$$;

comment on function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch in a few statements where the requests on one counter are all granted or none of them fits; raises otherwise.';
revoke all on function app.decide_usage_at_once(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/decide_usage_at_once.sql

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

    select a.ctid as version, a.anchor, a.counts_from, a.anchor_offset, a.pending_plan, a.closed_at, e.plan as plan_in_force,
           m.kind, m.counts_rows,
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

    -- Now that the counter is locked: are plan and window still those it was decided by? An account that changed is not where it
    -- was; and its place is not given to another row while this statement runs, for which it must be kept.
    if not exists (select from app.accounts a where a.ctid = v_account.version and a.account_id = p_account_id) then
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

delete from app.usage_requests where reason = 'return';
alter table app.usage_requests add constraint usage_requests_reason_check check (reason in ('charge', 'reserve'));
comment on table app.usage_requests is 'The first decision on each request id, refusals too: a repeated call gets the same answer and charges nothing.';
