-- apply_subscriptions brings an account in line with the state of its subscriptions: what suspends them, the change that
-- was scheduled, the plan (app.granted_plan), the one in force, and what must be asked of a processor in consequence. A
-- function of the state alone, so that it does not matter which event came last.
--
--   asked for  the end of a live subscription beside the one in force (nobody pays twice: after a quarter of an hour, by
--              when a late event may have explained it), and of any live one of a closed account
--
-- Locks:   the caller holds the account; the account's counters until commit when plan or anchor change, so that no
--          decision in flight is made by the plan before. Idempotent.
create or replace function app.apply_subscriptions(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account app.accounts;
  v_granted record;
begin
  update app.processor_subscriptions s
  set suspended_by = app.suspension_of(s.account_id, s.processor, s.subscription_id)
  where s.account_id = p_account_id
    and s.suspended_by is distinct from app.suspension_of(s.account_id, s.processor, s.subscription_id);
  perform app.follow_plan_change(p_account_id);

  select a.* into strict v_account from app.accounts a where a.account_id = p_account_id;
  select g.* into v_granted from app.granted_plan(p_account_id) g;

  update app.processor_subscriptions s set in_force = false
  where s.account_id = p_account_id and s.in_force
    and (s.processor, s.subscription_id) is distinct from (v_granted.processor, v_granted.subscription_id);
  update app.processor_subscriptions s set in_force = true
  where s.account_id = p_account_id and not s.in_force
    and s.processor = v_granted.processor and s.subscription_id = v_granted.subscription_id;

  if (v_account.plan, v_account.anchor, v_account.anchor_offset, v_account.counts_from)
       is distinct from (v_granted.plan, v_granted.anchor, v_granted.anchor_offset, v_granted.counts_from)
     or v_account.plan_ends_at is distinct from v_granted.plan_ends_at then
    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;
    update app.accounts a
    set plan = v_granted.plan, plan_ends_at = v_granted.plan_ends_at, anchor = v_granted.anchor,
        anchor_offset = v_granted.anchor_offset, counts_from = v_granted.counts_from
    where a.account_id = p_account_id;
  end if;

  update app.processor_operations o
  set status = 'refused', next_attempt_at = null, settled_at = app.clock(), last_error = 'it is no longer needed'
  where o.account_id = p_account_id and o.reason = 'duplicate' and o.status = 'pending' and o.first_sent_at is null
    and not exists (
      select from app.processor_subscriptions s
      where s.account_id = o.account_id and s.processor = o.processor and s.subscription_id = o.subscription_id
        and s.status in ('trialing', 'active', 'past_due') and not s.in_force and v_granted.subscription_id is not null);
  perform app.queue_operation(s.account_id, s.processor, s.subscription_id, 'cancel_now', null, null,
    case when v_account.closed_at is null then 'duplicate' else 'account_closed' end,
    case when v_account.closed_at is null then interval '15 minutes'
         -- One that was refused before is asked for again, but not in a circle.
         when exists (select from app.processor_operations o
                      where o.account_id = s.account_id and o.reason = 'account_closed' and o.status = 'refused') then interval '1 hour'
         else interval '0' end)
  from app.processor_subscriptions s
  where s.account_id = p_account_id
    and case when v_account.closed_at is not null then s.status in ('trialing', 'active', 'past_due', 'paused')
             else s.status in ('trialing', 'active', 'past_due') and s.suspended_by is null and not s.in_force
                  and v_granted.subscription_id is not null end
    and not exists (
      select from app.processor_operations o
      where o.account_id = s.account_id and o.processor = s.processor and o.subscription_id = s.subscription_id
        and o.kind = 'cancel_now' and (o.status = 'done' or o.next_attempt_at is not null));
end
$$;

comment on function app.apply_subscriptions(text) is
  'Brings an account in line with its subscriptions: plan, its end, anchor, the one in force, and what must be asked of a processor.';
revoke all on function app.apply_subscriptions(text) from public, anon, authenticated, service_role;
