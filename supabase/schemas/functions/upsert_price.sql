-- upsert_price says which plan a processor's price id means, and wakes the deliveries that failed for not knowing it.
--
-- Args:    p_processor  stripe, paddle or razorpay
--          p_interval   month or year
-- Returns: one row, the price as stored
-- Errors:  PY002 unknown plan · PY004 processor, price id or interval
-- Locks:   the price's row, and those deliveries, until commit. Idempotent.
create or replace function api.upsert_price(p_processor text, p_price_id text, p_plan text, p_interval text)
returns table (processor text, price_id text, plan text, billing_interval text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
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

  insert into app.processor_prices (processor, price_id, plan, billing_interval)
  values (p_processor, p_price_id, p_plan, p_interval)
  on conflict (processor, price_id) do update set plan = excluded.plan, billing_interval = excluded.billing_interval;

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

  return query select p_processor, p_price_id, p_plan, p_interval;
end
$$;

comment on function api.upsert_price(text, text, text, text) is
  'Says which plan and billing interval a processor''s price id means, and wakes the deliveries that failed for not knowing it.';
revoke all on function api.upsert_price(text, text, text, text) from public, anon, authenticated;
grant execute on function api.upsert_price(text, text, text, text) to service_role;
grant execute on function api.upsert_price(text, text, text, text) to operator;
