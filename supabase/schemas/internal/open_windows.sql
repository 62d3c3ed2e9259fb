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
