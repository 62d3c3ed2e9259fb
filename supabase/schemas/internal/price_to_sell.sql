-- price_to_sell finds the processor's price of the newest version of a plan.
--
-- Args:    p_trial  with the trial that belongs to the price, where the processor has such a price; else without any
-- Returns: price_id and the trial that is in it; no row = the processor does not sell it
create or replace function app.price_to_sell(p_processor text, p_plan text, p_interval text, p_trial boolean)
returns table (price_id text, trial_days integer)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select pp.price_id, pp.trial_days
  from app.processor_prices pp
  where pp.processor = p_processor and pp.plan = p_plan and pp.billing_interval = p_interval and (p_trial or pp.trial_days = 0)
  order by pp.version desc, pp.trial_days desc, pp.created_at desc, pp.price_id
  limit 1;
end
$$;

comment on function app.price_to_sell(text, text, text, boolean) is
  'The processor''s price of the newest version of a plan, with or without a trial in it.';
revoke all on function app.price_to_sell(text, text, text, boolean) from public, anon, authenticated, service_role;
