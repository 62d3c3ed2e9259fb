-- suspension_of finds the refund or dispute that ends what a subscription grants: the payment of its running period went
-- back, and its plan's policy is to end then. A later period that is paid for ends the suspension, as does a dispute that
-- is won or a refund that fails.
--
--   dispute  from the moment it is opened until it is won
--   refund   when what was given back of that payment is all of it; a part of it changes nothing
--
-- The payment of a period is told by a payment, or by a state that names it (Paddle's first one may come before anybody knows
-- what it paid for). Razorpay charges before a period begins, so that an active one in a later period has paid for it.
--
-- Returns: text, the id of the reversal; null = nothing ends it. A payment whose amount is not known is never all given back.
create or replace function app.suspension_of(p_account_id text, p_processor text, p_subscription_id text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_payment record;
  v_refunded bigint;
  v_reversal record;
  v_policy record;
  v_names text[];
begin
  select e.payment_id, e.amount_minor, e.period_start into v_payment
  from app.subscription_events e
  where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id
    and (e.payment = 'paid' or e.status is not null and e.payment_id is not null) and e.period_start is not null
  order by e.period_start desc, (e.payment is not null) desc, e.occurred_at desc, e.event_id collate "C" desc
  limit 1;
  if v_payment.payment_id is null or exists (
    select from app.processor_subscriptions s
    where s.account_id = p_account_id and s.processor = p_processor and s.subscription_id = p_subscription_id
      and p_processor = 'razorpay' and s.status = 'active' and s.period_start > v_payment.period_start) then
    return null;
  end if;
  select p.on_refund, p.on_dispute into v_policy
  from app.processor_subscriptions s
  join app.plans p on p.plan = s.plan
  where s.account_id = p_account_id and s.processor = p_processor and s.subscription_id = p_subscription_id;

  -- What is another name of the payment may have been learned only after the reversal that uses it.
  select array_agg(l.object_id) || v_payment.payment_id into v_names
  from app.processor_links l where l.account_id = p_account_id and l.processor = p_processor and l.stands_for = v_payment.payment_id;
  v_refunded := 0;
  for v_reversal in
    select distinct on (r.reversal_id) r.reversal_id, r.kind, r.status, r.amount_minor
    from app.reversal_events r
    where r.account_id = p_account_id and r.processor = p_processor and r.payment_ids && v_names
    order by r.reversal_id, r.occurred_at desc, r.event_rank desc, r.event_id collate "C" desc
  loop
    continue when v_reversal.status <> 'reversed';
    if v_reversal.kind = 'dispute' and v_policy.on_dispute = 'end' then
      return v_reversal.reversal_id;
    end if;
    if v_reversal.kind = 'refund' then
      v_refunded := v_refunded + coalesce(v_reversal.amount_minor, 0);
      if v_policy.on_refund = 'end' and v_payment.amount_minor > 0 and v_refunded >= v_payment.amount_minor then
        return v_reversal.reversal_id;
      end if;
    end if;
  end loop;
  return null;
end
$$;

comment on function app.suspension_of(text, text, text) is
  'The refund or dispute that took back the payment of a subscription''s running period, where the plan''s policy ends it then.';
revoke all on function app.suspension_of(text, text, text) from public, anon, authenticated, service_role;
