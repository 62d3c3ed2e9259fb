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
