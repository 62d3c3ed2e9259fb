-- upsert_price says which plan a processor's price id means, and wakes the deliveries that failed for not knowing it.
--
-- Args:    p_processor  stripe, paddle or razorpay
--          p_interval   month or year
--          p_version    which version of the plan's price it is; null = as it was told before, else the newest
--          p_trial_days the trial that belongs to the price itself (Paddle); 0 = none
-- Returns: one row, the price as stored
-- Errors:  PY002 unknown plan · PY004 processor, price id or interval
-- Locks:   the price's row, and those deliveries, until commit. Idempotent.
create or replace function api.upsert_price(
  p_processor text, p_price_id text, p_plan text, p_interval text, p_version integer default null, p_trial_days integer default 0
)
returns table (processor text, price_id text, plan text, billing_interval text, version integer, trial_days integer)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_version integer;
begin
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
  end if;
  if p_interval is null or p_interval not in ('month', 'year') then
    raise exception 'interval must be month or year' using errcode = 'PY004';
  end if;
  if p_price_id is null or length(p_price_id) not between 1 and 255 then
    raise exception 'price_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;

  if p_trial_days is null or p_trial_days not between 0 and 365 then
    raise exception 'trial_days must be from 0 to 365' using errcode = 'PY004';
  end if;
  select coalesce(p_version, max(v.version), 1) into v_version
  from app.plan_prices v where v.plan = p_plan and v.billing_interval = p_interval;
  if v_version < 1 or p_version is not null and not exists (
    select from app.plan_prices v where v.plan = p_plan and v.billing_interval = p_interval and v.version = p_version) then
    raise exception 'plan % has no version % of its price per %', p_plan, p_version, p_interval using errcode = 'PY004';
  end if;

  insert into app.processor_prices as x (processor, price_id, plan, billing_interval, version, trial_days)
  values (p_processor, p_price_id, p_plan, p_interval, v_version, p_trial_days)
  on conflict (processor, price_id) do update
  set plan = excluded.plan, billing_interval = excluded.billing_interval, trial_days = excluded.trial_days,
      -- Told again without a version after there is a newer one, it must not become that.
      version = case when p_version is null and (x.plan, x.billing_interval) = (excluded.plan, excluded.billing_interval) then x.version
                     else excluded.version end
  returning x.version into v_version;

  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  from (
    select d.processor, d.id from app.webhook_events d
    where d.processor = p_processor and d.status in ('failed', 'dead') and d.last_error like 'PY412%'
      -- Not those that are due already: a price told twice would only make them wait for each other.
      and (d.attempts > 0 or d.next_attempt_at > app.clock())
    order by d.processor, d.id
    for update
  ) waiting
  where e.processor = waiting.processor and e.id = waiting.id;

  return query select p_processor, p_price_id, p_plan, p_interval, v_version, p_trial_days;
end
$$;

comment on function api.upsert_price(text, text, text, text, integer, integer) is
  'Says which plan, billing interval and version a processor''s price id means, and wakes the deliveries that failed for not knowing it.';
revoke all on function api.upsert_price(text, text, text, text, integer, integer) from public, anon, authenticated;
grant execute on function api.upsert_price(text, text, text, text, integer, integer) to service_role;
grant execute on function api.upsert_price(text, text, text, text, integer, integer) to operator;
