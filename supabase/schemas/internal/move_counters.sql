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
