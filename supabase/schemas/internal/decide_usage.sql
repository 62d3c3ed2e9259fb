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
--          (raised) 40001 the window changed while its counter was waited for: safe to repeat
-- Locks:   the (account, metric, window) counter until commit; on the first use of a window also the account, shared, first.
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
  v_waited_for timestamptz;
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

    if p_request_id is not null then
      select r.* into v_first from app.usage_requests r
      where r.account_id = p_account_id and r.request_id = p_request_id;
      if found then
        if (v_first.reason, v_first.metric, v_first.amount) is distinct from (p_reason, p_metric, p_amount) then
          error_code := 'PY409';
          error_message := case when v_first.reason = 'return'
            then format('request id %s gave units back before it charged any; use another id', p_request_id)
            else format('request id %s was used for a %s of %s %s; use another id for another request',
                        p_request_id, v_first.reason, v_first.amount, v_first.metric) end;
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
    if window_start <> v_waited_for then
      -- Still held is the counter of the window before, and whoever changes this account next waits for that one. To wait for
      -- the account, or for another counter, would be to wait for each other.
      raise exception 'the window of % changed meanwhile; nothing was charged: repeat the call', p_metric
        using errcode = 'serialization_failure';
    end if;
    v_waited_for := window_start;

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
        -- Another session used the id meanwhile: where that was the same request, its decision is returned.
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
