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
