-- reserve_checkout takes an account's one slot for a purchase, before the processor is asked for a checkout.
--
-- Args:    p_processor  stripe, paddle or razorpay
--          p_plan       any plan that is sold; p_interval month or year
-- Returns: one row. outcome
--            reserved    the slot is taken: create the checkout, with the id as idempotency key, then call open_checkout
--            open        the same purchase is under way; where url is null its checkout must be created, with the same key
--            other_open  another purchase is under way or was given up: end it at its processor, settle it, then ask again
--            subscribed  the account has a live subscription: change that one instead
--            not_sold    the processor has no price for the plan
--          for reserved, open and other_open the checkout's columns; trial_days = the trial to ask for,
--          price_trial_days the one that is in the price already (Paddle)
-- Errors:  PY002 unknown plan · PY004 argument · PY415 the account is closed
-- Locks:   the account until commit. Idempotent: the same purchase finds its own slot again.
create or replace function api.reserve_checkout(p_account_id text, p_processor text, p_plan text, p_interval text)
returns table (
  outcome text, checkout_id uuid, processor text, plan text, billing_interval text, price_id text, trial_days integer,
  customer_id text, processor_checkout_id text, url text, expires_at timestamptz,
  price_trial_days integer
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_open app.checkouts;
  v_price record;
  v_trial_days integer;
begin
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
  end if;
  if p_interval is null or p_interval not in ('month', 'year') then
    raise exception 'interval must be month or year' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;
  perform app.hold_open_account(p_account_id);

  if exists (
    select from app.processor_subscriptions s
    where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due', 'paused')
  ) then
    outcome := 'subscribed';
    return next;
    return;
  end if;

  select c.* into v_open from app.checkouts c where c.account_id = p_account_id and c.status in ('reserved', 'open');
  if found then
    outcome := case when (v_open.processor, v_open.plan, v_open.billing_interval) = (p_processor, p_plan, p_interval)
                         and v_open.expires_at > v_now then 'open' else 'other_open' end;
  else
    -- Only who never subscribed may try before paying.
    select p.trial_days into v_trial_days from app.plans p where p.plan = p_plan
    and not exists (select from app.processor_subscriptions s
                    where s.account_id = p_account_id and (s.period_start is not null or s.trial_ends_at is not null));
    select t.price_id, t.trial_days into v_price
    from app.price_to_sell(p_processor, p_plan, p_interval, coalesce(v_trial_days, 0) > 0) t;
    if v_price.price_id is null then
      outcome := 'not_sold';
      return next;
      return;
    end if;
    outcome := 'reserved';
    insert into app.checkouts (account_id, processor, plan, billing_interval, price_id, trial_days, created_at, expires_at)
    values (p_account_id, p_processor, p_plan, p_interval, v_price.price_id,
            case when v_price.trial_days > 0 then 0 else coalesce(v_trial_days, 0) end, v_now, v_now + interval '40 minutes')
    returning * into v_open;
  end if;

  return query
  select reserve_checkout.outcome, v_open.id, v_open.processor, v_open.plan, v_open.billing_interval, v_open.price_id, v_open.trial_days,
         (select l.object_id
          from app.processor_subscriptions s
          join app.processor_links l on l.processor = s.processor and l.object_id = s.customer_id and l.account_id = s.account_id
          where s.account_id = p_account_id and s.processor = v_open.processor
            and not exists (select from app.tombstones t where t.processor = s.processor and t.object_id = s.customer_id)
          order by s.as_of desc
          limit 1),
         v_open.processor_checkout_id, v_open.url, v_open.expires_at,
         coalesce((select pp.trial_days from app.processor_prices pp
                   where pp.processor = v_open.processor and pp.price_id = v_open.price_id), 0);
end
$$;

comment on function api.reserve_checkout(text, text, text, text) is
  'Takes an account''s one slot for a purchase, before the processor is asked for a checkout; refuses beside a live subscription.';
revoke all on function api.reserve_checkout(text, text, text, text) from public, anon, authenticated;
grant execute on function api.reserve_checkout(text, text, text, text) to service_role;
