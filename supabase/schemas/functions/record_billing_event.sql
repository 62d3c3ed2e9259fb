-- record_billing_event takes one verified delivery in: inbox row, order by the provider's clock, and effect, in one
-- transaction. However often and in whatever order events come, the state they leave is the same.
--
-- Args:    p_account_id      the account the event names; null = not known from the event
--          p_processor       stripe, paddle, razorpay; clerk for the end of a user or organization
--          p_event_id        the processor's id of the event: one row of the inbox, whatever is delivered again
--          p_kind            link, state, payment, refund, dispute, closed; ignored or rejected for what has no effect
--          p_event_rank      0 created, 1 payment, 2 updated, 3 ended: orders events of one instant
--          p_price_ids, p_period_starts, p_period_ends   the items, entry by entry
--          p_payload         the body as received
--          p_reason          why it is ignored or rejected
--          p_is_retry        our own retry, not a delivery
--          p_payment_id      the payment it is about; p_object_ids are other names of that payment
--          p_reversal_id     the refund or dispute; p_reversal_status pending, reversed or restored
-- Returns: one row. outcome
--            processed  its effect is in force      stale      it is older than what is known; noted
--            duplicate  it was taken in before, or an operator discarded it: it stays as it is
--            ignored    no effect, by type
--            failed     the effect failed, last_error tells (PY413: its account or payment is not known yet, the link will wake it;
--                       PY412: its price is not known, upsert_price will wake it); retried with growing pauses
--            dead       failed ten times, not to be retried until replayed or woken
--          tie = another state of the same instant exists: fetch the subscription and record what it is
--          linked = deliveries that waited for this link are due now
--          last_error also tells where a processed event names another account than its subscription belongs to
-- Errors:  PY004 argument. A deadlock or serialization failure is raised, for the caller to repeat; any other fault of the
--          effect is kept on the inbox row.
-- Locks:   the ids of customer, subscription and payment, the inbox row, then the account, until commit. Idempotent per (processor, event id).
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
  p_is_retry boolean default false,
  p_trial_ends_at timestamptz default null,
  p_payment_id text default null,
  p_object_ids text[] default '{}',
  p_reversal_id text default null,
  p_reversal_status text default null
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
  v_account_id text;
  v_payment_ids text[] := array_remove(coalesce(p_object_ids, '{}') || p_payment_id, null);
begin
  if p_kind is null or p_kind not in ('link', 'state', 'payment', 'refund', 'dispute', 'closed', 'ignored', 'rejected') then
    raise exception 'kind must be link, state, payment, refund, dispute, closed, ignored or rejected' using errcode = 'PY004';
  end if;
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay', 'clerk') then
    raise exception 'processor must be stripe, paddle, razorpay or clerk' using errcode = 'PY004';
  end if;
  if p_processor = 'clerk' and p_kind not in ('closed', 'ignored', 'rejected') then
    raise exception 'clerk tells of closed accounts only' using errcode = 'PY004';
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
  if exists (select from unnest(v_payment_ids) o where length(o) not between 1 and 255) then
    raise exception 'payment_id and object_ids must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_kind in ('refund', 'dispute') and (length(p_reversal_id) between 1 and 255 and v_payment_ids <> '{}'
      and p_reversal_status in ('pending', 'reversed', 'restored')) is not true then
    raise exception 'reversal_id, reversal_status and a payment are required for a % event', p_kind using errcode = 'PY004';
  end if;
  if p_kind = 'closed' and (case when p_processor = 'clerk' then nullif(p_account_id, '') else p_customer_id end) is null then
    raise exception 'a closed event names the account, or at a processor the customer' using errcode = 'PY004';
  end if;

  -- Between "not known yet" and noting that, a link must not slip in unseen: whoever links an id waits for whoever looks it up.
  -- Taken before the inbox row, which a link may have to wake.
  perform pg_advisory_xact_lock(hashtextextended(p_processor || ':' || o, 0))
  from (select distinct i from unnest(array[p_customer_id, p_subscription_id] || v_payment_ids) i where i is not null) as ids (o)
  order by o;

  -- The conflict makes a second delivery wait for the first one's transaction, and then see its outcome.
  insert into app.webhook_events as e
    (processor, id, event_type, status, account_id, customer_id, subscription_id, occurred_at, payload, payload_sha256, created_at, object_ids, deliveries, kind)
  values (p_processor, p_event_id, p_event_type, 'received', nullif(p_account_id, ''), p_customer_id, p_subscription_id, p_occurred_at,
          p_payload, encode(sha256(convert_to(p_payload, 'UTF8')), 'hex'), v_now, v_payment_ids,
          case when p_is_retry then 0 else 1 end, p_kind)
  on conflict (processor, id) do update
  set deliveries = e.deliveries + case when p_is_retry then 0 else 1 end,
      -- What is about to be applied is what is kept.
      kind = case when e.status = 'failed' then excluded.kind else coalesce(e.kind, excluded.kind) end,
      payload = case when e.status = 'failed' then excluded.payload else e.payload end,
      payload_sha256 = case when e.status = 'failed' then excluded.payload_sha256 else e.payload_sha256 end
  returning e.status, e.attempts, e.account_id, e.subscription_id, e.last_error into v_row;

  tie := false;
  linked := false;
  subscription_id := p_subscription_id;
  if v_row.status in ('processed', 'ignored', 'dead', 'discarded') then
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
      -- A customer may pay for several accounts. A payment says nothing else, and so waits for its subscription's state;
      -- what is about a payment waits for that payment.
      v_account_id := app.account_of_event(p_account_id, p_processor, p_subscription_id,
                                           case when p_kind in ('link', 'state', 'closed') then p_customer_id end,
                                           case when p_kind in ('link', 'refund', 'dispute') then v_payment_ids end);
      outcome := 'processed';
      if p_kind = 'closed' and p_processor <> 'clerk' then
        -- Of a customer that nobody knows yet the tombstone is all that is kept.
        insert into app.tombstones (processor, object_id, occurred_at, event_id)
        values (p_processor, p_customer_id, p_occurred_at, p_event_id)
        on conflict (processor, object_id) do update
        set occurred_at = excluded.occurred_at, event_id = excluded.event_id
        where (excluded.occurred_at, excluded.event_id collate "C") < (app.tombstones.occurred_at, app.tombstones.event_id collate "C");
      elsif v_account_id is null then
        raise exception 'no account is known yet for this customer, subscription or payment' using errcode = 'PY413';
      end if;

      if v_account_id is not null then
        perform app.ensure_account(v_account_id);
        if p_kind = 'closed' and p_processor <> 'clerk' then
          -- Several accounts are locked in the order of their ids, by everybody.
          perform from app.accounts a
          where a.account_id in (select v_account_id
                                 union
                                 select e.account_id from app.subscription_events e
                                 where e.processor = p_processor and e.customer_id = p_customer_id)
          order by a.account_id
          for no key update;
        end if;
        -- FOR UPDATE would also wait for foreign key checks, of transactions that hold counters this one comes to need.
        perform from app.accounts a where a.account_id = v_account_id for no key update;
        if v_account_id <> nullif(p_account_id, '') then
          last_error := format('names account %s, but its subscription belongs to %s, where it was applied', p_account_id, v_account_id);
        end if;
        linked := app.link_account(v_account_id, p_processor, p_event_id, array[p_customer_id, p_subscription_id], null);
        if p_kind in ('link', 'state', 'payment') then
          linked := app.link_account(v_account_id, p_processor, p_event_id, array[p_payment_id], null) or linked;
          linked := app.link_account(v_account_id, p_processor, p_event_id, p_object_ids, p_payment_id) or linked;
        end if;

        if p_kind in ('state', 'payment') then
          perform app.note_subscription_event(
            v_account_id, p_processor, p_subscription_id, p_event_id, p_occurred_at, p_event_rank, p_customer_id, p_status, p_payment,
            p_price_ids, p_period_starts, p_period_ends, p_cancels_at, p_trial_ends_at, p_amount_minor, p_currency, p_payment_id);
        elsif p_kind in ('refund', 'dispute') then
          insert into app.reversal_events
            (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids, amount_minor, currency, created_at)
          values (v_account_id, p_processor, p_reversal_id, p_event_id, p_kind, p_reversal_status, p_occurred_at, p_event_rank,
                  v_payment_ids, p_amount_minor, p_currency, v_now)
          on conflict do nothing;
        elsif p_kind = 'closed' then
          -- No decision in flight may be made for an account that is closed.
          perform from app.counters c where c.account_id = v_account_id and p_processor = 'clerk'
          order by c.metric, c.window_start
          for update;
          update app.accounts a set closed_at = least(a.closed_at, p_occurred_at)
          where a.account_id = v_account_id and p_processor = 'clerk';
        end if;
        perform app.apply_subscriptions(v_account_id);
        perform app.close_checkouts(v_account_id);
      end if;
      if p_kind = 'closed' and p_processor <> 'clerk' then
        perform app.end_customer(p_processor, p_customer_id);
      end if;

      if p_kind in ('state', 'payment') then
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
      when serialization_failure or deadlock_detected or lock_not_available then
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

comment on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) is
  'Takes one verified delivery in: inbox row, order by the provider''s clock, and effect, in one transaction.';
revoke all on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) from public, anon, authenticated;
grant execute on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) to service_role;
