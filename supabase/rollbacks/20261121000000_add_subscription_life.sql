-- Undoes 20261121000000_add_subscription_life: purchases, scheduled changes, refunds and disputes, prices and reconciliations
-- are lost, and closed accounts are open again.
drop view app.subscriptions;
drop function app.window_at(timestamptz, timestamptz, interval) cascade;
drop function app.anchor_of_period(timestamptz, timestamptz, interval);
drop function app.account_of_event(text, text, text, text, text[]);
drop function app.link_account(text, text, text, text[], text);
drop function app.chatbot_rows(text, uuid);
drop function api.list_chatbots(text, integer, timestamptz, uuid);
drop function api.read_chatbot(text, uuid);
drop function api.update_chatbot(text, uuid, text, text, text, text);
drop function api.upsert_price(text, text, text, text, integer, integer);
drop function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text);
drop table app.reconciliation_drifts, app.reconciliation_runs, app.processor_operations, app.plan_changes, app.checkouts,
  app.tombstones, app.reversal_events, app.plan_prices;
alter table app.chatbots drop column kept_at;
drop index app.processor_subscriptions_live;
alter table app.processor_subscriptions drop column suspended_by, drop column trial_ends_at, drop column customer_id;
alter table app.subscription_events drop column trial_ends_at, drop column payment_id, drop column customer_id;
alter table app.processor_links drop column stands_for;
comment on table app.processor_links is 'Which account a processor''s customer or subscription belongs to. First come, never changed.';
delete from app.webhook_events where processor = 'clerk';
alter table app.webhook_events drop column kind, drop column object_ids;
comment on column app.webhook_events.deliveries is null;
alter table app.webhook_events drop constraint webhook_events_processor_check;
alter table app.webhook_events add constraint webhook_events_processor_check check (processor in ('stripe', 'paddle', 'razorpay'));
alter table app.accounts drop column closed_at, drop column anchor_offset, drop column pending_plan;
alter table app.processor_prices drop column trial_days, drop column version;
comment on table app.processor_prices is 'Which plan a processor''s price id means.';
alter table app.plans drop column on_dispute, drop column on_refund, drop column trial_days;

--! Included schemas/triggers/refuse_change.sql
-- refuse_change refuses an UPDATE, DELETE or TRUNCATE with the sentence the trigger gives it.
--
-- Errors:  PY411 immutable
create or replace function app.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '%', tg_argv[0] using errcode = 'PY411';
end
$$;

comment on function app.refuse_change() is
  'Trigger: refuses an UPDATE, DELETE or TRUNCATE that would break what triggers keep true (PY411).';
revoke all on function app.refuse_change() from public, anon, authenticated, service_role;
create or replace trigger ledger_is_append_only before update or delete on app.usage_events
  for each row execute function app.refuse_change('the ledger is append-only: write a correction');
create or replace trigger ledger_is_not_truncated before truncate on app.usage_events
  for each statement execute function app.refuse_change('the ledger is append-only: write a correction');
create or replace trigger subscription_events_are_append_only before update or delete on app.subscription_events
  for each row execute function app.refuse_change('what a processor said is append-only');
create or replace trigger subscription_events_are_not_truncated before truncate on app.subscription_events
  for each statement execute function app.refuse_change('what a processor said is append-only');
create or replace trigger chatbots_stay_with_their_account before update of account_id, id on app.chatbots
  for each row when (new.account_id <> old.account_id or new.id <> old.id)
  execute function app.refuse_change('a chatbot keeps its account and its id');
create or replace trigger chatbots_are_not_truncated before truncate on app.chatbots
  for each statement execute function app.refuse_change('delete chatbots instead: the gauge counts them');
create or replace trigger documents_keep_their_size before update of account_id, chatbot_id, size_bytes on app.documents
  for each row when ((new.account_id, new.chatbot_id, new.size_bytes) is distinct from (old.account_id, old.chatbot_id, old.size_bytes))
  execute function app.refuse_change('a document keeps its account, chatbot and size: upload another');
create or replace trigger documents_are_not_truncated before truncate on app.documents
  for each statement execute function app.refuse_change('delete documents instead: the gauge counts them');
--! EndIncluded schemas/triggers/refuse_change.sql

--! Included schemas/functions/upsert_price.sql
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
--! EndIncluded schemas/functions/upsert_price.sql

--! Included schemas/functions/update_chatbot.sql
-- update_chatbot changes a chatbot's settings.
--
-- Args:    null leaves a setting as it is; p_model '' = the service's default; limits as for create_chatbot
-- Returns: the chatbot after it; no row where it is not the account's
-- Errors:  PY004 argument
-- Locks:   the chatbot until commit. Idempotent.
create or replace function api.update_chatbot(
  p_account_id text, p_chatbot_id uuid, p_name text default null, p_instructions text default null,
  p_welcome_message text default null, p_model text default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if length(p_name) not between 1 and 100 then
    raise exception 'name must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if length(p_instructions) > 8000 then
    raise exception 'instructions must have at most 8000 characters' using errcode = 'PY004';
  end if;
  if length(p_welcome_message) > 500 then
    raise exception 'welcome_message must have at most 500 characters' using errcode = 'PY004';
  end if;
  if length(p_model) > 100 then
    raise exception 'model must have at most 100 characters' using errcode = 'PY004';
  end if;
  update app.chatbots b
  set name = coalesce(p_name, b.name),
      instructions = coalesce(p_instructions, b.instructions),
      welcome_message = coalesce(p_welcome_message, b.welcome_message),
      model = case when p_model is null then b.model else nullif(p_model, '') end,
      updated_at = app.clock()
  where b.account_id = p_account_id and b.id = p_chatbot_id;
  return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r where p_chatbot_id is not null;
end
$$;

comment on function api.update_chatbot(text, uuid, text, text, text, text) is
  'Changes a chatbot''s settings; null leaves one as it is, an empty model means the service''s default.';
revoke all on function api.update_chatbot(text, uuid, text, text, text, text) from public, anon, authenticated;
grant execute on function api.update_chatbot(text, uuid, text, text, text, text) to service_role;
--! EndIncluded schemas/functions/update_chatbot.sql

drop function api.settle_operation;

drop function api.settle_checkout;

drop function api.reserve_checkout;

--! Included schemas/functions/record_billing_event.sql
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
--! EndIncluded schemas/functions/record_billing_event.sql

drop function api.reconcile_event;

drop function api.read_subscription;

drop function api.read_processor_health;

drop function api.read_clock;

drop function api.read_checkout;

--! Included schemas/functions/read_chatbot.sql
-- read_chatbot reads one chatbot.
--
-- Returns: the chatbot with the number and size of its documents; no row where it is not the account's
create or replace function api.read_chatbot(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_chatbot_id is not null then
    return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r;
  end if;
end
$$;

comment on function api.read_chatbot(text, uuid) is
  'One chatbot of an account; no row where it is not the account''s.';
revoke all on function api.read_chatbot(text, uuid) from public, anon, authenticated;
grant execute on function api.read_chatbot(text, uuid) to service_role;
--! EndIncluded schemas/functions/read_chatbot.sql

--! Included schemas/functions/read_account.sql
-- read_account tells an account's plan in force, its subscription and its current window; makes it on its first use.
--
-- Args:    p_account_id  Clerk user or organization id
-- Returns: one row. plan is the plan in force; subscribed_plan what the subscription is for (null without one); status
--          'none' without a subscription; grace_ends_at when past due; times in UTC
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_account(p_account_id text)
returns table (
  account_id text,
  plan text,
  plan_name text,
  subscribed_plan text,
  status text,
  processor text,
  subscription_id text,
  window_start timestamptz,
  window_end timestamptz,
  period_end timestamptz,
  cancels_at timestamptz,
  grace_ends_at timestamptz,
  created_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (select from app.accounts a where a.account_id = p_account_id) then
    perform app.ensure_account(p_account_id);
  end if;
  return query
  select a.account_id, p.plan, p.name, s.plan, coalesce(s.status, 'none'), s.processor, s.subscription_id,
         w.window_start, w.window_end, s.period_end, s.cancels_at,
         case when s.status = 'past_due' then a.plan_ends_at end, a.created_at
  from app.accounts a
  join app.plans p on p.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
  cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from)) w
  left join lateral app.subscription_to_show(a.account_id) s on true
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_account(text) is
  'Tells an account''s plan in force, its subscription and its current window; makes the account on its first use.';
revoke all on function api.read_account(text) from public, anon, authenticated;
grant execute on function api.read_account(text) to service_role;
--! EndIncluded schemas/functions/read_account.sql

drop function api.queue_due_changes;

drop function api.preview_plan_change;

drop function api.open_checkout;

drop function api.next_change_at;

drop function api.move_clock;

drop function api.list_plan_prices;

drop function api.list_old_prices;

drop function api.list_live_subscriptions;

drop function api.list_expired_checkouts;

drop function api.list_drifts;

drop function api.list_downgrade_candidates;

--! Included schemas/functions/list_chatbots.sql
-- list_chatbots lists an account's chatbots, newest first, a page at a time.
--
-- Args:    p_limit                1 to 100
--          p_before_created_at,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: the chatbots with the number and size of their documents
-- Errors:  PY004 limit
create or replace function api.list_chatbots(
  p_account_id text, p_limit integer default 50, p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  with page as (
    select b.id from app.chatbots b
    where b.account_id = p_account_id
      and (p_before_created_at is null or (b.created_at, b.id) < (p_before_created_at, p_before_id))
    order by b.created_at desc, b.id desc
    limit p_limit
  )
  select r.* from page cross join lateral app.chatbot_rows(p_account_id, page.id) r
  order by r.created_at desc, r.chatbot_id desc;
end
$$;

comment on function api.list_chatbots(text, integer, timestamptz, uuid) is
  'Lists an account''s chatbots, newest first, a page at a time.';
revoke all on function api.list_chatbots(text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_chatbots(text, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_chatbots.sql

drop function api.keep_chatbots;

--! Included schemas/functions/create_document.sql
-- create_document stores a document's passages where the quota storage_bytes allows it.
--
-- Args:    p_size_bytes  the size of the file as uploaded: what counts
--          p_sha256      of that file, lower-case hexadecimal
--          p_passages    its text in order, 1 to 10,000 passages of 1 to 10,000 characters
--          p_request_id  makes the call safe to repeat
-- Returns: one row: the decision on storage_bytes, and the document (null columns when refused, or deleted since);
--          no row where the chatbot is not the account's
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the chatbot (shared) and the gauge until commit. Idempotent per (account, request id).
create or replace function api.create_document(
  p_account_id text, p_chatbot_id uuid, p_name text, p_media_type text, p_size_bytes bigint, p_sha256 text,
  p_passages text[], p_request_id text default null
)
returns table (
  allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean,
  document_id uuid, chatbot_id uuid, name text, media_type text, size_bytes bigint, passage_count integer, created_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_refusal text;
begin
  if p_name is null or length(p_name) not between 1 and 255 then
    raise exception 'name must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_media_type is null or length(p_media_type) not between 1 and 100 then
    raise exception 'media_type must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if p_size_bytes is null or p_size_bytes not between 1 and 1000000000 then
    raise exception 'size_bytes must be from 1 to 1000000000' using errcode = 'PY004';
  end if;
  if p_sha256 is null or p_sha256 !~ '^[0-9a-f]{64}$' then
    raise exception 'sha256 must be 64 lower-case hexadecimal digits' using errcode = 'PY004';
  end if;
  if coalesce(cardinality(p_passages), 0) not between 1 and 10000 then
    raise exception 'passages must have 1 to 10000 entries' using errcode = 'PY004';
  end if;
  if exists (select from unnest(p_passages) p where p is null or length(p) not between 1 and 10000) then
    raise exception 'passages must have 1 to 10000 characters each' using errcode = 'PY004';
  end if;

  -- Against a delete of the chatbot in between.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'create_document',
      encode(sha256(convert_to(jsonb_build_array(p_chatbot_id, p_name, p_media_type, p_sha256)::text, 'UTF8')), 'hex'), v_id);
    if v_claimed = v_id then
      insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count, created_at)
      values (p_account_id, v_id, p_chatbot_id, p_name, p_media_type, p_size_bytes, p_sha256, cardinality(p_passages), app.clock());
      insert into app.passages (account_id, document_id, place, chatbot_id, content)
      select p_account_id, v_id, p.place, p_chatbot_id, p.content
      from unnest(p_passages) with ordinality as p (content, place);
    end if;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid, null::text,
           null::text, null::bigint, null::integer, null::timestamptz
    from jsonb_to_record(v_refusal::jsonb) as d (used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  return query
  select true, c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, v_claimed <> v_id,
         d.id, d.chatbot_id, d.name, d.media_type, d.size_bytes, d.passage_count, d.created_at
  from app.entitlement(p_account_id, 'storage_bytes') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity'
  left join app.documents d on d.account_id = p_account_id and d.id = v_claimed;
end
$$;

comment on function api.create_document(text, uuid, text, text, bigint, text, text[], text) is
  'Stores a document''s passages where the storage quota allows it; the gauge moves in the same transaction.';
revoke all on function api.create_document(text, uuid, text, text, bigint, text, text[], text) from public, anon, authenticated;
grant execute on function api.create_document(text, uuid, text, text, bigint, text, text[], text) to service_role;
--! EndIncluded schemas/functions/create_document.sql

--! Included schemas/functions/create_conversation.sql
-- create_conversation opens a conversation with a chatbot.
--
-- Args:    p_title       up to 200 characters
--          p_channel     playground, widget or api
--          p_request_id  makes the call safe to repeat
-- Returns: the conversation; no row where the chatbot is not the account's, or a replayed conversation has been deleted
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the chatbot (shared) until commit. Idempotent per (account, request id).
create or replace function api.create_conversation(
  p_account_id text, p_chatbot_id uuid, p_title text default '', p_channel text default 'api', p_request_id text default null
)
returns table (
  conversation_id uuid, chatbot_id uuid, title text, channel text, replayed boolean, created_at timestamptz, updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
begin
  if length(p_title) > 200 then
    raise exception 'title must have at most 200 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;

  v_claimed := app.claim_request(p_account_id, p_request_id, 'create_conversation',
    encode(sha256(convert_to(jsonb_build_array(p_chatbot_id, p_title, p_channel)::text, 'UTF8')), 'hex'), v_id);
  if v_claimed = v_id then
    insert into app.conversations (account_id, id, chatbot_id, title, channel, created_at, updated_at)
    values (p_account_id, v_id, p_chatbot_id, coalesce(p_title, ''), p_channel, app.clock(), app.clock());
  end if;
  return query
  select c.id, c.chatbot_id, c.title, c.channel, v_claimed <> v_id, c.created_at, c.updated_at
  from app.conversations c
  where c.account_id = p_account_id and c.id = v_claimed;
end
$$;

comment on function api.create_conversation(text, uuid, text, text, text) is
  'Opens a conversation with a chatbot. Safe to repeat with a request id.';
revoke all on function api.create_conversation(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.create_conversation(text, uuid, text, text, text) to service_role;
--! EndIncluded schemas/functions/create_conversation.sql

drop function api.claim_operations;

--! Included schemas/functions/check_invariants.sql
-- check_invariants asks the database itself which invariants of ARCHITECTURE.md hold, and whether every grant is as it
-- must be. It reads tables and the catalog, and trusts no function of ours; it changes nothing.
--
-- Returns: one row per check, in the order of the page: violations (0 = it holds) and one example in words
-- Locks:   none; all checks see one moment where the caller's transaction is repeatable read, else nearly one
create or replace function api.check_invariants()
returns table (place integer, name text, violations bigint, example text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with found (place, what) as (
    -- 1
    select 1, format('%s of %s in the window of %s: counter %s, ledger %s', coalesce(c.metric, l.metric),
                     coalesce(c.account_id, l.account_id), coalesce(c.window_start, l.window_start),
                     coalesce(c.used, 0), coalesce(l.summed, 0))
    from app.counters c
    full join (
      select e.account_id, e.metric, e.window_start, sum(e.amount) as summed
      from app.usage_events e group by e.account_id, e.metric, e.window_start
    ) l on l.account_id = c.account_id and l.metric = c.metric and l.window_start = c.window_start
    where coalesce(c.used, 0) <> coalesce(l.summed, 0)
    union all
    -- A counter above its quota is in order only where the plan fell after the last grant: where a plan the account had
    -- gives that much. A catalog that was lowered is found here too.
    select 2, format('%s has %s of %s %s on plan %s', c.account_id, c.used, q.quota, c.metric, u.plan)
    from app.counters c
    join app.metrics m on m.metric = c.metric
    join app.accounts a on a.account_id = c.account_id
    cross join lateral (select case when a.plan_ends_at <= app.clock() then 'free' else a.plan end) u (plan)
    join app.plan_quotas q on q.plan = u.plan and q.metric = c.metric
    cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from)) w
    where c.used > q.quota
      and c.window_start = case when m.kind = 'gauge' then '-infinity'::timestamptz else w.window_start end
      and not exists (
        select from app.subscription_events s
        join app.plan_quotas had on had.plan in (s.plan, 'free') and had.metric = c.metric
        where s.account_id = a.account_id and (had.quota is null or had.quota >= c.used))
    union all
    select 3, format('%s has %s chatbots, its gauge says %s', a.account_id, b.actual, coalesce(c.used, 0))
    from app.accounts a
    cross join lateral (select count(*) as actual from app.chatbots x where x.account_id = a.account_id) b
    left join app.counters c on c.account_id = a.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
    where b.actual <> coalesce(c.used, 0)
    union all
    select 4, format('%s stores %s bytes, its gauge says %s', a.account_id, d.actual, coalesce(c.used, 0))
    from app.accounts a
    cross join lateral (select coalesce(sum(x.size_bytes), 0) as actual from app.documents x where x.account_id = a.account_id) d
    left join app.counters c on c.account_id = a.account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity'
    where d.actual <> coalesce(c.used, 0)
    union all
    select 5, format('%s %s was said to be processed, but nothing of it is there', w.processor, w.id)
    from app.webhook_events w
    where w.status = 'processed' and w.subscription_id is not null
      and not exists (select from app.subscription_events s where s.processor = w.processor and s.event_id = w.id)
      -- A checkout says whose a subscription is, and nothing else.
      and not (w.event_type like 'checkout.%' and exists (
        select from app.processor_links l where l.processor = w.processor and l.object_id = w.subscription_id))
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', s.processor, s.event_id, coalesce(w.status, 'missing'))
    from app.subscription_events s
    left join app.webhook_events w on w.processor = s.processor and w.id = s.event_id
    where w.status is distinct from 'processed'
    union all
    select 7, case
      when p.account_id is null then format('%s speaks of %s of %s, which is not there', s.event_id, s.subscription_id, s.account_id)
      when (s.occurred_at, s.event_rank, s.event_id collate "C") > (p.as_of, p.as_of_rank, p.as_of_event_id collate "C") then
        format('%s of %s is as of %s, but %s of %s is later', p.subscription_id, p.account_id, p.as_of_event_id, s.event_id, s.occurred_at)
      when (s.occurred_at, s.event_rank, s.event_id) = (p.as_of, p.as_of_rank, p.as_of_event_id) then
        format('%s of %s is %s on %s, but %s says %s on %s',
               p.subscription_id, p.account_id, p.status, p.plan, s.event_id, s.status, s.plan)
      else format('%s of %s is as of %s, which says nothing of it', p.subscription_id, p.account_id, p.as_of_event_id)
    end
    from app.processor_subscriptions p
    full join (
      select distinct on (e.account_id, e.processor, e.subscription_id) e.*
      from app.subscription_events e
      order by e.account_id, e.processor, e.subscription_id, e.occurred_at desc, e.event_rank desc, e.event_id collate "C" desc
    ) s on s.account_id = p.account_id and s.processor = p.processor and s.subscription_id = p.subscription_id
    -- A payment says no status and a missing plan erases nothing, so only what the event says is compared.
    where (s.occurred_at, s.event_rank, s.event_id) is distinct from (p.as_of, p.as_of_rank, p.as_of_event_id)
      or s.status <> p.status
      or s.status is not null and s.plan is distinct from p.plan and s.plan is not null
    union all
    select 8, format('the window of %s of %s from %s was opened by %s, which says nothing of it', w.subscription_id, w.account_id, w.window_start, w.opened_by)
    from app.windows w
    where not exists (
      select from app.subscription_events s
      where s.account_id = w.account_id and s.processor = w.processor and s.subscription_id = w.subscription_id
        and s.event_id = w.opened_by and s.period_start = w.window_start)
    union all
    select 9, format('%s has %s subscriptions in force', p.account_id, count(*))
    from app.processor_subscriptions p where p.in_force group by p.account_id having count(*) > 1
    union all
    select 10, format('%s %s of %s is tied to account %s', p.processor, p.subscription_id, p.account_id, l.account_id)
    from app.processor_subscriptions p
    join app.processor_links l on l.processor = p.processor and l.object_id = p.subscription_id
    where l.account_id <> p.account_id
    union all
    select 11, format('reservation %s of %s is open %s after its expiry', r.request_id, r.account_id, app.clock() - r.expires_at)
    from app.usage_reservations r
    where r.status = 'open' and r.expires_at < app.clock() - interval '5 minutes'
    union all
    select 12, format('an error stored with %s holds what looks like a secret or a token', e.source)
    from (
      select 'delivery ' || w.id, w.last_error from app.webhook_events w
      union all
      select 'answer ' || m.id, m.error from app.messages m
    ) e (source, error)
    where e.error ~ '(whsec_|sk_live_|sk_test_|rk_live_|pdl_ntfset_|eyJ[\w-]{10,}\.[\w-]+\.)'
    union all
    select 13, v.what from app.wrong_grants() v (what)
    union all
    select 14, v.what from app.missing_guards() v (what)
  )
  select c.place, c.name, count(f.what), min(f.what)
  from (values
    (1, 'a counter is the sum of its ledger'),
    (2, 'a counter is within its quota'),
    (3, 'the gauge of chatbots is the number of chatbots'),
    (4, 'the gauge of storage is the size of the documents'),
    (5, 'what is processed has its effect'),
    (6, 'what has an effect is processed'),
    (7, 'a subscription is as its latest event says'),
    (8, 'a window was opened by an event that carries it'),
    (9, 'one subscription of an account is in force'),
    (10, 'nothing of one account belongs to another'),
    (11, 'no reservation outlives its expiry'),
    (12, 'no stored error holds a secret'),
    (13, 'no role may more than it must'),
    (14, 'row security, triggers and search paths are in place')
  ) c (place, name)
  left join found f on f.place = c.place
  group by c.place, c.name
  order by c.place;
end
$$;

comment on function api.check_invariants() is
  'Asks the database which invariants of ARCHITECTURE.md do not hold, and which grants are not as they must be; reads tables, trusts no function.';
revoke all on function api.check_invariants() from public, anon, authenticated;
grant execute on function api.check_invariants() to service_role;
grant execute on function api.check_invariants() to operator;
--! EndIncluded schemas/functions/check_invariants.sql

drop function api.begin_subscription_change;

drop function api.begin_reconciliation;

drop function api.begin_plan_change_undo;

drop function api.begin_plan_change;

--! Included schemas/functions/begin_answer.sql
-- begin_answer decides everything an answer costs before the model is called, and stores the question: all or nothing.
-- It reserves one message, the estimated tokens, and for channel api one API call; finish_answer settles them.
--
-- Args:    p_content             the question, 1 to 8,000 characters
--          p_token_estimate      upper bound of tokens in and out, 1 to 1,000,000,000
--          p_request_id          makes the call safe to repeat
--          p_channel             playground, widget or api
--          p_expires_in_seconds  when the sweeper may take the answer for lost
--          p_message_id          a new id for the answer, chosen by the caller: a call repeated because its connection was
--                                lost is recognised by it, and told that it started
-- Returns: one row. outcome
--            started    generate the answer for message_id, then call finish_answer
--            refused    metric and the decision say which quota is used up; nothing was stored or charged
--            running    the same request is being answered, as message_id
--            replayed   the same request was answered, by message_id; a failed answer is not replayed but tried again
--            not_found  no such conversation of this account and chatbot
-- Errors:  PY003 estimate · PY004 argument · PY409 request id used for another request
-- Locks:   the counters until commit. Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.begin_answer(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, p_content text, p_token_estimate bigint,
  p_request_id text default null, p_channel text default 'api', p_expires_in_seconds integer default 900,
  p_message_id uuid default null
)
returns table (
  outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text,
  replayed boolean, user_message_id uuid, message_id uuid
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_answer uuid := coalesce(p_message_id, gen_random_uuid());
  v_claimed uuid;
  v_status text;
  v_charge record;
  v_decision record;
  v_refusal text;
begin
  if p_content is null or length(p_content) not between 1 and 8000 then
    raise exception 'content must have 1 to 8000 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  perform from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id
  for key share;
  if not found then
    outcome := 'not_found';
    return next;
    return;
  end if;

  -- The caller's own repeat: nobody else knows this id, and nobody else would generate the answer.
  select case m.status when 'streaming' then 'started' else 'replayed' end, 'messages', true,
         c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, true, q.id, m.id
  into outcome, metric, allowed, used, quota, remaining, resets_at, plan, replayed, user_message_id, message_id
  from app.messages m
  cross join lateral app.entitlement(p_account_id, 'messages') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'messages' and c.window_start = e.window_start
  left join lateral (
    select u.id from app.messages u
    where u.account_id = m.account_id and u.conversation_id = m.conversation_id and u.role = 'user' and u.place < m.place
    order by u.place desc limit 1
  ) q on true
  where m.account_id = p_account_id and m.id = p_message_id and m.conversation_id = p_conversation_id;
  if found then
    return next;
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'begin_answer',
      encode(sha256(convert_to(jsonb_build_array(p_conversation_id, p_content, p_channel)::text, 'UTF8')), 'hex'), v_answer);
    if v_claimed <> v_answer then
      select m.status into v_status from app.messages m where m.account_id = p_account_id and m.id = v_claimed;
      if v_status <> 'failed' then
        outcome := case when v_status = 'streaming' then 'running' else 'replayed' end;
        replayed := true;
        message_id := v_claimed;
        return next;
        return;
      end if;
      update app.idempotency_keys k set resource_id = v_answer
      where k.account_id = p_account_id and k.request_id = p_request_id;
    end if;

    -- In the order of their names, as batches lock them; messages last, so that their decision is the one returned.
    for v_charge in
      select * from (values ('api_calls', 1::bigint), ('llm_tokens', p_token_estimate), ('messages', 1::bigint)) c (metric, amount)
      where c.metric <> 'api_calls' or p_channel = 'api'
    loop
      select r.* into v_decision
      from app.reserve(p_account_id, v_charge.metric, v_charge.amount, 'answer:' || v_answer || ':' || v_charge.metric,
                       p_expires_in_seconds, v_answer, p_chatbot_id, p_conversation_id, p_channel, 'answer') r;
      if not v_decision.allowed then
        raise exception 'quota exceeded' using errcode = 'PY402',
          detail = (to_jsonb(v_decision) || jsonb_build_object('metric', v_charge.metric))::text;
      end if;
    end loop;

    user_message_id := gen_random_uuid();
    message_id := v_answer;
    insert into app.messages (account_id, id, conversation_id, role, status, content, created_at, finished_at)
    values (p_account_id, user_message_id, p_conversation_id, 'user', 'complete', p_content, app.clock(), app.clock());
    insert into app.messages (account_id, id, conversation_id, role, status, created_at)
    values (p_account_id, message_id, p_conversation_id, 'assistant', 'streaming', app.clock());
    update app.conversations c set updated_at = app.clock()
    where c.account_id = p_account_id and c.id = p_conversation_id;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select 'refused', d.metric, false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid
    from jsonb_to_record(v_refusal::jsonb) as d (
      metric text, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  outcome := 'started';
  metric := v_charge.metric;
  allowed := true;
  used := v_decision.used;
  quota := v_decision.quota;
  remaining := v_decision.remaining;
  resets_at := v_decision.resets_at;
  plan := v_decision.plan;
  replayed := false;
  return next;
end
$$;

comment on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) is
  'Decides everything an answer costs, before the model is called, and stores the question: all of it or nothing.';
revoke all on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) from public, anon, authenticated;
grant execute on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) to service_role;
--! EndIncluded schemas/functions/begin_answer.sql

drop function api.advance_reconciliation;

--! Included schemas/internal/wrong_grants.sql
-- wrong_grants names each privilege on schemas app and api that a role has and must not have, or lacks and must have.
--
-- Returns: one sentence per fault
create or replace function app.wrong_grants()
returns setof text
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  -- Functions of api are for the server; a few repairs are for the operator too; nobody else calls any.
  select format('%s may execute %s', r.role, p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join (values ('anon'), ('authenticated'), ('service_role'), ('operator')) r (role)
  where n.nspname in ('app', 'api') and has_function_privilege(r.role, p.oid, 'execute')
    and not (n.nspname = 'api' and r.role = 'service_role')
    and not (r.role = 'authenticated' and p.proname = 'signed_in_account')
    and not (r.role = 'operator' and p.proname in (
      'sync_chatbot_count', 'upsert_price', 'replay_webhook_event', 'check_invariants', 'schema_version',
      'clock', 'window_at', 'entitlement', 'subscription_to_show'))
  union all
  select format('%s may not execute %s', r.role, p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join (values ('service_role'), ('operator')) r (role)
  where n.nspname = 'api' and not has_function_privilege(r.role, p.oid, 'execute')
    and (r.role = 'service_role' or p.proname in (
      'sync_chatbot_count', 'upsert_price', 'replay_webhook_event', 'check_invariants', 'schema_version'))
  union all
  select format('public may execute %s', p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
  where n.nspname in ('app', 'api') and a.grantee = 0
  union all
  -- Tables and views: the operator reads all of app, a signed-in user its own rows, the server nothing, nobody writes.
  select format('%s may %s %s', r.role, lower(v.privilege), c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join (values ('anon'), ('authenticated'), ('service_role'), ('operator')) r (role)
  cross join (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) v (privilege)
  where n.nspname in ('app', 'api') and c.relkind in ('r', 'p', 'v', 'm')
    -- A grant on one column is a grant too.
    and case when v.privilege in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') then has_any_column_privilege(r.role, c.oid, v.privilege)
             else has_table_privilege(r.role, c.oid, v.privilege) end
    and not (v.privilege = 'SELECT' and r.role = 'operator' and n.nspname = 'app')
    and not (v.privilege = 'SELECT' and r.role = 'authenticated' and c.relname in (
      'metrics', 'plans', 'plan_quotas', 'accounts', 'usage_events', 'counters', 'chatbots', 'documents', 'conversations',
      'messages', 'processor_subscriptions', 'my_chatbots', 'my_documents', 'my_conversations', 'my_messages', 'my_usage_events'))
  union all
  select format('%s may not select %s', r.role, c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join (values ('operator'), ('authenticated')) r (role)
  where c.relkind in ('r', 'p', 'v', 'm') and not has_table_privilege(r.role, c.oid, 'SELECT')
    and (r.role = 'operator' and n.nspname = 'app' or r.role = 'authenticated' and n.nspname = 'api')
  union all
  select format('%s may create in schema %s', r.role, n.nspname)
  from pg_catalog.pg_namespace n
  cross join (values ('anon'), ('authenticated'), ('service_role'), ('operator')) r (role)
  where n.nspname in ('app', 'api') and has_schema_privilege(r.role, n.oid, 'CREATE');
end
$$;

comment on function app.wrong_grants() is
  'Names each privilege that a role has and must not have, or lacks and must have.';
revoke all on function app.wrong_grants() from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/wrong_grants.sql

--! Included schemas/internal/window_at.sql
-- window_at finds the window an instant falls into: [anchor + k months, anchor + (k+1) months), in UTC.
-- Every bound is computed from the anchor, never from the bound before: 31 Jan, 28 Feb, 31 Mar.
--
-- Args:    p_anchor  where windows start
--          p_at      the instant; may lie before the anchor
-- Returns: window_start <= p_at < window_end
-- Source:  Stripe's rule for a billing cycle anchor on a day that a month lacks (docs.stripe.com/billing/subscriptions/billing-cycle)
create or replace function app.window_at(p_anchor timestamptz, p_at timestamptz, out window_start timestamptz, out window_end timestamptz)
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_anchor timestamp := p_anchor at time zone 'UTC';
  v_at timestamp := p_at at time zone 'UTC';
  v_months integer := (extract(year from v_at) - extract(year from v_anchor)) * 12
                      + extract(month from v_at) - extract(month from v_anchor);
begin
  -- Bound number v_months lies in the month of v_at, so the window is this one or the one before.
  if v_anchor + make_interval(months => v_months) > v_at then
    v_months := v_months - 1;
  end if;
  window_start := (v_anchor + make_interval(months => v_months)) at time zone 'UTC';
  window_end := (v_anchor + make_interval(months => v_months + 1)) at time zone 'UTC';
end
$$;

comment on function app.window_at(timestamptz, timestamptz) is
  'The window an instant falls into: anchor + k months to anchor + (k+1) months, half-open, in UTC.';
revoke all on function app.window_at(timestamptz, timestamptz) from public, anon, authenticated, service_role;
grant execute on function app.window_at(timestamptz, timestamptz) to operator;
--! EndIncluded schemas/internal/window_at.sql

drop function app.suspension_of;

drop function app.subscription_facts;

drop function app.reversal_facts;

drop function app.require_writable_chatbot;

drop function app.read_only_chatbots;

drop function app.queue_operation;

drop function app.price_to_sell;

drop function app.plan_change_of;

drop function app.note_subscription_event;

--! Included schemas/internal/missing_guards.sql
-- missing_guards names what would let rows or invariants be passed by: a table without row security, a function without a
-- fixed search path, a view that runs with its owner's rights, a guarding trigger that is missing or switched off.
--
-- Returns: one sentence per fault
create or replace function app.missing_guards()
returns setof text
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select format('%s has no row security', c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'api') and c.relkind in ('r', 'p') and not c.relrowsecurity
  union all
  select format('policy %s of %s lets rows of others be read', p.polname, p.polrelid::regclass)
  from pg_catalog.pg_policy p
  join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'api')
    and p.polroles <> array['operator'::regrole::oid]
    and not (p.polcmd = 'r' and p.polroles = array['authenticated'::regrole::oid]
             and (c.relname in ('metrics', 'plans', 'plan_quotas')
                  or pg_get_expr(p.polqual, p.polrelid) = '(account_id = ( SELECT app.signed_in_account() AS signed_in_account))'))
  union all
  select format('%s has no fixed search_path', p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('app', 'api') and not coalesce(p.proconfig @> array['search_path=""'], false)
  union all
  select format('%s runs with the rights of its owner', c.oid::regclass)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'api') and c.relkind = 'v' and not coalesce(c.reloptions @> array['security_invoker=true'], false)
  union all
  select format('trigger %s of app.%s is missing or switched off', g.name, g.relation)
  from (values
    ('chatbots', 'chatbots_move_gauge'), ('chatbots', 'chatbots_stay_with_their_account'), ('chatbots', 'chatbots_are_not_truncated'),
    ('documents', 'documents_move_gauge'), ('documents', 'documents_keep_their_size'), ('documents', 'documents_are_not_truncated'),
    ('usage_events', 'ledger_is_append_only'), ('usage_events', 'ledger_is_not_truncated'),
    ('subscription_events', 'subscription_events_are_append_only'), ('subscription_events', 'subscription_events_are_not_truncated'),
    ('plans', 'complete_plan_quotas'), ('metrics', 'complete_plan_quotas')
  ) g (relation, name)
  where not exists (
    select from pg_catalog.pg_trigger t
    where t.tgrelid = ('app.' || g.relation)::regclass and t.tgname = g.name and t.tgenabled in ('O', 'A'));
end
$$;

comment on function app.missing_guards() is
  'Names each table without row security, function without a fixed search path, and guarding trigger that is missing or switched off.';
revoke all on function app.missing_guards() from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/missing_guards.sql

--! Included schemas/internal/link_account.sql
-- link_account ties processor ids to an account. First come, never changed. Deliveries that failed for want of the link
-- become due in the same transaction, dead ones too.
--
-- Args:    p_event_id    the event that says so
--          p_object_ids  customer and subscription ids; nulls are passed over
-- Returns: true when any link was new
-- Locks:   the new links, and the deliveries woken, until commit. Idempotent.
create or replace function app.link_account(p_account_id text, p_processor text, p_event_id text, p_object_ids text[])
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_new text[];
begin
  with linked as (
    insert into app.processor_links (processor, object_id, account_id, event_id, created_at)
    select p_processor, o, p_account_id, p_event_id, app.clock()
    from unnest(p_object_ids) o
    where o is not null
    order by o
    on conflict (processor, object_id) do nothing
    returning object_id
  )
  select array_agg(l.object_id) into v_new from linked l;
  if v_new is null then
    return false;
  end if;
  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  where e.status in ('failed', 'dead') and e.last_error like 'PY413%' and e.processor = p_processor and e.id <> p_event_id
    and (e.subscription_id = any (v_new) or e.customer_id = any (v_new));
  return true;
end
$$;

comment on function app.link_account(text, text, text, text[]) is
  'Ties processor ids to an account, first come; wakes the deliveries that failed for want of it. True when any was new.';
revoke all on function app.link_account(text, text, text, text[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/link_account.sql

drop function app.keeps_change;

drop function app.hold_open_account;

drop function app.granted_plan;

drop function app.follow_plan_change;

--! Included schemas/internal/fold_subscription.sql
-- fold_subscription computes a subscription's present state from everything its processor ever said of it, in the
-- processor's order. The state is a function of the set of events alone: arrival order, duplicates and pauses in delivery
-- cannot change it.
--
--   state event    status, plan and cancellation are what it says; a missing plan or period erases nothing
--   payment paid   past_due or incomplete becomes active; anything else stays (money does not revive a cancellation)
--   payment failed active or trialing becomes past_due; without any state yet it is incomplete
--   payment        without a period (a proration, a one-off, a changed card) or for one before the known changes nothing;
--                  it tells the plan only where none is known, or with a later period
--   period         counts while live (trialing, active, past_due); the latest start wins; each start opens one window
--
-- Locks:   the subscription until commit; the caller holds the account. Idempotent.
create or replace function app.fold_subscription(p_account_id text, p_processor text, p_subscription_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_event record;
  v_state app.processor_subscriptions;
  v_starts timestamptz[] := '{}';
  v_ends timestamptz[] := '{}';
  v_openers text[] := '{}';
begin
  v_state.account_id := p_account_id;
  v_state.processor := p_processor;
  v_state.subscription_id := p_subscription_id;

  for v_event in
    select e.* from app.subscription_events e
    where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id
    order by e.occurred_at, e.event_rank, e.event_id collate "C"
  loop
    if v_event.status is not null then
      v_state.status := v_event.status;
      v_state.cancels_at := v_event.cancels_at;
    elsif v_event.period_start is null or v_event.period_start < v_state.period_start then
      v_state.status := coalesce(v_state.status, 'incomplete');
    elsif v_event.payment = 'paid' then
      v_state.status := case when v_state.status is null or v_state.status in ('past_due', 'incomplete') then 'active' else v_state.status end;
    else
      v_state.status := case when v_state.status is null then 'incomplete'
                             when v_state.status in ('active', 'trialing') then 'past_due'
                             else v_state.status end;
    end if;
    if v_event.status is not null or v_state.plan is null or v_event.period_start > v_state.period_start then
      v_state.plan := coalesce(v_event.plan, v_state.plan);
      v_state.price_id := coalesce(v_event.price_id, v_state.price_id);
    end if;
    v_state.past_due_since := case when v_state.status = 'past_due' then coalesce(v_state.past_due_since, v_event.occurred_at) end;

    if v_state.status in ('trialing', 'active', 'past_due') and v_event.period_start is not null then
      if v_event.period_start <> all (v_starts) then
        v_starts := v_starts || v_event.period_start;
        v_ends := v_ends || v_event.period_end;
        v_openers := v_openers || v_event.event_id;
      end if;
      if v_state.period_start is null or v_event.period_start >= v_state.period_start then
        v_state.period_start := v_event.period_start;
        v_state.period_end := v_event.period_end;
      end if;
    end if;
    v_state.as_of := v_event.occurred_at;
    v_state.as_of_rank := v_event.event_rank;
    v_state.as_of_event_id := v_event.event_id;
  end loop;
  if v_state.as_of is null then
    return;
  end if;

  insert into app.processor_subscriptions as s
    (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end, cancels_at,
     past_due_since, as_of, as_of_rank, as_of_event_id)
  values (p_account_id, p_processor, p_subscription_id, v_state.status, v_state.plan, v_state.price_id, v_state.period_start,
          v_state.period_end, v_state.cancels_at, v_state.past_due_since, v_state.as_of, v_state.as_of_rank, v_state.as_of_event_id)
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, plan = excluded.plan, price_id = excluded.price_id, period_start = excluded.period_start,
      period_end = excluded.period_end, cancels_at = excluded.cancels_at, past_due_since = excluded.past_due_since,
      as_of = excluded.as_of, as_of_rank = excluded.as_of_rank, as_of_event_id = excluded.as_of_event_id;

  -- A window opened on half the story (money that turns out to have come after the end) is taken back with it.
  delete from app.windows w
  where w.account_id = p_account_id and w.processor = p_processor and w.subscription_id = p_subscription_id
    and w.window_start <> all (v_starts);
  insert into app.windows as w (account_id, processor, subscription_id, window_start, window_end, opened_by, created_at)
  select p_account_id, p_processor, p_subscription_id, o.window_start, o.window_end, o.opened_by, app.clock()
  from unnest(v_starts, v_ends, v_openers) as o (window_start, window_end, opened_by)
  on conflict (account_id, processor, subscription_id, window_start) do update
  set window_end = excluded.window_end, opened_by = excluded.opened_by
  where (w.window_end, w.opened_by) is distinct from (excluded.window_end, excluded.opened_by);
end
$$;

comment on function app.fold_subscription(text, text, text) is
  'Computes a subscription''s present state from everything its processor ever said of it, in the processor''s order.';
revoke all on function app.fold_subscription(text, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/fold_subscription.sql

drop function app.fingerprint_of;

--! Included schemas/internal/entitlement.sql
-- entitlement tells what an account may use of one metric now: the plan in force, its quota, and the current window.
--
-- Args:    p_account_id  need not exist yet: it is then entitled as a new account on plan free
--          p_metric      the metric
-- Returns: one row; kind null for an unknown metric. quota null = unlimited; a gauge has window -infinity, resets_at null
-- Locks:   none
create or replace function app.entitlement(
  p_account_id text,
  p_metric text,
  out plan text,
  out kind text,
  out quota bigint,
  out window_start timestamptz,
  out resets_at timestamptz
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_anchor timestamptz;
  v_counts_from timestamptz;
begin
  select case when a.plan_ends_at <= v_now then 'free' else a.plan end, a.anchor, a.counts_from
  into plan, v_anchor, v_counts_from
  from app.accounts a where a.account_id = p_account_id;
  plan := coalesce(plan, 'free');

  select m.kind into kind from app.metrics m where m.metric = p_metric;
  quota := app.quota_of(plan, p_metric);

  if kind = 'gauge' then
    window_start := '-infinity';
  else
    select w.window_start, w.window_end into window_start, resets_at
    from app.window_at(coalesce(v_anchor, v_now), greatest(v_now, v_counts_from)) w;
  end if;
end
$$;

comment on function app.entitlement(text, text) is 'What an account may use of one metric now: plan in force, quota, current window.';
revoke all on function app.entitlement(text, text) from public, anon, authenticated, service_role;
grant execute on function app.entitlement(text, text) to operator;
--! EndIncluded schemas/internal/entitlement.sql

drop function app.end_customer;

--! Included schemas/internal/decide_usage.sql
-- decide_usage is the one place where a quota is decided: it grants an amount of a metric to an account, or refuses.
-- The counter moves in one conditional UPDATE; the row lock it takes is what serialises racing callers.
--
-- Args:    p_amount      whole units, 1 to 1,000,000,000
--          p_request_id  makes the call safe to repeat; null = every call counts
--          p_reason      the ledger's reason: charge, reserve, insert
--          p_by_rows     the caller is the trigger of the table a gauge counts
--          the others    the source, kept on the ledger row
-- Returns: the decision and the window it was made in; or error_code and error_message, so that one bad entry of a
--          batch does not end the transaction of the others. quota and remaining null = unlimited; resets_at null = gauge.
-- Errors:  (as data) PY001 unknown metric, PY003 amount, PY004 account or request id, PY409 request id reused,
--          PY410 the metric moves with its rows
-- Locks:   the (account, metric, window) counter until commit; on the first use of a window also the account, shared.
-- Idempotent per (account, request id): the first decision is returned again, refusals too, and nothing is charged.
create or replace function app.decide_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_request_id text,
  p_reason text,
  p_by_rows boolean,
  p_chatbot_id uuid,
  p_conversation_id uuid,
  p_channel text,
  p_operation text,
  out error_code text,
  out error_message text,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean,
  out window_start timestamptz
)
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_account record;
  v_first record;
begin
  -- The second look below must see what others committed meanwhile.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'quotas are decided under READ COMMITTED, not %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    error_code := 'PY004';
    error_message := 'account_id must have 1 to 255 characters';
    return;
  end if;
  if p_amount is null or p_amount not between 1 and 1000000000 then
    error_code := 'PY003';
    error_message := format('amount must be a whole number from 1 to 1000000000, not %s', coalesce(p_amount::text, 'null'));
    return;
  end if;
  if p_request_id is not null and length(p_request_id) not between 1 and 255 then
    error_code := 'PY004';
    error_message := 'request_id must have 1 to 255 characters';
    return;
  end if;

  -- Each turn reads afresh; a turn is repeated only when another session changed what this one had read, and begins by
  -- taking back what the one before took.
  loop
    if allowed then
      update app.counters c set used = c.used - p_amount
      where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start;
      allowed := null;
    end if;
    if error_code is not null then
      return;
    end if;

    if p_request_id is not null then
      select r.* into v_first from app.usage_requests r
      where r.account_id = p_account_id and r.request_id = p_request_id;
      if found then
        if (v_first.reason, v_first.metric, v_first.amount) is distinct from (p_reason, p_metric, p_amount) then
          error_code := 'PY409';
          error_message := format('request id %s was used for a %s of %s %s; use another id for another request',
                                  p_request_id, v_first.reason, v_first.amount, v_first.metric);
          return;
        end if;
        allowed := v_first.allowed;
        used := v_first.used;
        quota := v_first.quota;
        remaining := app.remaining(v_first.quota, v_first.used);
        resets_at := v_first.resets_at;
        plan := v_first.plan;
        window_start := v_first.window_start;
        replayed := true;
        return;
      end if;
    end if;

    select a.plan as granted_plan, a.plan_ends_at, a.anchor, a.counts_from, e.plan as plan_in_force, m.kind, m.counts_rows,
           -- Only a row that says so makes a metric unlimited.
           case when q.plan is null then 0 else q.quota end as quota
    into v_account
    from app.accounts a
    cross join lateral (select case when a.plan_ends_at <= v_now then 'free' else a.plan end as plan) e
    left join app.metrics m on m.metric = p_metric
    left join app.plan_quotas q on q.plan = e.plan and q.metric = m.metric
    where a.account_id = p_account_id;
    if not found then
      -- A mistaken call must not leave an account behind.
      select m.kind, m.counts_rows into v_account.kind, v_account.counts_rows from app.metrics m where m.metric = p_metric;
      if v_account.kind is not null and (p_by_rows or not v_account.counts_rows) then
        perform app.ensure_account(p_account_id);
        continue;
      end if;
    end if;
    if v_account.kind is null then
      error_code := 'PY001';
      error_message := format('unknown metric %s', coalesce(quote_literal(p_metric), 'null'));
      return;
    end if;
    if v_account.counts_rows and not p_by_rows then
      error_code := 'PY410';
      error_message := format('metric %s moves with its rows: insert or delete them instead', p_metric);
      return;
    end if;

    plan := v_account.plan_in_force;
    quota := v_account.quota;
    replayed := false;
    if v_account.kind = 'gauge' then
      window_start := '-infinity';
      resets_at := null;
    else
      select w.window_start, w.window_end into window_start, resets_at
      from app.window_at(v_account.anchor, greatest(v_now, v_account.counts_from)) w;
    end if;

    update app.counters c
    set used = c.used + p_amount
    where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start
      and (decide_usage.quota is null or c.used + p_amount <= decide_usage.quota)
      and c.used <= 9007199254740991 - p_amount
    returning c.used into used;
    allowed := found;

    if not allowed then
      select c.used into used from app.counters c
      where c.account_id = p_account_id and c.metric = p_metric and c.window_start = decide_usage.window_start;
      if not found then
        -- First use of the window. Whoever changes the plan locks the counters there are, and cannot lock one that is
        -- not there yet; the account's row stands in for it.
        perform from app.accounts a where a.account_id = p_account_id for share;
        insert into app.counters (account_id, metric, window_start, used)
        values (p_account_id, p_metric, decide_usage.window_start, 0)
        on conflict do nothing;
        continue;
      end if;
      if used > 9007199254740991 - p_amount then
        error_code := 'PY003';
        error_message := format('amount %s would take %s beyond what can be counted', p_amount, p_metric);
        return;
      end if;
      -- Somebody gave back between the two statements: a refusal must not contradict its own numbers.
      continue when quota is null or used + p_amount <= quota;
    end if;

    -- Now that the counter is locked: are plan and window still those it was decided by?
    if not exists (
      select from app.accounts a
      where a.account_id = p_account_id and a.plan = v_account.granted_plan and a.anchor = v_account.anchor
        and a.plan_ends_at is not distinct from v_account.plan_ends_at
    ) then
      continue;
    end if;

    if p_request_id is not null then
      insert into app.usage_requests
        (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
      values (p_account_id, p_request_id, p_reason, p_metric, p_amount, decide_usage.allowed, decide_usage.used,
              decide_usage.quota, decide_usage.resets_at, decide_usage.plan, decide_usage.window_start, v_now)
      on conflict do nothing;
      if not found then
        -- The same request was decided by another session meanwhile: return that decision.
        continue;
      end if;
      -- decrement_usage looks for the charge while it holds the counter, as this does: one of the two sees the other.
      if exists (select from app.usage_returns r where r.account_id = p_account_id and r.request_id = p_request_id) then
        delete from app.usage_requests r where r.account_id = p_account_id and r.request_id = p_request_id;
        error_code := 'PY409';
        error_message := format('request id %s gave units back before it charged any; use another id', p_request_id);
        continue;
      end if;
    end if;

    if allowed then
      insert into app.usage_events
        (account_id, metric, amount, occurred_at, window_start, reason, request_id,
         chatbot_id, conversation_id, channel, operation)
      values (p_account_id, p_metric, p_amount, v_now, decide_usage.window_start, p_reason, p_request_id,
              p_chatbot_id, p_conversation_id, p_channel, p_operation);
    end if;
    remaining := app.remaining(quota, used);
    return;
  end loop;
end
$$;

comment on function app.decide_usage(text, text, bigint, text, text, boolean, uuid, uuid, text, text) is
  'The one place where a quota is decided: grants an amount of a metric to an account, or refuses; errors are returned as data.';
revoke all on function app.decide_usage(text, text, bigint, text, text, boolean, uuid, uuid, text, text)
  from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/decide_usage.sql

drop function app.close_checkouts;

--! Included schemas/internal/chatbot_rows.sql
-- chatbot_rows gives the chatbots of an account as the API shows them, with the number and size of their documents.
--
-- Args:    p_chatbot_id  one of them; null = all
create or replace function app.chatbot_rows(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz
)
language sql
stable
set search_path = ''
as $$
  select b.id, b.name, b.instructions, b.welcome_message, b.model, d.document_count, d.storage_bytes, b.created_at, b.updated_at
  from app.chatbots b
  cross join lateral (
    select count(*) as document_count, coalesce(sum(x.size_bytes), 0)::bigint as storage_bytes
    from app.documents x
    where x.account_id = b.account_id and x.chatbot_id = b.id
  ) d
  where b.account_id = p_account_id and (p_chatbot_id is null or b.id = p_chatbot_id)
$$;

comment on function app.chatbot_rows(text, uuid) is
  'The chatbots of an account as the API shows them: with the number and size of their documents.';
revoke all on function app.chatbot_rows(text, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/chatbot_rows.sql

drop function app.billing_offset;

--! Included schemas/internal/apply_subscriptions.sql
-- apply_subscriptions derives an account's plan, the end of it, and the anchor of its windows from the state of its
-- subscriptions. A function of that state alone, so that it does not matter which event came last.
--
--   in force  of the live subscriptions: one that is paid before one past due, then the larger plan, then the later period
--   plan      what the one in force is for, until the grace of its plan ends when it is past due; free without one
--   anchor    from the latest confirmed period of the one in force (a second, cheaper one must not restart its windows);
--             without one, from the latest of any, so that an end moves nothing; else the creation of the account
--
-- Locks:   the caller holds the account; the account's counters until commit when plan or anchor change, so that no
--          decision in flight is made by the plan before. Idempotent.
create or replace function app.apply_subscriptions(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account record;
  v_in_force record;
  v_period record;
  v_plan text := 'free';
  v_plan_ends_at timestamptz;
  v_anchor timestamptz;
  v_counts_from timestamptz;
begin
  select a.* into strict v_account from app.accounts a where a.account_id = p_account_id;

  select s.processor, s.subscription_id, s.status, s.plan, s.past_due_since, p.grace_days into v_in_force
  from app.processor_subscriptions s
  join app.plans p on p.plan = s.plan
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due')
  order by (s.status = 'past_due'), p.position desc, s.period_start desc nulls last, s.processor, s.subscription_id
  limit 1;

  if v_in_force.plan <> 'free' then
    v_plan := v_in_force.plan;
    if v_in_force.status = 'past_due' then
      v_plan_ends_at := v_in_force.past_due_since + make_interval(hours => 24 * v_in_force.grace_days);
    end if;
  end if;

  update app.processor_subscriptions s set in_force = false
  where s.account_id = p_account_id and s.in_force
    and (s.processor, s.subscription_id) is distinct from (v_in_force.processor, v_in_force.subscription_id);
  update app.processor_subscriptions s set in_force = true
  where s.account_id = p_account_id and not s.in_force
    and s.processor = v_in_force.processor and s.subscription_id = v_in_force.subscription_id;

  select s.period_start, s.period_end into v_period
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.period_start is not null
  order by s.in_force desc, s.period_start desc, s.processor, s.subscription_id
  limit 1;
  v_anchor := case when v_period.period_start is null then v_account.created_at
                   else app.anchor_of_period(v_period.period_start, v_period.period_end) end;

  v_counts_from := coalesce(v_period.period_start, v_account.created_at);

  if (v_account.plan, v_account.anchor, v_account.counts_from) is distinct from (v_plan, v_anchor, v_counts_from)
     or v_account.plan_ends_at is distinct from v_plan_ends_at then
    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;
    update app.accounts a set plan = v_plan, plan_ends_at = v_plan_ends_at, anchor = v_anchor, counts_from = v_counts_from
    where a.account_id = p_account_id;
  end if;
end
$$;

comment on function app.apply_subscriptions(text) is
  'Derives an account''s plan, its end and its anchor from the state of its subscriptions, and marks the one in force.';
revoke all on function app.apply_subscriptions(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/apply_subscriptions.sql

--! Included schemas/internal/anchor_of_period.sql
-- anchor_of_period picks the anchor from which a confirmed period's windows follow: its start, unless its start is a
-- shortened month end. A subscription begun on 31 Jan has the period 28 Feb to 31 Mar; anchored on 28 Feb its next
-- window would open on 28 Mar, three days early and a second time on 31 Mar. Its end, 31 Mar, still tells the true day.
--
-- Args:    p_start, p_end  the period, half-open
-- Returns: timestamptz; p_start, or p_end where only p_end puts a bound on both
create or replace function app.anchor_of_period(p_start timestamptz, p_end timestamptz)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  if extract(day from p_end at time zone 'UTC') > extract(day from p_start at time zone 'UTC')
     and (app.window_at(p_end, p_start)).window_start = p_start then
    return p_end;
  end if;
  return p_start;
end
$$;

comment on function app.anchor_of_period(timestamptz, timestamptz) is
  'The anchor of a confirmed period: its start, or its end where the start is a shortened month end.';
revoke all on function app.anchor_of_period(timestamptz, timestamptz) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/anchor_of_period.sql

--! Included schemas/internal/account_of_event.sql
-- account_of_event tells whose event it is: the account its subscription is tied to, else the one it names itself, else
-- the one its customer is tied to. A subscription never moves to another account.
--
-- Returns: text account id; null = not known yet
create or replace function app.account_of_event(p_account_id text, p_processor text, p_subscription_id text, p_customer_id text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_subscription_id),
    nullif(p_account_id, ''),
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_customer_id));
end
$$;

comment on function app.account_of_event(text, text, text, text) is
  'Whose event it is: the account its subscription is tied to, else the one it names, else the one its customer is tied to.';
revoke all on function app.account_of_event(text, text, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/account_of_event.sql

--! Included schemas/views/subscriptions.sql
-- subscriptions: one row per account for people at a prompt: plan in force, status, and what is used in the current windows.
create view app.subscriptions with (security_invoker = true) as
select
  a.account_id as user_id,
  case when a.plan_ends_at <= app.clock() then 'free' else a.plan end as plan,
  coalesce(s.status, 'none') as status,
  (
    select jsonb_object_agg(m.metric || '_count', coalesce(c.used, 0))
    from app.metrics m
    left join app.counters c
      on c.account_id = a.account_id and c.metric = m.metric
      and c.window_start = case when m.kind = 'gauge' then '-infinity'::timestamptz else w.window_start end
  ) as usage,
  s.processor,
  s.subscription_id,
  s.plan as subscribed_plan,
  s.period_start,
  s.period_end,
  s.cancels_at,
  case when s.status = 'past_due' then a.plan_ends_at end as grace_ends_at,
  w.window_start,
  w.window_end,
  a.created_at
from app.accounts a
cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from)) w
left join lateral app.subscription_to_show(a.account_id) s on true;

comment on view app.subscriptions is
  'One row per account: plan in force, status (none without a subscription), and usage such as {"chatbots_count": 2, "messages_count": 40}.';
revoke all on table app.subscriptions from public, anon, authenticated, service_role;
grant select on table app.subscriptions to operator;
--! EndIncluded schemas/views/subscriptions.sql
