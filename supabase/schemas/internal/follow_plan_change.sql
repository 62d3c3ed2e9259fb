-- follow_plan_change looks whether an account's scheduled change has come, or was overtaken, and holds its levels to the
-- smaller plan for as long as a downgrade is scheduled. A function of the state alone.
--
--   applied     the subscription is in a period from effective_at on, at the price of the change (a cancellation: it ended).
--               Whether a downgrade fits is looked at again then: what no longer does is kept with the change, and is over
--               the limit, not refused
--   superseded  the subscription ended before, or has a price that is neither the one before nor the one to come
--
-- Locks:   the caller holds the account; its counters until commit when the plan its levels are held to changes, so that
--          no decision in flight is made by the one before. Idempotent.
create or replace function app.follow_plan_change(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_change app.plan_changes;
  v_subscription app.processor_subscriptions;
  v_status text;
  v_pending_plan text;
begin
  select c.* into v_change from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled';
  if v_change.id is not null then
    select s.* into v_subscription
    from app.processor_subscriptions s
    where s.account_id = p_account_id and s.processor = v_change.processor and s.subscription_id = v_change.subscription_id;
    v_status := case
      when v_subscription.status = 'canceled' then case when v_change.direction = 'cancel' then 'applied' else 'superseded' end
      when v_change.direction = 'cancel' then null
      when v_subscription.price_id not in (v_change.from_price_id, v_change.to_price_id) then 'superseded'
      when v_subscription.price_id = v_change.to_price_id and v_subscription.period_start >= v_change.effective_at then 'applied'
    end;
    if v_status is not null then
      update app.plan_changes c
      set status = v_status, settled_at = app.clock(),
          last_error = case when v_status = 'applied' and c.direction = 'downgrade'
                            then (select string_agg(b.message, '. ') from api.validate_plan_change(p_account_id, c.to_plan) b) end
      where c.account_id = p_account_id and c.id = v_change.id;
    end if;
  end if;

  select c.to_plan into v_pending_plan
  from app.plan_changes c
  where c.account_id = p_account_id and c.status = 'scheduled' and c.direction = 'downgrade';
  if v_pending_plan is distinct from (select a.pending_plan from app.accounts a where a.account_id = p_account_id) then
    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;
    update app.accounts a set pending_plan = v_pending_plan where a.account_id = p_account_id;
  end if;
end
$$;

comment on function app.follow_plan_change(text) is
  'Looks whether an account''s scheduled change has come or was overtaken, and holds its levels to the smaller plan meanwhile.';
revoke all on function app.follow_plan_change(text) from public, anon, authenticated, service_role;
