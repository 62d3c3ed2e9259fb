-- queue_operation writes down that a processor is to be asked to change a subscription. Nothing is asked here.
--
-- Args:    p_reason  owner, scheduled, duplicate, account_closed, operator
--          p_due_in  when a worker may take it; whoever is about to ask now gives the time it needs for that
-- Returns: uuid, the operation; null = another one is under way for this subscription
-- Locks:   the operation until commit; the caller holds the account
create or replace function app.queue_operation(
  p_account_id text, p_processor text, p_subscription_id text, p_kind text, p_price_id text, p_plan_change_id uuid,
  p_reason text, p_due_in interval
)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into app.processor_operations
    (account_id, processor, subscription_id, kind, price_id, plan_change_id, reason, next_attempt_at, created_at)
  values (p_account_id, p_processor, p_subscription_id, p_kind, p_price_id, p_plan_change_id, p_reason, app.clock() + p_due_in, app.clock())
  on conflict do nothing
  returning id into v_id;
  return v_id;
end
$$;

comment on function app.queue_operation(text, text, text, text, text, uuid, text, interval) is
  'Writes down that a processor is to be asked to change a subscription; null where another change of it is under way.';
revoke all on function app.queue_operation(text, text, text, text, text, uuid, text, interval) from public, anon, authenticated, service_role;
