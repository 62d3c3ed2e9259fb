-- decrement_usage gives units back, never below 0. Where p_request_id names a charge, they go into the window that was
-- charged, and never more of them than that charge took.
--
-- Args:    p_amount      whole units, 1 to 1,000,000,000
--          p_request_id  the request id of the charge; or, where it names none, an id of this give-back
-- Returns: one row, as check_and_increment_usage: allowed is always true, used is what is left in the window given back to
-- Errors:  PY001 unknown metric · PY003 amount · PY004 account or request id · PY409 request id of another metric, of an
--          earlier give-back with another amount, or of a reservation (settle it instead) · PY410 the metric moves with its rows
--          40001 the window changed while the counter or the charge was waited for: safe to repeat
-- Locks:   with a request id the account, shared; then the counter, and that of the window the charge was in; then the request
--          id, until commit.
--          Idempotent per (account, request id): a charge is given back once.
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
  v_window_start timestamptz;
  v_locked timestamptz[];
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

    -- As everybody locks: the account, so that no window changes until commit, then the counters, that of an earlier window
    -- first, then the request id. (A counter that is not there yet could be another's when the id is had.)
    perform from app.accounts a where a.account_id = p_account_id for share;
    perform app.open_windows(array[p_account_id], array[p_metric], false);
    v_locked := array(
      select c.window_start from app.counters c
      where c.account_id = p_account_id and c.metric = p_metric
        and c.window_start in (
          (app.entitlement(p_account_id, p_metric)).window_start,
          (select q.window_start from app.usage_requests q
           where q.account_id = p_account_id and q.request_id = p_request_id and q.metric = p_metric))
      order by c.window_start
      for update);
    -- Who charges by this id at this moment, on whatever counter, is waited for; then the id names that charge.
    insert into app.usage_requests (account_id, request_id, reason, metric, amount, allowed, used, plan, window_start, created_at)
    values (p_account_id, p_request_id, 'return', p_metric, p_amount, true, 0, 'free', '-infinity', app.clock())
    on conflict do nothing;
    select q.* into strict v_charge from app.usage_requests q
    where q.account_id = p_account_id and q.request_id = p_request_id;
    if v_charge.metric <> p_metric then
      raise exception 'request id % was used for metric %', p_request_id, v_charge.metric using errcode = 'PY409';
    end if;
    if v_charge.reason = 'reserve' then
      raise exception 'request id % is a reservation: settle it instead', p_request_id using errcode = 'PY409';
    end if;
    if v_charge.reason = 'charge' then
      if v_charge.window_start <> all (v_locked) then
        -- It was in flight when the counters were locked, and in a window that has ended: that counter comes before those held.
        raise exception 'request id % was being charged in another window; nothing was given back: repeat the call', p_request_id
          using errcode = 'serialization_failure';
      end if;
      v_most := case when v_charge.allowed then least(p_amount, v_charge.amount) else 0 end;
      v_window_start := v_charge.window_start;
    end if;

    select r.* into v_return
    from app.return_usage(p_account_id, p_metric, v_most, v_window_start, p_request_id, 'return', null, null, null, null) r;
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
