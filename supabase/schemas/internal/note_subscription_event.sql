-- note_subscription_event keeps what a processor said of a subscription and folds it into the subscription's state.
--
-- Args:    those of api.record_billing_event
-- Errors:  PY412 the price means no plan, and the subscription grants one
-- Locks:   the subscription until commit; the caller holds the account. Idempotent per event.
create or replace function app.note_subscription_event(
  p_account_id text, p_processor text, p_subscription_id text, p_event_id text, p_occurred_at timestamptz, p_event_rank integer,
  p_customer_id text, p_status text, p_payment text, p_price_ids text[], p_period_starts timestamptz[], p_period_ends timestamptz[],
  p_cancels_at timestamptz, p_trial_ends_at timestamptz, p_amount_minor bigint, p_currency text, p_payment_id text
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_item record;
begin
  -- Of several items the one for the largest plan speaks.
  select i.price_id, i.period_start, i.period_end, pp.plan into v_item
  from unnest(p_price_ids, p_period_starts, p_period_ends) with ordinality as i (price_id, period_start, period_end, place)
  left join app.processor_prices pp on pp.processor = p_processor and pp.price_id = i.price_id
  left join app.plans p on p.plan = pp.plan
  order by p.position desc nulls last, i.place
  limit 1;
  if v_item.price_id is not null and v_item.plan is null
     and (p_payment = 'paid' or p_status in ('trialing', 'active', 'past_due')) then
    raise exception 'unknown price % of %: tell which plan it is with upsert_price', v_item.price_id, p_processor
      using errcode = 'PY412';
  end if;

  insert into app.subscription_events
    (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, payment, plan, price_id,
     period_start, period_end, cancels_at, amount_minor, currency, customer_id, payment_id, trial_ends_at, created_at)
  values (p_account_id, p_processor, p_subscription_id, p_event_id, p_occurred_at, p_event_rank, p_status, p_payment,
          v_item.plan, v_item.price_id,
          case when v_item.period_end > v_item.period_start then v_item.period_start end,
          case when v_item.period_end > v_item.period_start then v_item.period_end end,
          p_cancels_at, p_amount_minor, p_currency, p_customer_id, p_payment_id, p_trial_ends_at, app.clock())
  on conflict do nothing;
  perform app.fold_subscription(p_account_id, p_processor, p_subscription_id);
end
$$;

comment on function app.note_subscription_event(text, text, text, text, timestamptz, integer, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, timestamptz, bigint, text, text) is
  'Keeps what a processor said of a subscription and folds it into the subscription''s state.';
revoke all on function app.note_subscription_event(text, text, text, text, timestamptz, integer, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, timestamptz, bigint, text, text) from public, anon, authenticated, service_role;
