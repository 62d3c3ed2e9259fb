-- return_usage gives units back, never below 0, and writes the ledger row for what it really gave.
--
-- Args:    p_window_start  the window that was charged; null = the current one
--          p_most          gives back at most this much
--          p_reason        the ledger's reason: return, release, settle, delete
--          the others      as for decide_usage
-- Returns: given (0 to p_most) and the counter after it; the quota and plan in force now
-- Errors:  PY001 unknown metric · 40001 the window changed while its counter was waited for: safe to repeat
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
  -- window may be gone by the time it is had; so they are read again.
  loop
    select e.plan, e.quota, e.kind, coalesce(p_window_start, e.window_start),
           case when p_window_start is null or p_window_start = e.window_start then e.resets_at end
    into plan, quota, v_kind, window_start, resets_at
    from app.entitlement(p_account_id, p_metric) e;
    if v_kind is null then
      raise exception 'unknown metric %', coalesce(quote_literal(p_metric), 'null') using errcode = 'PY001';
    end if;
    exit when v_locked = window_start;
    if v_locked is not null then
      -- Whoever changes this account next waits for the counter that is held; it must not be waited for with another.
      raise exception 'the window of % changed meanwhile; nothing was given back: repeat the call', p_metric
        using errcode = 'serialization_failure';
    end if;

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
