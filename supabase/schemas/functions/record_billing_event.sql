-- record_billing_event takes one verified delivery in: inbox row, order by the provider's clock, and effect, in one
-- transaction. However often and in whatever order events come, the state they leave is the same.
--
-- Args:    p_account_id      the account the event names; null = not known from the event
--          p_event_id        the processor's id of the event: one row of the inbox, whatever is delivered again
--          p_kind            link, state, payment; ignored or rejected for what has no effect
--          p_event_rank      0 created, 1 payment, 2 updated, 3 ended: orders events of one instant
--          p_price_ids, p_period_starts, p_period_ends   the items, entry by entry
--          p_payload         the body as received
--          p_reason          why it is ignored or rejected
--          p_is_retry        our own retry, not a delivery
-- Returns: one row. outcome
--            processed  its effect is in force      stale      it is older than what is known; noted
--            duplicate  it was taken in before      ignored    no effect, by type
--            failed     the effect failed, last_error tells (PY413: its account is not known yet, the link will wake it;
--                       PY412: its price is not known, upsert_price will wake it); retried with growing pauses
--            dead       failed ten times, not to be retried until replayed or woken
--          tie = another state of the same instant exists: fetch the subscription and record what it is
--          linked = deliveries that waited for this link are due now
--          last_error also tells where a processed event names another account than its subscription belongs to
-- Errors:  PY004 argument. A deadlock or serialization failure is raised, for the caller to repeat; any other fault of the
--          effect is kept on the inbox row.
-- Locks:   the ids of customer and subscription, the inbox row, then the account, until commit. Idempotent per (processor, event id).
-- Source:  docs/decisions/0003-subscription-state-is-a-fold.md
create or replace function api.record_billing_event(
  p_account_id text,
  p_processor text,
  p_event_id text,
  p_event_type text,
  p_kind text,
  p_occurred_at timestamptz,
  p_event_rank integer,
  p_customer_id text,
  p_subscription_id text,
  p_status text,
  p_payment text,
  p_price_ids text[],
  p_period_starts timestamptz[],
  p_period_ends timestamptz[],
  p_cancels_at timestamptz,
  p_amount_minor bigint,
  p_currency text,
  p_payload text,
  p_reason text default null,
  p_is_retry boolean default false
)
returns table (outcome text, account_id text, subscription_id text, tie boolean, linked boolean, last_error text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_row record;
  v_item record;
  v_account_id text;
begin
  if p_kind is null or p_kind not in ('link', 'state', 'payment', 'ignored', 'rejected') then
    raise exception 'kind must be link, state, payment, ignored or rejected' using errcode = 'PY004';
  end if;
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
  end if;
  if p_event_type is null or p_payload is null or p_occurred_at is null or not isfinite(p_occurred_at) then
    raise exception 'event_type, payload and a finite occurred_at are required' using errcode = 'PY004';
  end if;
  if p_event_id is null or length(p_event_id) not between 1 and 255 then
    raise exception 'event_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if length(p_customer_id) not between 1 and 255 or length(p_subscription_id) not between 1 and 255 then
    raise exception 'customer_id and subscription_id must have 1 to 255 characters, or be null' using errcode = 'PY004';
  end if;
  if p_kind in ('state', 'payment') and p_subscription_id is null then
    raise exception 'subscription_id is required for a % event', p_kind using errcode = 'PY004';
  end if;

  -- Between "not known yet" and noting that, a link must not slip in unseen: whoever links an id waits for whoever looks it up.
  -- Taken before the inbox row, which a link may have to wake.
  perform pg_advisory_xact_lock(hashtextextended(p_processor || ':' || o, 0))
  from unnest(array[p_customer_id, p_subscription_id]) o
  where o is not null
  order by o;

  -- The conflict makes a second delivery wait for the first one's transaction, and then see its outcome.
  insert into app.webhook_events as e
    (processor, id, event_type, status, account_id, customer_id, subscription_id, occurred_at, payload, payload_sha256, created_at)
  values (p_processor, p_event_id, p_event_type, 'received', nullif(p_account_id, ''), p_customer_id, p_subscription_id, p_occurred_at,
          p_payload, encode(sha256(convert_to(p_payload, 'UTF8')), 'hex'), v_now)
  on conflict (processor, id) do update
  set deliveries = e.deliveries + case when p_is_retry then 0 else 1 end,
      -- What is about to be applied is what is kept.
      payload = case when e.status = 'failed' then excluded.payload else e.payload end,
      payload_sha256 = case when e.status = 'failed' then excluded.payload_sha256 else e.payload_sha256 end
  returning e.status, e.attempts, e.account_id, e.subscription_id, e.last_error into v_row;

  tie := false;
  linked := false;
  subscription_id := p_subscription_id;
  if v_row.status in ('processed', 'ignored', 'dead') then
    outcome := 'duplicate';
    account_id := v_row.account_id;
    last_error := v_row.last_error;
    return next;
    return;
  end if;

  if p_kind in ('ignored', 'rejected') then
    outcome := case when p_kind = 'ignored' then 'ignored' else 'dead' end;
    last_error := p_reason;
  else
    begin
      -- A customer may pay for several accounts. A payment says nothing else, and so waits for its subscription's state.
      v_account_id := app.account_of_event(p_account_id, p_processor, p_subscription_id,
                                           case when p_kind <> 'payment' then p_customer_id end);
      if v_account_id is null then
        raise exception 'no account is known yet for this customer or subscription' using errcode = 'PY413';
      end if;
      perform app.ensure_account(v_account_id);
      -- FOR UPDATE would also wait for foreign key checks, of transactions that hold counters this one comes to need.
      perform from app.accounts a where a.account_id = v_account_id for no key update;
      linked := app.link_account(v_account_id, p_processor, p_event_id, array[p_customer_id, p_subscription_id]);
      outcome := 'processed';
      if v_account_id <> nullif(p_account_id, '') then
        last_error := format('names account %s, but its subscription belongs to %s, where it was applied', p_account_id, v_account_id);
      end if;

      if p_kind in ('state', 'payment') then
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
           period_start, period_end, cancels_at, amount_minor, currency, created_at)
        values (v_account_id, p_processor, p_subscription_id, p_event_id, p_occurred_at, p_event_rank, p_status, p_payment,
                v_item.plan, v_item.price_id,
                case when v_item.period_end > v_item.period_start then v_item.period_start end,
                case when v_item.period_end > v_item.period_start then v_item.period_end end,
                p_cancels_at, p_amount_minor, p_currency, v_now)
        on conflict do nothing;
        perform app.fold_subscription(v_account_id, p_processor, p_subscription_id);
        perform app.apply_subscriptions(v_account_id);

        select case when s.as_of_event_id = p_event_id then 'processed' else 'stale' end into outcome
        from app.processor_subscriptions s
        where s.account_id = v_account_id and s.processor = p_processor and s.subscription_id = p_subscription_id;
        tie := p_kind = 'state' and exists (
          select from app.subscription_events o
          where o.account_id = v_account_id and o.processor = p_processor and o.subscription_id = p_subscription_id
            and o.event_id <> p_event_id and o.payment is null
            and o.occurred_at = p_occurred_at and o.event_rank = p_event_rank);
      end if;
    exception
      when serialization_failure or deadlock_detected then
        raise;
      when others then
        outcome := case when v_row.attempts + 1 >= 10 then 'dead' else 'failed' end;
        last_error := left(sqlstate || ' ' || sqlerrm, 500);
        linked := false;
        tie := false;
    end;
  end if;

  account_id := v_account_id;
  update app.webhook_events e
  set status = case record_billing_event.outcome when 'stale' then 'processed' else record_billing_event.outcome end,
      attempts = e.attempts + 1,
      last_error = record_billing_event.last_error,
      account_id = coalesce(v_account_id, e.account_id),
      processed_at = case when record_billing_event.outcome in ('processed', 'stale', 'ignored') then v_now end,
      next_attempt_at = case when record_billing_event.outcome = 'failed'
                             then v_now + make_interval(secs => exp(least(10, e.attempts + 1)) * (1 + random() * 0.1)) end
  where e.processor = p_processor and e.id = p_event_id;
  return next;
end
$$;

comment on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean) is
  'Takes one verified delivery in: inbox row, order by the provider''s clock, and effect, in one transaction.';
revoke all on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean) from public, anon, authenticated;
grant execute on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean) to service_role;
