-- The whole life of a subscription: prices in versions, purchases, changes that come later, refunds and disputes, accounts
-- that are closed, chatbots that are read-only, reconciliation, and a clock a sandbox can move.

-- What takes or gives other columns now, or other arguments.
drop view app.subscriptions;
drop function app.window_at(timestamptz, timestamptz);
drop function app.anchor_of_period(timestamptz, timestamptz);
drop function app.account_of_event(text, text, text, text);
drop function app.link_account(text, text, text, text[]);
drop function app.chatbot_rows(text, uuid);
drop function api.list_chatbots(text, integer, timestamptz, uuid);
drop function api.read_chatbot(text, uuid);
drop function api.update_chatbot(text, uuid, text, text, text, text);
drop function api.upsert_price(text, text, text, text);
drop function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean);

alter table app.plans add column trial_days integer not null default 0 check (trial_days between 0 and 365);
alter table app.plans add column on_refund text not null default 'end' check (on_refund in ('keep', 'end'));
alter table app.plans add column on_dispute text not null default 'end' check (on_dispute in ('keep', 'end'));
comment on column app.plans.trial_days is 'How many days an account that never subscribed may try the plan before it is charged; 0 = none.';
comment on column app.plans.on_refund is 'end: who got the payment of the running period back in full falls to free; keep: a refund changes nothing.';
comment on column app.plans.on_dispute is 'end: while the payment of the running period is disputed, or the dispute lost, the account is on free; keep: it stays.';

alter table app.processor_prices add column version integer not null default 1 check (version >= 1);
alter table app.processor_prices add column trial_days integer not null default 0 check (trial_days between 0 and 365);
comment on table app.processor_prices is 'Which plan, interval and version of its price a processor''s price id means.';
comment on column app.processor_prices.trial_days is 'A trial that belongs to the price itself, as Paddle has it; 0 = the price has none.';

create table app.plan_prices (
  plan text not null references app.plans (plan) on update restrict on delete restrict,
  billing_interval text not null check (billing_interval in ('month', 'year')),
  version integer not null check (version >= 1),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor between 1 and 99999999),
  created_at timestamptz not null default app.clock(),
  primary key (plan, billing_interval, version)
);

comment on table app.plan_prices is
  'What a plan costs, in versions: the newest is offered, who is subscribed keeps the one they have until moved on purpose. Append-only.';

alter table app.plan_prices enable row level security;
revoke all on table app.plan_prices from public, anon, authenticated, service_role;
grant select on table app.plan_prices to operator;
create policy operator_reads on app.plan_prices for select to operator using (true);

alter table app.accounts add column pending_plan text references app.plans (plan) on update restrict on delete restrict;
alter table app.accounts add column anchor_offset interval not null default interval '0';
alter table app.accounts add column closed_at timestamptz;
create index accounts_pending_plan on app.accounts (pending_plan);
comment on column app.accounts.pending_plan is
  'The smaller plan a downgrade is scheduled for: levels are held to it from now on, so that it still fits then. Set by app.follow_plan_change alone.';
comment on column app.accounts.anchor_offset is
  'Added to UTC, the clock by which the processor''s months go: Razorpay bills at midnight in India. Bounds of windows are computed on it.';
comment on column app.accounts.closed_at is 'When the user or organization was deleted; nothing opens the account again.';

alter table app.webhook_events drop constraint webhook_events_processor_check;
alter table app.webhook_events add constraint webhook_events_processor_check check (processor in ('stripe', 'paddle', 'razorpay', 'clerk'));
alter table app.webhook_events add column object_ids text[] not null default '{}';
alter table app.webhook_events add column kind text;
comment on column app.webhook_events.deliveries is 'How often it was delivered; 0 = never, it was asked for.';
comment on column app.webhook_events.kind is 'What it says (link, state, payment, refund, dispute, closed), or that it is ignored or rejected.';
alter table app.processor_links add column stands_for text;
comment on table app.processor_links is 'Which account a processor''s customer, subscription or payment belongs to. First come, never changed.';
comment on column app.processor_links.stands_for is 'The payment this id is another name of: Stripe''s refunds name a payment intent, its invoices do not.';
alter table app.subscription_events add column customer_id text;
alter table app.subscription_events add column payment_id text;
alter table app.subscription_events add column trial_ends_at timestamptz;
create index subscription_events_customer on app.subscription_events (processor, customer_id);
create index subscription_events_payment on app.subscription_events (account_id, payment_id) where payment_id is not null;
alter table app.processor_subscriptions add column customer_id text;
alter table app.processor_subscriptions add column trial_ends_at timestamptz;
alter table app.processor_subscriptions add column suspended_by text;
create index processor_subscriptions_live on app.processor_subscriptions (processor, subscription_id) where status <> 'canceled';
comment on column app.processor_subscriptions.suspended_by is 'The refund or dispute that took the payment of the running period back, where the plan''s policy ends it then.';
alter table app.chatbots add column kept_at timestamptz;
comment on column app.chatbots.kept_at is 'The owner chose to keep it where a plan does not hold all: those chosen come first, then the oldest; the rest is read-only.';

--! Included schemas/tables/changes.sql
-- Changes: what owners ask of processors. Each is written down before the processor is asked, and settled by its answer.

create table app.checkouts (
  account_id text not null references app.accounts (account_id),
  id uuid not null default gen_random_uuid(),
  processor text not null check (processor in ('stripe', 'paddle', 'razorpay')),
  plan text not null references app.plans (plan) on update restrict on delete restrict,
  billing_interval text not null check (billing_interval in ('month', 'year')),
  price_id text not null,
  trial_days integer not null,
  status text not null default 'reserved' check (status in ('reserved', 'open', 'complete', 'expired', 'failed')),
  processor_checkout_id text,
  url text,
  subscription_id text,
  last_error text,
  created_at timestamptz not null default app.clock(),
  expires_at timestamptz not null,
  settled_at timestamptz,
  primary key (account_id, id),
  constraint settled_when_over check ((status in ('reserved', 'open')) = (settled_at is null))
);

create unique index one_open_checkout on app.checkouts (account_id) where status in ('reserved', 'open');
create index checkouts_expiring on app.checkouts (expires_at) where status in ('reserved', 'open');
create index checkouts_plan on app.checkouts (plan);
comment on table app.checkouts is
  'Purchases under way. An account has one open at most: the slot is taken before the processor is asked, so that two tabs cannot buy twice.';

create table app.plan_changes (
  account_id text not null references app.accounts (account_id),
  id uuid not null default gen_random_uuid(),
  processor text not null,
  subscription_id text not null,
  direction text not null check (direction in ('upgrade', 'downgrade', 'interval', 'price', 'cancel')),
  from_plan text not null references app.plans (plan) on update restrict on delete restrict,
  from_price_id text not null,
  to_plan text not null references app.plans (plan) on update restrict on delete restrict,
  to_price_id text,
  held boolean not null,
  status text not null default 'scheduled' check (status in ('scheduled', 'applied', 'undone', 'superseded', 'failed')),
  effective_at timestamptz not null,
  created_at timestamptz not null default app.clock(),
  settled_at timestamptz,
  last_error text,
  primary key (account_id, id),
  constraint settled_when_over check ((status = 'scheduled') = (settled_at is null)),
  constraint only_a_cancellation_has_no_price check ((direction = 'cancel') = (to_price_id is null))
);

create unique index one_scheduled_change on app.plan_changes (account_id) where status = 'scheduled';
create index plan_changes_due on app.plan_changes (effective_at) where status = 'scheduled';
create index plan_changes_from on app.plan_changes (from_plan);
create index plan_changes_to on app.plan_changes (to_plan);
comment on table app.plan_changes is 'Changes that come with the next period. One at most is scheduled per account; it can be undone until it comes.';
comment on column app.plan_changes.held is
  'The processor cannot be told yet (Paddle changes at once; Razorpay cannot take a cancellation back): Parley keeps it and tells the processor shortly before the period ends.';

create table app.processor_operations (
  account_id text not null references app.accounts (account_id),
  id uuid not null default gen_random_uuid(),
  processor text not null check (processor in ('stripe', 'paddle', 'razorpay')),
  subscription_id text not null,
  kind text not null check (kind in ('change_now', 'change_at_period_end', 'undo_change', 'cancel_now', 'cancel_at_period_end', 'resume', 'pause')),
  price_id text,
  reason text not null check (reason in ('owner', 'scheduled', 'duplicate', 'account_closed', 'operator')),
  plan_change_id uuid,
  status text not null default 'pending' check (status in ('pending', 'unknown', 'done', 'refused')),
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  last_error text,
  created_at timestamptz not null default app.clock(),
  first_sent_at timestamptz,
  settled_at timestamptz,
  primary key (account_id, id),
  constraint due_until_settled check ((status in ('pending', 'unknown')) = (next_attempt_at is not null)),
  constraint settled_when_over check ((status in ('pending', 'unknown')) = (settled_at is null)),
  constraint a_change_has_a_price check ((kind in ('change_now', 'change_at_period_end')) = (price_id is not null))
) with (fillfactor = 90);

create unique index one_operation_at_a_time on app.processor_operations (account_id, processor, subscription_id)
  where status in ('pending', 'unknown');
create index processor_operations_due on app.processor_operations (next_attempt_at) where next_attempt_at is not null;
comment on table app.processor_operations is
  'Calls to processors that change something. Its id is the idempotency key, stored before the call; an answer that was lost leaves it unknown, to be repeated with the same key.';

alter table app.checkouts enable row level security;
alter table app.plan_changes enable row level security;
alter table app.processor_operations enable row level security;
revoke all on table app.checkouts, app.plan_changes, app.processor_operations from public, anon, authenticated, service_role;
grant select on table app.checkouts, app.plan_changes, app.processor_operations to operator;
create policy operator_reads on app.checkouts for select to operator using (true);
create policy operator_reads on app.plan_changes for select to operator using (true);
create policy operator_reads on app.processor_operations for select to operator using (true);
--! EndIncluded schemas/tables/changes.sql

--! Included schemas/tables/reconciliation.sql
-- Reconciliation: what was found when processors were asked for what they had sent.

create table app.reconciliation_runs (
  id uuid primary key default gen_random_uuid(),
  processor text not null check (processor in ('stripe', 'paddle', 'razorpay')),
  since timestamptz not null,
  dry_run boolean not null,
  status text not null default 'running' check (status in ('running', 'done', 'failed')),
  cursor text,
  entries bigint not null default 0,
  corrections bigint not null default 0,
  last_error text,
  started_at timestamptz not null default app.clock(),
  updated_at timestamptz not null default app.clock(),
  finished_at timestamptz,
  continues boolean not null default true
);

create index reconciliation_runs_latest on app.reconciliation_runs (processor, started_at desc);
comment on column app.reconciliation_runs.continues is 'It looks back to where the last such run began; one that was told how far to look back leaves no gap to it.';
comment on table app.reconciliation_runs is 'Each time a processor was asked for what happened since a time. One that was broken off goes on at its cursor.';

create table app.reconciliation_drifts (
  run_id uuid not null references app.reconciliation_runs (id),
  event_id text not null,
  field text not null,
  processor text not null,
  account_id text,
  subscription_id text,
  event_type text not null,
  ours text,
  theirs text,
  corrected boolean not null,
  created_at timestamptz not null default app.clock(),
  primary key (run_id, event_id, field)
);

comment on table app.reconciliation_drifts is 'What a run found to differ, field by field, and whether it was corrected (a dry run corrects nothing).';

alter table app.reconciliation_runs enable row level security;
alter table app.reconciliation_drifts enable row level security;
revoke all on table app.reconciliation_runs, app.reconciliation_drifts from public, anon, authenticated, service_role;
grant select on table app.reconciliation_runs, app.reconciliation_drifts to operator;
create policy operator_reads on app.reconciliation_runs for select to operator using (true);
create policy operator_reads on app.reconciliation_drifts for select to operator using (true);
--! EndIncluded schemas/tables/reconciliation.sql

--! Included schemas/tables/reversals.sql
-- Reversals: money that went back, or may. And customers that were deleted.

create table app.reversal_events (
  account_id text not null references app.accounts (account_id),
  processor text not null,
  reversal_id text not null check (length(reversal_id) between 1 and 255),
  event_id text not null,
  kind text not null check (kind in ('refund', 'dispute')),
  status text not null check (status in ('pending', 'reversed', 'restored')),
  occurred_at timestamptz not null check (isfinite(occurred_at)),
  event_rank smallint not null check (event_rank between 0 and 3),
  payment_ids text[] not null,
  amount_minor bigint,
  currency text,
  created_at timestamptz not null default app.clock(),
  primary key (account_id, processor, reversal_id, event_id)
);

create index reversal_events_reversal on app.reversal_events (processor, reversal_id);

comment on table app.reversal_events is
  'What processors said of refunds and disputes, as of when; where one stands is its latest row in provider order. Append-only. They never lower a counter.';
comment on column app.reversal_events.payment_ids is 'The names by which the processor calls the payment that was reversed; app.processor_links tells which payment that is.';

create table app.tombstones (
  processor text not null,
  object_id text not null,
  occurred_at timestamptz not null check (isfinite(occurred_at)),
  event_id text not null,
  primary key (processor, object_id)
);

comment on table app.tombstones is
  'Customers that were deleted at their processor. What they had subscribed to is over, and no event that comes late revives it.';

alter table app.reversal_events enable row level security;
alter table app.tombstones enable row level security;
revoke all on table app.reversal_events, app.tombstones from public, anon, authenticated, service_role;
grant select on table app.reversal_events, app.tombstones to operator;
create policy operator_reads on app.reversal_events for select to operator using (true);
create policy operator_reads on app.tombstones for select to operator using (true);
--! EndIncluded schemas/tables/reversals.sql

--! Included schemas/internal/account_of_event.sql
-- account_of_event tells whose event it is: the account its subscription is tied to, else the one its payment is tied to,
-- else the one it names itself, else the one its customer is tied to. A subscription never moves to another account.
--
-- Returns: text account id; null = not known yet
create or replace function app.account_of_event(p_account_id text, p_processor text, p_subscription_id text, p_customer_id text, p_payment_ids text[] default null)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_subscription_id),
    (select min(l.account_id) from app.processor_links l where l.processor = p_processor and l.object_id = any (p_payment_ids)),
    nullif(p_account_id, ''),
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_customer_id));
end
$$;

comment on function app.account_of_event(text, text, text, text, text[]) is
  'Whose event it is: the account its subscription or payment is tied to, else the one it names, else the one its customer is tied to.';
revoke all on function app.account_of_event(text, text, text, text, text[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/account_of_event.sql

--! Included schemas/internal/anchor_of_period.sql
-- anchor_of_period picks the anchor from which a confirmed period's windows follow: its start, unless its start is a
-- shortened month end. A subscription begun on 31 Jan has the period 28 Feb to 31 Mar; anchored on 28 Feb its next
-- window would open on 28 Mar, three days early and a second time on 31 Mar. Its end, 31 Mar, still tells the true day.
--
-- Args:    p_start, p_end  the period, half-open
--          p_offset        the clock by which its months go, as for window_at
-- Returns: timestamptz; p_start, or p_end where only p_end puts a bound on both
create or replace function app.anchor_of_period(p_start timestamptz, p_end timestamptz, p_offset interval default interval '0')
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  if extract(day from p_end at time zone 'UTC' + p_offset) > extract(day from p_start at time zone 'UTC' + p_offset)
     and (app.window_at(p_end, p_start, p_offset)).window_start = p_start then
    return p_end;
  end if;
  return p_start;
end
$$;

comment on function app.anchor_of_period(timestamptz, timestamptz, interval) is
  'The anchor of a confirmed period: its start, or its end where the start is a shortened month end.';
revoke all on function app.anchor_of_period(timestamptz, timestamptz, interval) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/anchor_of_period.sql

--! Included schemas/internal/apply_subscriptions.sql
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
--! EndIncluded schemas/internal/apply_subscriptions.sql

--! Included schemas/internal/billing_offset.sql
-- billing_offset tells by which clock a processor's months go, as a distance from UTC: Razorpay's days begin at midnight
-- in India, 5 hours 30 minutes ahead; the others' in UTC.
create or replace function app.billing_offset(p_processor text)
returns interval
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when p_processor = 'razorpay' then interval '5 hours 30 minutes' else interval '0' end;
end
$$;

comment on function app.billing_offset(text) is 'The clock by which a processor''s months go, as a distance from UTC.';
revoke all on function app.billing_offset(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/billing_offset.sql

--! Included schemas/internal/chatbot_rows.sql
-- chatbot_rows gives the chatbots of an account as the API shows them, with the number and size of their documents.
--
-- Args:    p_chatbot_id  one of them; null = all
create or replace function app.chatbot_rows(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select b.id, b.name, b.instructions, b.welcome_message, b.model, d.document_count, d.storage_bytes, b.created_at, b.updated_at,
         b.id in (select r.id from app.read_only_chatbots(p_account_id) r (id))
  from app.chatbots b
  cross join lateral (
    select count(*) as document_count, coalesce(sum(x.size_bytes), 0)::bigint as storage_bytes
    from app.documents x
    where x.account_id = b.account_id and x.chatbot_id = b.id
  ) d
  where b.account_id = p_account_id and (p_chatbot_id is null or b.id = p_chatbot_id);
end
$$;

comment on function app.chatbot_rows(text, uuid) is
  'The chatbots of an account as the API shows them: with the number and size of their documents.';
revoke all on function app.chatbot_rows(text, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/chatbot_rows.sql

--! Included schemas/internal/close_checkouts.sql
-- close_checkouts frees the slot of a purchase once the account has a live subscription with that processor.
--
-- Locks:   the checkout until commit; the caller holds the account. Idempotent.
create or replace function app.close_checkouts(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update app.checkouts c
  set status = 'complete', settled_at = app.clock(), subscription_id = s.subscription_id
  from app.processor_subscriptions s
  where c.account_id = p_account_id and c.status in ('reserved', 'open')
    and s.account_id = c.account_id and s.processor = c.processor and s.status in ('trialing', 'active', 'past_due');
end
$$;

comment on function app.close_checkouts(text) is
  'Frees the slot of a purchase once the account has a live subscription with that processor.';
revoke all on function app.close_checkouts(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/close_checkouts.sql

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
--          PY410 the metric moves with its rows, PY415 the account is closed
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

    select a.plan as granted_plan, a.plan_ends_at, a.anchor, a.counts_from, a.anchor_offset, a.pending_plan, a.closed_at,
           e.plan as plan_in_force, m.kind, m.counts_rows,
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

    if v_account.closed_at is not null then
      error_code := 'PY415';
      error_message := 'the account is closed';
      return;
    end if;

    plan := v_account.plan_in_force;
    quota := v_account.quota;
    if v_account.pending_plan is not null and v_account.kind = 'gauge' then
      -- A downgrade is scheduled: what fits today must fit then. (least passes over nulls: unlimited is above all.)
      quota := least(quota, app.quota_of(v_account.pending_plan, p_metric));
    end if;
    replayed := false;
    if v_account.kind = 'gauge' then
      window_start := '-infinity';
      resets_at := null;
    else
      select w.window_start, w.window_end into window_start, resets_at
      from app.window_at(v_account.anchor, greatest(v_now, v_account.counts_from), v_account.anchor_offset) w;
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
        and a.anchor_offset = v_account.anchor_offset and a.counts_from = v_account.counts_from
        and a.plan_ends_at is not distinct from v_account.plan_ends_at
        and a.pending_plan is not distinct from v_account.pending_plan and a.closed_at is null
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

--! Included schemas/internal/end_customer.sql
-- end_customer ends whatever a deleted customer had subscribed to, for every account that customer paid for.
--
-- Locks:   those accounts until commit, in order
create or replace function app.end_customer(p_processor text, p_customer_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account_id text;
begin
  for v_account_id in
    select distinct e.account_id from app.subscription_events e
    where e.processor = p_processor and e.customer_id = p_customer_id
    order by 1
  loop
    perform from app.accounts a where a.account_id = v_account_id for no key update;
    perform app.fold_subscription(s.account_id, s.processor, s.subscription_id)
    from app.processor_subscriptions s
    where s.account_id = v_account_id and s.processor = p_processor;
    perform app.apply_subscriptions(v_account_id);
  end loop;
end
$$;

comment on function app.end_customer(text, text) is 'Ends whatever a deleted customer had subscribed to, for every account that customer paid for.';
revoke all on function app.end_customer(text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/end_customer.sql

--! Included schemas/internal/entitlement.sql
-- entitlement tells what an account may use of one metric now: the plan in force, its quota, and the current window.
--
-- Args:    p_account_id  need not exist yet: it is then entitled as a new account on plan free
--          p_metric      the metric
-- Returns: one row; kind null for an unknown metric. quota null = unlimited; a gauge has window -infinity, resets_at null,
--          and is held to the smaller plan a downgrade is scheduled for; a closed account has quotas of 0
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
  v_offset interval;
  v_pending_plan text;
  v_closed_at timestamptz;
begin
  select case when a.plan_ends_at <= v_now then 'free' else a.plan end, a.anchor, a.counts_from, a.anchor_offset, a.pending_plan, a.closed_at
  into plan, v_anchor, v_counts_from, v_offset, v_pending_plan, v_closed_at
  from app.accounts a where a.account_id = p_account_id;
  plan := coalesce(plan, 'free');

  select m.kind into kind from app.metrics m where m.metric = p_metric;
  quota := case when v_closed_at is not null then 0
                -- (least passes over nulls: unlimited is above all.)
                when kind = 'gauge' and v_pending_plan is not null then least(app.quota_of(plan, p_metric), app.quota_of(v_pending_plan, p_metric))
                else app.quota_of(plan, p_metric) end;

  if kind = 'gauge' then
    window_start := '-infinity';
  else
    select w.window_start, w.window_end into window_start, resets_at
    from app.window_at(coalesce(v_anchor, v_now), greatest(v_now, v_counts_from), coalesce(v_offset, interval '0')) w;
  end if;
end
$$;

comment on function app.entitlement(text, text) is 'What an account may use of one metric now: plan in force, quota, current window.';
revoke all on function app.entitlement(text, text) from public, anon, authenticated, service_role;
grant execute on function app.entitlement(text, text) to operator;
--! EndIncluded schemas/internal/entitlement.sql

--! Included schemas/internal/fingerprint_of.sql
-- fingerprint_of digests the arguments that must not differ between repeats of a request.
create or replace function app.fingerprint_of(p_arguments text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return encode(sha256(convert_to(to_jsonb(p_arguments)::text, 'UTF8')), 'hex');
end
$$;

comment on function app.fingerprint_of(text[]) is 'Digests the arguments that must not differ between repeats of a request.';
revoke all on function app.fingerprint_of(text[]) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/fingerprint_of.sql

--! Included schemas/internal/fold_subscription.sql
-- fold_subscription computes a subscription's present state from everything its processor ever said of it, in the
-- processor's order. The state is a function of the set of events alone: arrival order, duplicates and pauses in delivery
-- cannot change it.
--
--   state event    status, plan and cancellation are what it says; a missing plan or period erases nothing
--   canceled       is final: processors never take it back, so whatever says otherwise was overtaken
--   payment paid   past_due or incomplete becomes active, so does trialing with the first period after the trial; anything
--                  else stays (money does not revive a cancellation)
--   payment failed active or trialing becomes past_due; without any state yet it is incomplete
--   payment        without a period (a proration, a one-off, a changed card) or for one before the known changes nothing;
--                  it tells the plan only where none is known, or with a later period
--   period         counts while live (trialing, active, past_due); the latest start wins; each start opens one window
--   tombstone      the customer was deleted: the end, from then on
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
  v_gone_at timestamptz;
begin
  v_state.account_id := p_account_id;
  v_state.processor := p_processor;
  v_state.subscription_id := p_subscription_id;
  select min(t.occurred_at) into v_gone_at
  from app.tombstones t
  where t.processor = p_processor and t.object_id in (
    select e.customer_id from app.subscription_events e
    where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id);

  for v_event in
    select e.* from app.subscription_events e
    where e.account_id = p_account_id and e.processor = p_processor and e.subscription_id = p_subscription_id
    order by e.occurred_at, e.event_rank, e.event_id collate "C"
  loop
    if v_event.occurred_at >= v_gone_at then
      v_state.status := 'canceled';
    end if;
    if v_state.status = 'canceled' then
      null;
    elsif v_event.status is not null then
      v_state.status := v_event.status;
      v_state.cancels_at := v_event.cancels_at;
      v_state.trial_ends_at := v_event.trial_ends_at;
    elsif v_event.period_start is null or v_event.period_start < v_state.period_start then
      v_state.status := coalesce(v_state.status, 'incomplete');
    elsif v_event.payment = 'paid' then
      v_state.status := case when v_state.status is null or v_state.status in ('past_due', 'incomplete') then 'active'
                             when v_state.status = 'trialing' and v_event.amount_minor > 0
                                  and v_event.period_start >= v_state.trial_ends_at then 'active'
                             else v_state.status end;
    else
      v_state.status := case when v_state.status is null then 'incomplete'
                             when v_state.status in ('active', 'trialing') then 'past_due'
                             else v_state.status end;
    end if;
    v_state.customer_id := coalesce(v_event.customer_id, v_state.customer_id);
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
  if v_gone_at is not null then
    v_state.status := 'canceled';
    v_state.past_due_since := null;
  end if;

  insert into app.processor_subscriptions as s
    (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end, cancels_at,
     past_due_since, as_of, as_of_rank, as_of_event_id, customer_id, trial_ends_at)
  values (p_account_id, p_processor, p_subscription_id, v_state.status, v_state.plan, v_state.price_id, v_state.period_start,
          v_state.period_end, v_state.cancels_at, v_state.past_due_since, v_state.as_of, v_state.as_of_rank, v_state.as_of_event_id,
          v_state.customer_id, v_state.trial_ends_at)
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, plan = excluded.plan, price_id = excluded.price_id, period_start = excluded.period_start,
      period_end = excluded.period_end, cancels_at = excluded.cancels_at, past_due_since = excluded.past_due_since,
      as_of = excluded.as_of, as_of_rank = excluded.as_of_rank, as_of_event_id = excluded.as_of_event_id,
      customer_id = excluded.customer_id, trial_ends_at = excluded.trial_ends_at;

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

--! Included schemas/internal/follow_plan_change.sql
-- follow_plan_change looks whether an account's scheduled change has come, or was overtaken, and holds its levels to the
-- smaller plan for as long as a downgrade is scheduled. A function of the state alone.
--
--   applied     the subscription is in a period from effective_at on, at the price of the change (a cancellation: it ended).
--               Whether a downgrade fits is looked at again then: what no longer does is kept with the change, and is over
--               the limit, not refused
--   superseded  the subscription ended before, or has a price that is neither the one before nor the one to come
--
-- Locks:   the caller holds the account; its counters until commit when the plan its levels are held to changes, so that
--          no decision in flight is made by the one before. Idempotent.
create or replace function app.follow_plan_change(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_change app.plan_changes;
  v_subscription app.processor_subscriptions;
  v_status text;
  v_pending_plan text;
begin
  select c.* into v_change from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled';
  if v_change.id is not null then
    select s.* into v_subscription
    from app.processor_subscriptions s
    where s.account_id = p_account_id and s.processor = v_change.processor and s.subscription_id = v_change.subscription_id;
    v_status := case
      when v_subscription.status = 'canceled' then case when v_change.direction = 'cancel' then 'applied' else 'superseded' end
      when v_change.direction = 'cancel' then null
      when v_subscription.price_id not in (v_change.from_price_id, v_change.to_price_id) then 'superseded'
      when v_subscription.price_id = v_change.to_price_id and v_subscription.period_start >= v_change.effective_at then 'applied'
    end;
    if v_status is not null then
      update app.plan_changes c
      set status = v_status, settled_at = app.clock(),
          last_error = case when v_status = 'applied' and c.direction = 'downgrade'
                            then (select string_agg(b.message, '. ') from api.validate_plan_change(p_account_id, c.to_plan) b) end
      where c.account_id = p_account_id and c.id = v_change.id;
    end if;
  end if;

  select c.to_plan into v_pending_plan
  from app.plan_changes c
  where c.account_id = p_account_id and c.status = 'scheduled' and c.direction = 'downgrade';
  if v_pending_plan is distinct from (select a.pending_plan from app.accounts a where a.account_id = p_account_id) then
    perform from app.counters c where c.account_id = p_account_id
    order by c.metric, c.window_start
    for update;
    update app.accounts a set pending_plan = v_pending_plan where a.account_id = p_account_id;
  end if;
end
$$;

comment on function app.follow_plan_change(text) is
  'Looks whether an account''s scheduled change has come or was overtaken, and holds its levels to the smaller plan meanwhile.';
revoke all on function app.follow_plan_change(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/follow_plan_change.sql

--! Included schemas/internal/granted_plan.sql
-- granted_plan derives from the state of an account's subscriptions which plan it has, until when, and the anchor of its
-- windows. It reads, and changes nothing.
--
--   in force  of the live subscriptions that no refund or dispute suspends: one that is paid before one past due, then the
--             larger plan, then the later period
--   plan      what the one in force is for, until the grace of its plan ends when it is past due; free without one, and
--             for a closed account. Where a change to come was told to the processor early (it had to be, see
--             app.keeps_change), the plan before it until the period it was paid for ends
--   anchor    from the latest confirmed period of the one in force (a second, cheaper one must not restart its windows);
--             without one, from the latest of any, so that an end moves nothing; else the creation of the account. Razorpay's
--             first period begins when it is paid and all others at midnight: midnight it is for the first one too, or its
--             renewal would open a second window on the day it comes
--
-- Returns: one row; processor and subscription_id null = none is in force; no row for an unknown account
create or replace function app.granted_plan(
  p_account_id text,
  out plan text,
  out plan_ends_at timestamptz,
  out anchor timestamptz,
  out anchor_offset interval,
  out counts_from timestamptz,
  out processor text,
  out subscription_id text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_account record;
  v_in_force record;
  v_period record;
begin
  select a.created_at, a.closed_at into v_account from app.accounts a where a.account_id = p_account_id;

  select s.processor, s.subscription_id, s.status, p.plan, s.past_due_since, p.grace_days into v_in_force
  from app.processor_subscriptions s
  left join app.plan_changes c
    on c.account_id = s.account_id and c.status in ('scheduled', 'superseded') and c.processor = s.processor and c.subscription_id = s.subscription_id
    and c.held and c.to_price_id = s.price_id and s.period_start < c.effective_at
  join app.plans p on p.plan = coalesce(c.from_plan, s.plan)
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due') and s.suspended_by is null
    and v_account.closed_at is null
  order by (s.status = 'past_due'), p.position desc, s.period_start desc nulls last, s.processor, s.subscription_id
  limit 1;

  plan := coalesce(v_in_force.plan, 'free');
  if v_in_force.status = 'past_due' and plan <> 'free' then
    plan_ends_at := v_in_force.past_due_since + make_interval(hours => 24 * v_in_force.grace_days);
  end if;
  processor := v_in_force.processor;
  subscription_id := v_in_force.subscription_id;

  select s.processor, s.period_start, s.period_end into v_period
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.period_start is not null
  order by ((s.processor, s.subscription_id) = (v_in_force.processor, v_in_force.subscription_id)) desc nulls last,
           s.period_start desc, s.processor, s.subscription_id
  limit 1;
  counts_from := coalesce(v_period.period_start, v_account.created_at);
  anchor_offset := app.billing_offset(v_period.processor);
  anchor := case when v_period.period_start is null then v_account.created_at
                 when anchor_offset <> interval '0' then
                   (date_trunc('day', app.anchor_of_period(v_period.period_start, v_period.period_end, anchor_offset) at time zone 'UTC' + anchor_offset)
                    - anchor_offset) at time zone 'UTC'
                 else app.anchor_of_period(v_period.period_start, v_period.period_end, anchor_offset) end;
end
$$;

comment on function app.granted_plan(text) is
  'Derives from the state of an account''s subscriptions which plan it has, until when, and the anchor of its windows.';
revoke all on function app.granted_plan(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/granted_plan.sql

--! Included schemas/internal/hold_open_account.sql
-- hold_open_account locks the account a decision is about, made on its first use; one that is closed decides nothing more.
--
-- Errors:  PY004 account id · PY415 the account is closed
-- Locks:   the account until commit. FOR UPDATE would also wait for foreign key checks.
create or replace function app.hold_open_account(p_account_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_closed_at timestamptz;
begin
  perform app.ensure_account(p_account_id);
  select a.closed_at into v_closed_at from app.accounts a where a.account_id = p_account_id for no key update;
  if v_closed_at is not null then
    raise exception 'the account is closed' using errcode = 'PY415';
  end if;
end
$$;

comment on function app.hold_open_account(text) is 'Locks the account a decision is about; one that is closed decides nothing more (PY415).';
revoke all on function app.hold_open_account(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/hold_open_account.sql

--! Included schemas/internal/keeps_change.sql
-- keeps_change tells whether Parley itself must keep a change for the end of the period, because the processor cannot be
-- told in advance: Paddle changes prices at once, Razorpay does not take a cancellation at the end of the cycle back.
--
-- Args:    p_direction  of a plan change: downgrade, interval, price, cancel
create or replace function app.keeps_change(p_processor text, p_direction text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return p_processor = 'paddle' and p_direction <> 'cancel' or p_processor = 'razorpay' and p_direction = 'cancel';
end
$$;

comment on function app.keeps_change(text, text) is
  'Whether Parley itself must keep a change for the end of the period, because the processor cannot be told in advance.';
revoke all on function app.keeps_change(text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/keeps_change.sql

--! Included schemas/internal/link_account.sql
-- link_account ties processor ids to an account. First come, never changed. Deliveries that failed for want of the link
-- become due in the same transaction, dead ones too.
--
-- Args:    p_event_id    the event that says so
--          p_object_ids  customer, subscription and payment ids; nulls are passed over
--          p_stands_for  the payment they are other names of; null = they are no other names
-- Returns: true when any link was new
-- Locks:   the new links, and the deliveries woken, until commit. Idempotent.
create or replace function app.link_account(p_account_id text, p_processor text, p_event_id text, p_object_ids text[], p_stands_for text default null)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_new text[];
begin
  with linked as (
    insert into app.processor_links (processor, object_id, account_id, event_id, stands_for, created_at)
    select distinct p_processor, o, p_account_id, p_event_id, p_stands_for, app.clock()
    from unnest(p_object_ids) o
    where o is not null
    order by 2
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
    and (e.subscription_id = any (v_new) or e.customer_id = any (v_new) or e.object_ids && v_new);
  return true;
end
$$;

comment on function app.link_account(text, text, text, text[], text) is
  'Ties processor ids to an account, first come; wakes the deliveries that failed for want of it. True when any was new.';
revoke all on function app.link_account(text, text, text, text[], text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/link_account.sql

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
    ('reversal_events', 'reversal_events_are_append_only'), ('reversal_events', 'reversal_events_are_not_truncated'),
    ('plan_prices', 'plan_prices_are_append_only'), ('plan_prices', 'plan_prices_are_not_truncated'),
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

--! Included schemas/internal/note_subscription_event.sql
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
--! EndIncluded schemas/internal/note_subscription_event.sql

--! Included schemas/internal/plan_change_of.sql
-- plan_change_of tells what changing an account's subscription to a plan means, and whether it can be asked for now. What
-- is previewed is what is done: both ask here.
--
-- Args:    p_plan, p_interval  what to change to; the present plan and interval mean a move to the newest version of its price
-- Returns: one row. outcome
--            possible         direction, takes_effect and the prices say how
--            no_subscription  there is none to change: buy one
--            same             it is that already, at the newest price
--            past_due         the payment that failed comes first
--            not_running      paused
--            suspended        a refund or dispute took back the payment of the running period
--            canceling        a cancellation is planned: take that back first
--            pending          another change is scheduled: undo that first
--            busy             the processor is being asked for a change of it, or its period is over and the next not heard of
--            not_sold         the processor has no price for it
--          direction  upgrade (a larger plan), downgrade (a smaller one), interval, price
--          takes_effect  now or period_end, at effective_at. In a trial everything waits for its end, for until then nothing is paid
-- Errors:  PY002 unknown plan · PY004 account id or interval
-- Locks:   none; who acts on it holds the account
create or replace function app.plan_change_of(
  p_account_id text,
  p_plan text,
  p_interval text,
  out outcome text,
  out direction text,
  out takes_effect text,
  out effective_at timestamptz,
  out processor text,
  out subscription_id text,
  out from_plan text,
  out from_interval text,
  out from_price_id text,
  out to_price_id text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_subscription app.processor_subscriptions;
  v_from record;
  v_to record;
begin
  if p_account_id is null or length(p_account_id) not between 1 and 255 then
    raise exception 'account_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  if p_interval is null or p_interval not in ('month', 'year') then
    raise exception 'interval must be month or year' using errcode = 'PY004';
  end if;
  if not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', coalesce(quote_literal(p_plan), 'null') using errcode = 'PY002';
  end if;

  select s.* into v_subscription
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due', 'paused')
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 1;
  if v_subscription.account_id is null then
    outcome := 'no_subscription';
    return;
  end if;
  processor := v_subscription.processor;
  subscription_id := v_subscription.subscription_id;
  from_price_id := v_subscription.price_id;
  select p.plan, p.position, pp.billing_interval, pp.version into v_from
  from app.plans p
  left join app.processor_prices pp on pp.processor = v_subscription.processor and pp.price_id = v_subscription.price_id
  where p.plan = v_subscription.plan;
  from_plan := v_from.plan;
  from_interval := coalesce(v_from.billing_interval, 'month');

  select t.price_id, pp.version, p.position into v_to
  from app.price_to_sell(processor, p_plan, p_interval, false) t
  join app.processor_prices pp on pp.processor = plan_change_of.processor and pp.price_id = t.price_id
  join app.plans p on p.plan = p_plan;
  to_price_id := v_to.price_id;

  direction := case when v_to.position > v_from.position then 'upgrade'
                    when v_to.position < v_from.position then 'downgrade'
                    when p_interval <> from_interval then 'interval'
                    else 'price' end;
  -- A longer interval is paid for at once like a larger plan; a shorter one waits for the end of what was paid.
  takes_effect := case when v_subscription.status = 'trialing' then 'period_end'
                       when direction = 'upgrade' or direction = 'interval' and p_interval = 'year' then 'now' else 'period_end' end;
  effective_at := case when takes_effect = 'now' then app.clock()
                       -- Razorpay shows no period while a trial runs.
                       else coalesce(v_subscription.period_end, v_subscription.trial_ends_at) end;

  outcome := case
    when to_price_id is null then 'not_sold'
    when exists (select from app.processor_operations o
                 where o.account_id = p_account_id and o.processor = plan_change_of.processor
                   and o.subscription_id = plan_change_of.subscription_id and o.next_attempt_at is not null) then 'busy'
    when exists (select from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled' and c.direction = 'cancel')
      or v_subscription.cancels_at is not null then 'canceling'
    when exists (select from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled') then 'pending'
    when direction = 'price' and v_to.version <= v_from.version then 'same'
    when v_subscription.status = 'past_due' then 'past_due'
    when v_subscription.suspended_by is not null then 'suspended'
    when v_subscription.status = 'paused' or effective_at is null then 'not_running'
    when takes_effect = 'period_end' and effective_at <= app.clock() then 'busy'
    else 'possible' end;
end
$$;

comment on function app.plan_change_of(text, text, text) is
  'What changing an account''s subscription to a plan means, and whether it can be asked for now.';
revoke all on function app.plan_change_of(text, text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/plan_change_of.sql

--! Included schemas/internal/price_to_sell.sql
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
--! EndIncluded schemas/internal/price_to_sell.sql

--! Included schemas/internal/queue_operation.sql
-- queue_operation writes down that a processor is to be asked to change a subscription. Nothing is asked here.
--
-- Args:    p_reason  owner, scheduled, duplicate, account_closed, operator
--          p_due_in  when a worker may take it; whoever is about to ask now gives the time it needs for that
-- Returns: uuid, the operation; null = another one is under way for this subscription
-- Locks:   the operation until commit; the caller holds the account
create or replace function app.queue_operation(
  p_account_id text, p_processor text, p_subscription_id text, p_kind text, p_price_id text, p_plan_change_id uuid,
  p_reason text, p_due_in interval
)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into app.processor_operations
    (account_id, processor, subscription_id, kind, price_id, plan_change_id, reason, next_attempt_at, created_at)
  values (p_account_id, p_processor, p_subscription_id, p_kind, p_price_id, p_plan_change_id, p_reason, app.clock() + p_due_in, app.clock())
  on conflict do nothing
  returning id into v_id;
  return v_id;
end
$$;

comment on function app.queue_operation(text, text, text, text, text, uuid, text, interval) is
  'Writes down that a processor is to be asked to change a subscription; null where another change of it is under way.';
revoke all on function app.queue_operation(text, text, text, text, text, uuid, text, interval) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/queue_operation.sql

--! Included schemas/internal/read_only_chatbots.sql
-- read_only_chatbots finds the chatbots beyond what the plan in force holds: those the owner chose to keep come first, then
-- the oldest; what is left over is read-only. Nothing is stored, so they thaw by themselves when they fit again.
--
-- Returns: their ids
create or replace function app.read_only_chatbots(p_account_id text)
returns setof uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_quota bigint;
  v_used bigint;
begin
  -- The plan itself, not the smaller one a downgrade is scheduled for: until it comes all may be used.
  select app.quota_of(e.plan, 'chatbots') into v_quota from app.entitlement(p_account_id, 'chatbots') e;
  select c.used into v_used from app.counters c
  where c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity';
  if v_quota is null or v_used is null or v_used <= v_quota then
    return;
  end if;
  return query
  select b.id from app.chatbots b
  where b.account_id = p_account_id
  order by b.kept_at is null, b.created_at, b.id
  offset v_quota;
end
$$;

comment on function app.read_only_chatbots(text) is
  'The chatbots beyond what the plan in force holds: after those the owner keeps, the most recently created.';
revoke all on function app.read_only_chatbots(text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/read_only_chatbots.sql

--! Included schemas/internal/require_writable_chatbot.sql
-- require_writable_chatbot refuses a change of a chatbot that is read-only because the plan does not hold it.
--
-- Errors:  PY414 the chatbot is read-only
create or replace function app.require_writable_chatbot(p_account_id text, p_chatbot_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if exists (select from app.read_only_chatbots(p_account_id) r (id) where r.id = p_chatbot_id) then
    raise exception 'this chatbot is read-only, because the plan does not hold all chatbots: delete others, choose which to keep, or upgrade'
      using errcode = 'PY414';
  end if;
end
$$;

comment on function app.require_writable_chatbot(text, uuid) is
  'Refuses a change of a chatbot that is read-only because the plan does not hold it (PY414).';
revoke all on function app.require_writable_chatbot(text, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/require_writable_chatbot.sql

--! Included schemas/internal/reversal_facts.sql
-- reversal_facts gives where a refund or dispute stands, to compare before with after.
--
-- Returns: jsonb, one text per fact; null = it is not known
create or replace function app.reversal_facts(p_processor text, p_reversal_id text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('reversal_status', r.status, 'reversal_amount', r.amount_minor::text)
    from app.reversal_events r
    where r.processor = p_processor and r.reversal_id = p_reversal_id
    order by r.occurred_at desc, r.event_rank desc, r.event_id collate "C" desc
    limit 1);
end
$$;

comment on function app.reversal_facts(text, text) is 'Where a refund or dispute stands, to compare before with after.';
revoke all on function app.reversal_facts(text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/reversal_facts.sql

--! Included schemas/internal/subscription_facts.sql
-- subscription_facts gives what matters of a subscription's state, to compare before with after.
--
-- Returns: jsonb, one text per fact (times in UTC); null = it is not known
create or replace function app.subscription_facts(p_processor text, p_subscription_id text)
returns jsonb
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
begin
  return (
    select jsonb_build_object(
      'status', s.status, 'plan', s.plan, 'price_id', s.price_id, 'period_start', s.period_start::text, 'period_end', s.period_end::text,
      'cancels_at', s.cancels_at::text, 'suspended_by', s.suspended_by, 'account_plan', a.plan)
    from app.processor_links l
    join app.processor_subscriptions s
      on s.account_id = l.account_id and s.processor = l.processor and s.subscription_id = l.object_id
    join app.accounts a on a.account_id = s.account_id
    where l.processor = p_processor and l.object_id = p_subscription_id);
end
$$;

comment on function app.subscription_facts(text, text) is 'What matters of a subscription''s state, to compare before with after.';
revoke all on function app.subscription_facts(text, text) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/subscription_facts.sql

--! Included schemas/internal/suspension_of.sql
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
--! EndIncluded schemas/internal/suspension_of.sql

--! Included schemas/internal/window_at.sql
-- window_at finds the window an instant falls into: [anchor + k months, anchor + (k+1) months), in UTC or at a fixed
-- distance from it.
-- Every bound is computed from the anchor, never from the bound before: 31 Jan, 28 Feb, 31 Mar.
--
-- Args:    p_anchor  where windows start
--          p_at      the instant; may lie before the anchor
--          p_offset  added to UTC, the clock by which months go (Razorpay bills at midnight in India, 5:30 ahead)
-- Returns: window_start <= p_at < window_end
-- Source:  Stripe's rule for a billing cycle anchor on a day that a month lacks (docs.stripe.com/billing/subscriptions/billing-cycle)
create or replace function app.window_at(
  p_anchor timestamptz, p_at timestamptz, p_offset interval default interval '0', out window_start timestamptz, out window_end timestamptz
)
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_anchor timestamp := p_anchor at time zone 'UTC' + p_offset;
  v_at timestamp := p_at at time zone 'UTC' + p_offset;
  v_months integer := (extract(year from v_at) - extract(year from v_anchor)) * 12
                      + extract(month from v_at) - extract(month from v_anchor);
begin
  -- Bound number v_months lies in the month of v_at, so the window is this one or the one before.
  if v_anchor + make_interval(months => v_months) > v_at then
    v_months := v_months - 1;
  end if;
  window_start := (v_anchor + make_interval(months => v_months) - p_offset) at time zone 'UTC';
  window_end := (v_anchor + make_interval(months => v_months + 1) - p_offset) at time zone 'UTC';
end
$$;

comment on function app.window_at(timestamptz, timestamptz, interval) is
  'The window an instant falls into: anchor + k months to anchor + (k+1) months, half-open, in UTC or at a fixed distance from it.';
revoke all on function app.window_at(timestamptz, timestamptz, interval) from public, anon, authenticated, service_role;
grant execute on function app.window_at(timestamptz, timestamptz, interval) to operator;
--! EndIncluded schemas/internal/window_at.sql

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
      'sync_chatbot_count', 'upsert_price', 'list_plan_prices', 'replay_webhook_event', 'check_invariants', 'schema_version',
      'clock', 'window_at', 'entitlement', 'subscription_to_show'))
  union all
  select format('%s may not execute %s', r.role, p.oid::regprocedure)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join (values ('service_role'), ('operator')) r (role)
  where n.nspname = 'api' and not has_function_privilege(r.role, p.oid, 'execute')
    and (r.role = 'service_role' or p.proname in (
      'sync_chatbot_count', 'upsert_price', 'list_plan_prices', 'replay_webhook_event', 'check_invariants', 'schema_version'))
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

--! Included schemas/functions/advance_reconciliation.sql
-- advance_reconciliation notes how far a comparison has come, or how it ended.
--
-- Args:    p_cursor   where to go on
--          p_entries  how many entries were compared since the last call
--          p_status   running, done or failed (p_error says why; the next one goes on at p_cursor)
-- Returns: one row, the sums of the run
-- Errors:  PY004 status · PY404 no such run
-- Locks:   the run until commit
create or replace function api.advance_reconciliation(
  p_run_id uuid, p_cursor text, p_entries bigint, p_status text default 'running', p_error text default null
)
returns table (entries bigint, corrections bigint, drifts bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_status is null or p_status not in ('running', 'done', 'failed') then
    raise exception 'status must be running, done or failed' using errcode = 'PY004';
  end if;
  update app.reconciliation_runs r
  set cursor = p_cursor, entries = r.entries + p_entries, status = p_status, last_error = left(p_error, 500), updated_at = app.clock(),
      finished_at = case when p_status <> 'running' then app.clock() end
  where r.id = p_run_id;
  if not found then
    raise exception 'no such reconciliation' using errcode = 'PY404';
  end if;
  return query
  select r.entries, r.corrections, (select count(*) from app.reconciliation_drifts d where d.run_id = r.id)
  from app.reconciliation_runs r where r.id = p_run_id;
end
$$;

comment on function api.advance_reconciliation(uuid, text, bigint, text, text) is
  'Notes how far a comparison with a processor has come, or how it ended.';
revoke all on function api.advance_reconciliation(uuid, text, bigint, text, text) from public, anon, authenticated;
grant execute on function api.advance_reconciliation(uuid, text, bigint, text, text) to service_role;
--! EndIncluded schemas/functions/advance_reconciliation.sql

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
-- Errors:  PY003 estimate · PY004 argument · PY409 request id used for another request · PY414 the chatbot is read-only
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
    perform app.require_writable_chatbot(p_account_id, p_chatbot_id);

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

--! Included schemas/functions/begin_plan_change.sql
-- begin_plan_change decides a change of plan and writes down what the processor must be asked, before it is asked.
--
--   now         an operation change_now: the quota rises when the processor confirms
--   period_end  the change is scheduled; a downgrade must fit, and from now on levels are held to the smaller plan. The
--               operation that tells the processor comes now, or shortly before the period ends (app.keeps_change)
--
-- Args:    p_plan, p_interval  what to change to
--          p_request_id        makes the call safe to repeat
--          p_reason            owner or operator
-- Returns: rows. outcome, the same in every row
--            started    ask the processor: operation_id is the idempotency key; then call settle_operation
--            scheduled  nothing is to be asked now
--            blocked    a downgrade that does not fit: one row per blocker (metric, used, quota, excess, message)
--            replayed   the same request was made before, and is started, scheduled or done
--            refused    the same request was made before, and the processor refused it; message says why
--            others     those of app.plan_change_of
-- Errors:  PY002 unknown plan · PY004 argument · PY409 request id used for another request · PY415 the account is closed
-- Locks:   the account, then its counters, until commit: nothing can be added between the check and the change
create or replace function api.begin_plan_change(
  p_account_id text, p_plan text, p_interval text, p_request_id text default null, p_reason text default 'owner'
)
returns table (
  outcome text, direction text, takes_effect text, effective_at timestamptz, plan_change_id uuid, operation_id uuid, kind text,
  processor text, subscription_id text, price_id text, metric text, used bigint, quota bigint, excess bigint, message text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_change record;
begin
  if p_reason is null or p_reason not in ('owner', 'operator') then
    raise exception 'reason must be owner or operator' using errcode = 'PY004';
  end if;
  perform app.hold_open_account(p_account_id);
  -- All of them and in the one order everybody locks them in, though only levels are looked at.
  perform from app.counters c where c.account_id = p_account_id
  order by c.metric, c.window_start
  for update;
  select c.* into v_change from app.plan_change_of(p_account_id, p_plan, p_interval) c;
  direction := v_change.direction;
  takes_effect := v_change.takes_effect;
  effective_at := v_change.effective_at;
  processor := v_change.processor;
  subscription_id := v_change.subscription_id;
  price_id := v_change.to_price_id;

  -- A repeated request finds its own change in the way; what it asked for is told by its key.
  if p_request_id is not null and exists (
    select from app.idempotency_keys k where k.account_id = p_account_id and k.request_id = p_request_id
  ) then
    v_claimed := app.claim_request(p_account_id, p_request_id, 'plan_change', app.fingerprint_of(array[p_plan, p_interval]), v_id);
    select o.id, o.kind, case when o.status = 'refused' then o.last_error end, case o.status when 'refused' then 'refused' else 'replayed' end
    into operation_id, kind, message, outcome
    from app.processor_operations o
    where o.account_id = p_account_id and (o.id = v_claimed or o.plan_change_id = v_claimed)
    order by o.created_at limit 1;
    outcome := coalesce(outcome, 'replayed');
    select c.id into plan_change_id from app.plan_changes c where c.account_id = p_account_id and c.id = v_claimed;
    return next;
    return;
  end if;

  if v_change.outcome <> 'possible' then
    outcome := v_change.outcome;
    return next;
    return;
  end if;
  if direction = 'downgrade' then
    return query
    select 'blocked', v_change.direction, v_change.takes_effect, v_change.effective_at, null::uuid, null::uuid, null::text,
           v_change.processor, v_change.subscription_id, v_change.to_price_id, b.metric, b.used, b.quota, b.excess, b.message
    from api.validate_plan_change(p_account_id, p_plan) b;
    if found then
      return;
    end if;
  end if;

  if takes_effect = 'period_end' then
    plan_change_id := v_id;
    insert into app.plan_changes
      (account_id, id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, effective_at, created_at)
    values (p_account_id, v_id, processor, subscription_id, direction, v_change.from_plan, v_change.from_price_id, p_plan, price_id,
            app.keeps_change(processor, direction), effective_at, app.clock());
    perform app.follow_plan_change(p_account_id);
  end if;
  if takes_effect = 'period_end' and app.keeps_change(processor, direction) then
    outcome := 'scheduled';
  else
    outcome := 'started';
    kind := case takes_effect when 'now' then 'change_now' else 'change_at_period_end' end;
    operation_id := app.queue_operation(p_account_id, processor, subscription_id, kind, price_id, plan_change_id, p_reason, interval '1 minute');
  end if;
  perform app.claim_request(p_account_id, p_request_id, 'plan_change', app.fingerprint_of(array[p_plan, p_interval]),
                            coalesce(plan_change_id, operation_id));
  return next;
end
$$;

comment on function api.begin_plan_change(text, text, text, text, text) is
  'Decides a change of plan and writes down what the processor must be asked; a downgrade that does not fit is blocked.';
revoke all on function api.begin_plan_change(text, text, text, text, text) from public, anon, authenticated;
grant execute on function api.begin_plan_change(text, text, text, text, text) to service_role;
--! EndIncluded schemas/functions/begin_plan_change.sql

--! Included schemas/functions/begin_plan_change_undo.sql
-- begin_plan_change_undo takes back a change that is scheduled, a planned cancellation of Parley's own keeping too.
--
-- Returns: one row. outcome
--            undone     it is taken back; nothing is to be asked
--            started    the processor knows of it and must be asked: then call settle_operation, which takes it back
--            nothing    no change is scheduled
--            too_late   the processor was told of a cancellation, and does not take it back
--            busy       the processor is being asked for a change of the subscription, or is about to renew it, or has and was
--                       not heard yet: what is put back then would be for a period that is paid for
-- Errors:  PY004 account id · PY415 the account is closed
-- Locks:   the account until commit. Idempotent: what is undone is undone.
create or replace function api.begin_plan_change_undo(p_account_id text)
returns table (outcome text, plan_change_id uuid, operation_id uuid, kind text, processor text, subscription_id text, price_id text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_change app.plan_changes;
  v_told boolean;
begin
  perform app.hold_open_account(p_account_id);
  select c.* into v_change from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled';
  if not found then
    outcome := 'nothing';
    return next;
    return;
  end if;
  plan_change_id := v_change.id;
  processor := v_change.processor;
  subscription_id := v_change.subscription_id;
  v_told := exists (select from app.processor_operations o
                    where o.account_id = p_account_id and o.plan_change_id = v_change.id and o.status = 'done');
  if v_change.direction = 'cancel' and v_told then
    outcome := 'too_late';
    return next;
    return;
  end if;
  if v_change.effective_at <= app.clock() or v_change.held and v_told and v_change.effective_at <= app.clock() + interval '40 minutes'
     or exists (select from app.processor_operations o
                where o.account_id = p_account_id and o.processor = v_change.processor and o.subscription_id = v_change.subscription_id
                  and o.next_attempt_at is not null) then
    outcome := 'busy';
    return next;
    return;
  end if;

  if v_change.held and not v_told then
    update app.plan_changes c set status = 'undone', settled_at = app.clock()
    where c.account_id = p_account_id and c.id = v_change.id;
    perform app.apply_subscriptions(p_account_id);
    outcome := 'undone';
  else
    outcome := 'started';
    -- Who cannot be told in advance was told early: the price before is put back.
    kind := case when v_change.held then 'change_at_period_end' else 'undo_change' end;
    price_id := case when kind = 'change_at_period_end' then v_change.from_price_id end;
    operation_id := app.queue_operation(p_account_id, processor, subscription_id, kind, price_id, plan_change_id, 'owner', interval '1 minute');
  end if;
  return next;
end
$$;

comment on function api.begin_plan_change_undo(text) is 'Takes back a change that is scheduled.';
revoke all on function api.begin_plan_change_undo(text) from public, anon, authenticated;
grant execute on function api.begin_plan_change_undo(text) to service_role;
--! EndIncluded schemas/functions/begin_plan_change_undo.sql

--! Included schemas/functions/begin_reconciliation.sql
-- begin_reconciliation begins to compare what a processor says happened with what is known, or goes on with a comparison
-- that was broken off.
--
-- Args:    p_since    how far to look back; null = since the last finished run (with an hour to spare), else three days
--          p_dry_run  find, do not correct
-- Returns: one row; cursor = where to go on (null = at the beginning); resumed = it was broken off
-- Errors:  PY004 processor
-- Locks:   none beyond its row
create or replace function api.begin_reconciliation(p_processor text, p_since timestamptz default null, p_dry_run boolean default false)
returns table (run_id uuid, since timestamptz, cursor text, entries bigint, resumed boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_since timestamptz;
begin
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
  end if;
  -- One that stood still for a minute has nobody behind it any more.
  update app.reconciliation_runs r set updated_at = app.clock(), status = 'running', finished_at = null, last_error = null
  where r.id = (
    select b.id from app.reconciliation_runs b
    where b.processor = p_processor and b.dry_run = p_dry_run
      and (b.status = 'failed' or b.status = 'running' and b.updated_at < app.clock() - interval '1 minute')
      and (p_since is null or b.since = p_since)
      -- Not one that a later run has made up for.
      and not exists (select from app.reconciliation_runs l
                      where l.processor = b.processor and l.status = 'done' and l.dry_run = b.dry_run and l.started_at > b.started_at
                        and (l.since <= b.since or l.continues and b.continues))
      and b.started_at > app.clock() - interval '1 day'
    order by b.started_at desc limit 1
    for update skip locked)
  returning r.id, r.since, r.cursor, r.entries, true into run_id, since, cursor, entries, resumed;
  if found then
    return next;
    return;
  end if;

  select max(r.started_at) - interval '1 hour' into v_since
  from app.reconciliation_runs r where r.processor = p_processor and r.status = 'done' and not r.dry_run and r.continues;
  return query
  insert into app.reconciliation_runs as r (processor, since, dry_run, started_at, updated_at, continues)
  values (p_processor, coalesce(p_since, v_since, app.clock() - interval '3 days'), p_dry_run, app.clock(), app.clock(), p_since is null)
  returning r.id, r.since, r.cursor, r.entries, false;
end
$$;

comment on function api.begin_reconciliation(text, timestamptz, boolean) is
  'Begins to compare what a processor says happened with what is known, or goes on with a comparison that was broken off.';
revoke all on function api.begin_reconciliation(text, timestamptz, boolean) from public, anon, authenticated;
grant execute on function api.begin_reconciliation(text, timestamptz, boolean) to service_role;
--! EndIncluded schemas/functions/begin_reconciliation.sql

--! Included schemas/functions/begin_subscription_change.sql
-- begin_subscription_change decides whether an account's subscription can be cancelled, resumed or paused, and writes down
-- what the processor must be asked, before it is asked.
--
-- Args:    p_change  cancel_at_period_end, cancel_now, resume (takes a planned cancellation back, or ends a pause), pause
-- Returns: one row. outcome
--            started          ask the processor: operation_id is the idempotency key; then call settle_operation
--            done             nothing is to be asked: Parley keeps a cancellation until the period ends, or took it back
--            already          it is so already
--            no_subscription  there is none, or it has ended
--            not_running      it cannot be paused: it is past due, paused or has not begun
--            too_late         the processor was told of the cancellation, and does not take it back
--            pending          Parley would have to keep the cancellation, but another change is scheduled: undo that first
--            busy             the processor is being asked for a change of it
-- Errors:  PY004 argument · PY415 the account is closed
-- Locks:   the account until commit. A cancellation takes the place of a change that was scheduled, once it is done.
create or replace function api.begin_subscription_change(p_account_id text, p_change text)
returns table (
  outcome text, operation_id uuid, kind text, processor text, subscription_id text, price_id text, effective_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_subscription app.processor_subscriptions;
  v_change app.plan_changes;
  v_told boolean;
  v_ends_at timestamptz;
begin
  if p_change is null or p_change not in ('cancel_at_period_end', 'cancel_now', 'resume', 'pause') then
    raise exception 'change must be cancel_at_period_end, cancel_now, resume or pause' using errcode = 'PY004';
  end if;
  perform app.hold_open_account(p_account_id);
  select s.* into v_subscription
  from app.processor_subscriptions s
  where s.account_id = p_account_id and s.status in ('trialing', 'active', 'past_due', 'paused')
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 1;
  if not found then
    outcome := 'no_subscription';
    return next;
    return;
  end if;
  processor := v_subscription.processor;
  subscription_id := v_subscription.subscription_id;
  -- Razorpay shows no period while a trial runs.
  v_ends_at := coalesce(v_subscription.period_end, v_subscription.trial_ends_at);
  effective_at := case p_change when 'cancel_at_period_end' then v_ends_at else app.clock() end;
  select c.* into v_change from app.plan_changes c where c.account_id = p_account_id and c.status = 'scheduled';

  v_told := exists (select from app.processor_operations o
                    where o.account_id = p_account_id and o.plan_change_id = v_change.id and o.status = 'done');
  if exists (select from app.processor_operations o
             where o.account_id = p_account_id and o.processor = v_subscription.processor
               and o.subscription_id = v_subscription.subscription_id and o.next_attempt_at is not null) then
    outcome := 'busy';
  elsif p_change = 'cancel_at_period_end' and (v_subscription.cancels_at is not null or v_change.direction = 'cancel') then
    outcome := 'already';
    effective_at := coalesce(v_subscription.cancels_at, v_change.effective_at);
  elsif p_change = 'pause' and (v_subscription.status not in ('trialing', 'active') or v_subscription.cancels_at is not null
                                or v_change.direction = 'cancel') then
    outcome := case v_subscription.status when 'paused' then 'already' else 'not_running' end;
  elsif p_change = 'resume' and v_change.direction = 'cancel' and not v_told and v_subscription.status <> 'paused' then
    outcome := 'done';
    update app.plan_changes c set status = 'undone', settled_at = app.clock()
    where c.account_id = p_account_id and c.id = v_change.id;
  elsif p_change = 'resume' and app.keeps_change(processor, 'cancel') and (v_told and v_change.direction = 'cancel' or v_subscription.cancels_at is not null) then
    outcome := 'too_late';
  elsif p_change = 'resume' and v_subscription.cancels_at is null and v_subscription.status <> 'paused' then
    outcome := 'already';
  end if;
  if outcome is not null then
    return next;
    return;
  end if;

  -- In the last minutes it is told at once: queue_due_changes would come too late.
  if p_change = 'cancel_at_period_end' and app.keeps_change(processor, 'cancel')
     and v_ends_at > app.clock() + interval '40 minutes' then
    if v_change.id is not null then
      outcome := 'pending';
      return next;
      return;
    end if;
    outcome := 'done';
    insert into app.plan_changes
      (account_id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, effective_at, created_at)
    values (p_account_id, processor, subscription_id, 'cancel', v_subscription.plan, v_subscription.price_id, 'free', null, true,
            v_ends_at, app.clock());
  else
    outcome := 'started';
    kind := p_change;
    operation_id := app.queue_operation(p_account_id, processor, subscription_id, kind, null,
                                        case when v_change.direction <> 'cancel' then v_change.id end, 'owner', interval '1 minute');
  end if;
  perform app.apply_subscriptions(p_account_id);
  return next;
end
$$;

comment on function api.begin_subscription_change(text, text) is
  'Decides whether a subscription can be cancelled, resumed or paused, and writes down what the processor must be asked.';
revoke all on function api.begin_subscription_change(text, text) from public, anon, authenticated;
grant execute on function api.begin_subscription_change(text, text) to service_role;
--! EndIncluded schemas/functions/begin_subscription_change.sql

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
    cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
    where c.used > q.quota and a.closed_at is null
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
    where w.status = 'processed' and (w.subscription_id is not null or w.kind in ('refund', 'dispute', 'closed'))
      and not exists (select from app.subscription_events s where s.processor = w.processor and s.event_id = w.id)
      and not exists (select from app.reversal_events r where r.processor = w.processor and r.event_id = w.id)
      -- A second deletion of a customer says no more than the first.
      and not (w.kind = 'closed' and (
        exists (select from app.tombstones t where t.processor = w.processor and t.object_id = w.customer_id)
        or exists (select from app.accounts a where a.account_id = w.account_id and a.closed_at is not null and w.processor = 'clerk')))
      -- A checkout says whose a subscription is, and nothing else.
      and not (w.event_type like 'checkout.%' and exists (
        select from app.processor_links l where l.processor = w.processor and l.object_id = w.subscription_id))
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', s.processor, s.event_id, coalesce(w.status, 'missing'))
    from app.subscription_events s
    left join app.webhook_events w on w.processor = s.processor and w.id = s.event_id
    where w.status is distinct from 'processed'
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', r.processor, r.event_id, coalesce(w.status, 'missing'))
    from app.reversal_events r
    left join app.webhook_events w on w.processor = r.processor and w.id = r.event_id
    where w.status is distinct from 'processed'
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', t.processor, t.event_id, coalesce(w.status, 'missing'))
    from app.tombstones t
    left join app.webhook_events w on w.processor = t.processor and w.id = t.event_id
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
      -- What once ended stays ended, whatever came after.
      or s.status <> p.status and not (p.status = 'canceled' and (
        exists (select from app.subscription_events o
                where o.account_id = p.account_id and o.processor = p.processor and o.subscription_id = p.subscription_id
                  and o.status = 'canceled')
        or exists (select from app.tombstones t where t.processor = p.processor and t.object_id = p.customer_id)))
      or p.status <> 'canceled' and (
        exists (select from app.subscription_events o
                where o.account_id = p.account_id and o.processor = p.processor and o.subscription_id = p.subscription_id
                  and o.status = 'canceled')
        or exists (select from app.tombstones t where t.processor = p.processor and t.object_id = p.customer_id))
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
    select 15, format('%s has %s until %s anchored %s by its row, %s until %s anchored %s by its subscriptions', a.account_id,
                      a.plan, coalesce(a.plan_ends_at::text, 'ever'), a.anchor, g.plan, coalesce(g.plan_ends_at::text, 'ever'), g.anchor)
    from app.accounts a
    cross join lateral app.granted_plan(a.account_id) g
    where (a.plan, a.anchor, a.anchor_offset, a.counts_from) is distinct from (g.plan, g.anchor, g.anchor_offset, g.counts_from)
      or a.plan_ends_at is distinct from g.plan_ends_at
    union all
    select 15, format('%s of %s is suspended by %s by its row, by %s by what was said', s.subscription_id, s.account_id,
                      coalesce(s.suspended_by, 'nothing'), coalesce(x.reversal_id, 'nothing'))
    from app.processor_subscriptions s
    cross join lateral app.suspension_of(s.account_id, s.processor, s.subscription_id) x (reversal_id)
    where s.suspended_by is distinct from x.reversal_id
    union all
    select 16, format('the levels of %s are held to %s, but its scheduled downgrade is to %s', a.account_id,
                      coalesce(a.pending_plan, 'no plan'), coalesce(c.to_plan, 'none'))
    from app.accounts a
    left join app.plan_changes c on c.account_id = a.account_id and c.status = 'scheduled' and c.direction = 'downgrade'
    where a.pending_plan is distinct from c.to_plan
    union all
    select 17, format('%s of %s of %s waits since %s', o.kind, o.subscription_id, o.account_id, o.created_at)
    from app.processor_operations o
    where o.next_attempt_at is not null and o.created_at < app.clock() - interval '1 day'
    union all
    select 17, format('purchase %s of %s is open %s after its time', c.id, c.account_id, app.clock() - c.expires_at)
    from app.checkouts c
    where c.status in ('reserved', 'open') and c.expires_at < app.clock() - interval '1 day'
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
    (14, 'row security, triggers and search paths are in place'),
    (15, 'an account has the plan its subscriptions give'),
    (16, 'levels are held to the downgrade that is scheduled'),
    (17, 'nothing asked of a processor is left undone')
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

--! Included schemas/functions/claim_operations.sql
-- claim_operations takes changes that processors are to be asked for, or asked for again because the answer was lost, for a
-- minute. A worker that dies leaves them to the next one after that minute. What was to come with a period that has begun
-- meanwhile is not asked for any more: it would be for the period after it (queue_due_changes makes up for it).
--
-- Args:    p_limit  1 to 100
-- Returns: the operations; operation_id is the idempotency key, whoever asks and however often
-- Errors:  PY004 limit
-- Locks:   those rows until commit; skips what is locked
create or replace function api.claim_operations(p_limit integer default 20)
returns table (
  account_id text, operation_id uuid, processor text, subscription_id text, kind text, price_id text, reason text, attempts integer,
  first_sent_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  update app.processor_operations o
  set status = 'refused', next_attempt_at = null, settled_at = app.clock(), last_error = 'its time was over before it was known to be done'
  from (
    select d.account_id, d.id
    from app.processor_operations d
    join app.plan_changes c on c.account_id = d.account_id and c.id = d.plan_change_id
    where d.next_attempt_at <= app.clock() and c.effective_at <= app.clock()
      and d.kind in ('change_at_period_end', 'cancel_at_period_end', 'undo_change', 'resume')
    for update of d skip locked
  ) late
  where o.account_id = late.account_id and o.id = late.id;
  return query
  update app.processor_operations o
  set next_attempt_at = app.clock() + interval '1 minute', attempts = o.attempts + 1, first_sent_at = coalesce(o.first_sent_at, app.clock())
  from (
    select d.account_id, d.id from app.processor_operations d
    where d.next_attempt_at <= app.clock()
    order by d.next_attempt_at
    limit p_limit
    for update skip locked
  ) due
  where o.account_id = due.account_id and o.id = due.id
  returning o.account_id, o.id, o.processor, o.subscription_id, o.kind, o.price_id, o.reason, o.attempts, o.first_sent_at;
end
$$;

comment on function api.claim_operations(integer) is
  'Takes changes that processors are to be asked for, or asked for again, for a minute; no other worker gets them meanwhile.';
revoke all on function api.claim_operations(integer) from public, anon, authenticated;
grant execute on function api.claim_operations(integer) to service_role;
--! EndIncluded schemas/functions/claim_operations.sql

--! Included schemas/functions/create_conversation.sql
-- create_conversation opens a conversation with a chatbot.
--
-- Args:    p_title       up to 200 characters
--          p_channel     playground, widget or api
--          p_request_id  makes the call safe to repeat
-- Returns: the conversation; no row where the chatbot is not the account's, or a replayed conversation has been deleted
-- Errors:  PY004 argument · PY409 request id used for another request · PY414 the chatbot is read-only
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
    perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
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

--! Included schemas/functions/create_document.sql
-- create_document stores a document's passages where the quota storage_bytes allows it.
--
-- Args:    p_size_bytes  the size of the file as uploaded: what counts
--          p_sha256      of that file, lower-case hexadecimal
--          p_passages    its text in order, 1 to 10,000 passages of 1 to 10,000 characters
--          p_request_id  makes the call safe to repeat
-- Returns: one row: the decision on storage_bytes, and the document (null columns when refused, or deleted since);
--          no row where the chatbot is not the account's
-- Errors:  PY004 argument · PY409 request id used for another request · PY414 the chatbot is read-only
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
      perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
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

--! Included schemas/functions/keep_chatbots.sql
-- keep_chatbots lets the owner choose which chatbots stay in use where a plan does not hold all of them. The others are
-- read-only, and thaw by themselves when all fit again; nothing is deleted.
--
-- Args:    p_chatbot_ids  those to keep, in any order; none = by age again, the oldest first
-- Returns: one row: outcome kept, or too_many (quota = how many the plan holds; of the smaller one while a downgrade is scheduled)
--          or not_found (one of them is not the account's)
-- Errors:  PY004 account id
-- Locks:   the account until commit. Idempotent.
create or replace function api.keep_chatbots(p_account_id text, p_chatbot_ids uuid[])
returns table (outcome text, kept bigint, quota bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.ensure_account(p_account_id);
  perform from app.accounts a where a.account_id = p_account_id for no key update;
  select e.quota into quota from app.entitlement(p_account_id, 'chatbots') e;
  select count(distinct i) into kept from unnest(p_chatbot_ids) i;
  if kept > quota then
    outcome := 'too_many';
  elsif exists (select from unnest(p_chatbot_ids) i where i is null
                or not exists (select from app.chatbots b where b.account_id = p_account_id and b.id = i)) then
    outcome := 'not_found';
  else
    outcome := 'kept';
    update app.chatbots b
    set kept_at = case when b.id = any (p_chatbot_ids) then app.clock() end
    where b.account_id = p_account_id and (b.kept_at is not null or b.id = any (p_chatbot_ids));
  end if;
  return next;
end
$$;

comment on function api.keep_chatbots(text, uuid[]) is
  'Lets the owner choose which chatbots stay in use where a plan does not hold all of them.';
revoke all on function api.keep_chatbots(text, uuid[]) from public, anon, authenticated;
grant execute on function api.keep_chatbots(text, uuid[]) to service_role;
--! EndIncluded schemas/functions/keep_chatbots.sql

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
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
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

--! Included schemas/functions/list_downgrade_candidates.sql
-- list_downgrade_candidates names what could go to make a plan fit: of the levels that are above its quota, the things
-- they count, the most recent chatbots and the largest documents first.
--
-- Args:    p_plan   the plan that shall fit
--          p_limit  1 to 100 of each
-- Returns: metric chatbots or storage_bytes; size_bytes null for a chatbot; read_only = it would be read-only on that plan
-- Errors:  PY002 unknown plan · PY004 argument
create or replace function api.list_downgrade_candidates(p_account_id text, p_plan text, p_limit integer default 50)
returns table (metric text, id uuid, chatbot_id uuid, name text, size_bytes bigint, created_at timestamptz, read_only boolean)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select 'chatbots', b.id, b.id, b.name, null::bigint, b.created_at, b.place > v.quota
  from api.validate_plan_change(p_account_id, p_plan) v
  cross join lateral (
    select x.*, row_number() over (order by x.kept_at is null, x.created_at, x.id) as place
    from app.chatbots x where x.account_id = p_account_id
  ) b
  where v.metric = 'chatbots'
  order by b.place desc
  limit p_limit;
  return query
  select 'storage_bytes', d.id, d.chatbot_id, d.name, d.size_bytes, d.created_at, false
  from api.validate_plan_change(p_account_id, p_plan) v
  join app.documents d on d.account_id = p_account_id
  where v.metric = 'storage_bytes'
  order by d.size_bytes desc, d.id
  limit p_limit;
end
$$;

comment on function api.list_downgrade_candidates(text, text, integer) is
  'What could go to make a plan fit: the most recent chatbots and the largest documents first.';
revoke all on function api.list_downgrade_candidates(text, text, integer) from public, anon, authenticated;
grant execute on function api.list_downgrade_candidates(text, text, integer) to service_role;
--! EndIncluded schemas/functions/list_downgrade_candidates.sql

--! Included schemas/functions/list_drifts.sql
-- list_drifts lists what a reconciliation found to differ, event by event, a page at a time.
--
-- Args:    p_limit  1 to 100
--          p_after_event_id, p_after_field  the last row of the page before; null = the first page
-- Returns: one row per field; ours and theirs null = nothing; corrected false in a dry run, and where it failed
-- Errors:  PY004 limit
create or replace function api.list_drifts(
  p_run_id uuid, p_limit integer default 100, p_after_event_id text default null, p_after_field text default null
)
returns table (
  event_id text, field text, processor text, account_id text, subscription_id text, event_type text, ours text, theirs text,
  corrected boolean, created_at timestamptz
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
  select d.event_id, d.field, d.processor, d.account_id, d.subscription_id, d.event_type, d.ours, d.theirs, d.corrected, d.created_at
  from app.reconciliation_drifts d
  where d.run_id = p_run_id and (p_after_event_id is null or (d.event_id, d.field) > (p_after_event_id, p_after_field))
  order by d.event_id, d.field
  limit p_limit;
end
$$;

comment on function api.list_drifts(uuid, integer, text, text) is 'What a reconciliation found to differ, a page at a time.';
revoke all on function api.list_drifts(uuid, integer, text, text) from public, anon, authenticated;
grant execute on function api.list_drifts(uuid, integer, text, text) to service_role;
--! EndIncluded schemas/functions/list_drifts.sql

--! Included schemas/functions/list_expired_checkouts.sql
-- list_expired_checkouts lists purchases that were given up: their time is over and nobody settled them. Whoever asks ends
-- them at their processor (one may turn out to be paid) and settles them.
--
-- Args:    p_limit  1 to 100
-- Returns: the purchases, those that ended first first
-- Errors:  PY004 limit
create or replace function api.list_expired_checkouts(p_limit integer default 20)
returns table (account_id text, checkout_id uuid, processor text, processor_checkout_id text, status text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select c.account_id, c.id, c.processor, c.processor_checkout_id, c.status
  from app.checkouts c
  where c.status in ('reserved', 'open') and c.expires_at <= app.clock()
  order by c.expires_at, c.id
  limit p_limit;
end
$$;

comment on function api.list_expired_checkouts(integer) is 'Lists purchases whose time is over and that nobody settled.';
revoke all on function api.list_expired_checkouts(integer) from public, anon, authenticated;
grant execute on function api.list_expired_checkouts(integer) to service_role;
--! EndIncluded schemas/functions/list_expired_checkouts.sql

--! Included schemas/functions/list_live_subscriptions.sql
-- list_live_subscriptions lists what is believed to be subscribed to at a processor, a page at a time, to be compared with
-- what it says itself.
--
-- Args:    p_processor            stripe, paddle or razorpay
--          p_limit                1 to 100
--          p_after_subscription_id  the last one of the page before; null = the first page
-- Returns: subscriptions that have not ended, by id
-- Errors:  PY004 limit
create or replace function api.list_live_subscriptions(p_processor text, p_limit integer default 100, p_after_subscription_id text default null)
returns table (account_id text, subscription_id text, status text, as_of timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select s.account_id, s.subscription_id, s.status, s.as_of
  from app.processor_subscriptions s
  where s.processor = p_processor and s.status <> 'canceled'
    and (p_after_subscription_id is null or s.subscription_id > p_after_subscription_id)
  order by s.subscription_id
  limit p_limit;
end
$$;

comment on function api.list_live_subscriptions(text, integer, text) is
  'Lists what is believed to be subscribed to at a processor, to be compared with what it says itself.';
revoke all on function api.list_live_subscriptions(text, integer, text) from public, anon, authenticated;
grant execute on function api.list_live_subscriptions(text, integer, text) to service_role;
--! EndIncluded schemas/functions/list_live_subscriptions.sql

--! Included schemas/functions/list_old_prices.sql
-- list_old_prices previews a move to the newest prices: who is subscribed to an older version, and what they would pay.
--
-- Args:    p_plan, p_interval  null = all
--          p_limit, p_after_account_id  a page; null = the first
-- Returns: the subscriptions in force, by account; effective_at = when a move that is asked for now would come
-- Errors:  PY002 unknown plan · PY004 limit
create or replace function api.list_old_prices(
  p_plan text default null, p_interval text default null, p_limit integer default 100, p_after_account_id text default null
)
returns table (
  account_id text, processor text, subscription_id text, plan text, billing_interval text, currency text,
  from_version integer, from_amount_minor bigint, to_version integer, to_amount_minor bigint, effective_at timestamptz, scheduled boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  if p_plan is not null and not exists (select from app.plans p where p.plan = p_plan) then
    raise exception 'unknown plan %', quote_literal(p_plan) using errcode = 'PY002';
  end if;
  return query
  select s.account_id, s.processor, s.subscription_id, pp.plan, pp.billing_interval, n.currency, pp.version, v.amount_minor,
         n.version, n.amount_minor, s.period_end,
         exists (select from app.plan_changes c where c.account_id = s.account_id and c.status = 'scheduled')
  from app.processor_subscriptions s
  join app.processor_prices pp on pp.processor = s.processor and pp.price_id = s.price_id
  left join app.plan_prices v on v.plan = pp.plan and v.billing_interval = pp.billing_interval and v.version = pp.version
  cross join lateral (
    select m.version, m.amount_minor, m.currency from app.plan_prices m
    where m.plan = pp.plan and m.billing_interval = pp.billing_interval
    order by m.version desc limit 1
  ) n
  where s.in_force and pp.version < n.version
    and (p_plan is null or pp.plan = p_plan) and (p_interval is null or pp.billing_interval = p_interval)
    and (p_after_account_id is null or s.account_id > p_after_account_id)
  order by s.account_id
  limit p_limit;
end
$$;

comment on function api.list_old_prices(text, text, integer, text) is
  'Previews a move to the newest prices: who is subscribed to an older version, and what they would pay.';
revoke all on function api.list_old_prices(text, text, integer, text) from public, anon, authenticated;
grant execute on function api.list_old_prices(text, text, integer, text) to service_role;
--! EndIncluded schemas/functions/list_old_prices.sql

--! Included schemas/functions/list_plan_prices.sql
-- list_plan_prices lists what the plans cost now.
--
-- Args:    p_processor  the versions this processor sells, which are older until it is set up for the newest; null = the newest
-- Returns: one row per plan and interval, in catalog order; amount_minor in the currency's minor unit
create or replace function api.list_plan_prices(p_processor text default null)
returns table (plan text, name text, billing_interval text, version integer, currency text, amount_minor bigint, trial_days integer)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select p.plan, p.name, v.billing_interval, v.version, v.currency, v.amount_minor, p.trial_days
  from app.plans p
  join app.plan_prices v on v.plan = p.plan
  where v.version = case
    when p_processor is null then (
      select max(n.version) from app.plan_prices n where n.plan = v.plan and n.billing_interval = v.billing_interval)
    else (
      select pp.version from app.price_to_sell(p_processor, v.plan, v.billing_interval, false) t
      join app.processor_prices pp on pp.processor = p_processor and pp.price_id = t.price_id)
  end
  order by p.position, v.billing_interval;
end
$$;

comment on function api.list_plan_prices(text) is 'What the plans cost now, monthly and yearly: the newest version of each price, or the one a processor sells.';
revoke all on function api.list_plan_prices(text) from public, anon, authenticated;
grant execute on function api.list_plan_prices(text) to service_role;
grant execute on function api.list_plan_prices(text) to operator;
--! EndIncluded schemas/functions/list_plan_prices.sql

--! Included schemas/functions/move_clock.sql
-- move_clock sets Parley's clock to a later time. Only a sandbox has a clock that can be moved.
--
-- Args:    p_to  the time it shall be now; not before the present
-- Returns: one row, as read_clock
-- Errors:  PY004 a time that is past, or after the year 2199 · PY416 not a sandbox
-- Locks:   the environment's row until commit. Idempotent but for the time that passes.
create or replace function api.move_clock(p_to timestamptz)
returns table (now timestamptz, sandbox boolean, offset_ms bigint)
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_environment app.environment;
begin
  select e.* into v_environment from app.environment e for update;
  if v_environment.kind <> 'sandbox' then
    raise exception 'the clock of a production database cannot be moved' using errcode = 'PY416';
  end if;
  -- Far enough for any trial, and dates stay dates.
  if p_to is null or p_to >= '2200-01-01 00:00+00' then
    raise exception 'to must be a time before the year 2200' using errcode = 'PY004';
  end if;
  if p_to < app.clock() - interval '1 second' then
    raise exception 'the clock only moves forward: it is % already', app.clock() using errcode = 'PY004';
  end if;
  -- In seconds: an offset in months or days would mean another distance on another day.
  update app.environment e set clock_offset = greatest(e.clock_offset, make_interval(secs => extract(epoch from p_to - pg_catalog.now())));
  return query select r.* from api.read_clock() r;
end
$$;

comment on function api.move_clock(timestamptz) is 'Sets Parley''s clock to a later time; only a sandbox has one that can be moved.';
revoke all on function api.move_clock(timestamptz) from public, anon, authenticated;
grant execute on function api.move_clock(timestamptz) to service_role;
--! EndIncluded schemas/functions/move_clock.sql

--! Included schemas/functions/next_change_at.sql
-- next_change_at tells when Parley next has something to do by itself that processors wait for. The sandbox clock stops
-- there, so that months can pass in seconds without passing by it.
--
-- Returns: one row; null = nothing is waiting. Never before the present
create or replace function api.next_change_at()
returns table (at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select min(w.at) from (
    -- In the middle of the time in which a processor can be told.
    select greatest(c.effective_at - interval '3 hours', app.clock()) as at from app.plan_changes c
    where c.status = 'scheduled' and c.held and c.effective_at > app.clock() + interval '40 minutes'
      and not exists (select from app.processor_operations o
                      where o.account_id = c.account_id and o.plan_change_id = c.id and o.status = 'done')
    union all
    select c.effective_at + interval '7 hours' from app.plan_changes c where c.status = 'scheduled' and c.effective_at + interval '7 hours' > app.clock()
    union all
    select greatest(o.next_attempt_at, app.clock()) from app.processor_operations o where o.next_attempt_at is not null
    union all
    select greatest(e.next_attempt_at, app.clock()) from app.webhook_events e where e.next_attempt_at is not null
    union all
    select greatest(c.expires_at, app.clock()) from app.checkouts c where c.status in ('reserved', 'open')
  ) w;
end
$$;

comment on function api.next_change_at() is 'When Parley next has something to do by itself: the sandbox clock stops there.';
revoke all on function api.next_change_at() from public, anon, authenticated;
grant execute on function api.next_change_at() to service_role;
--! EndIncluded schemas/functions/next_change_at.sql

--! Included schemas/functions/open_checkout.sql
-- open_checkout notes the page a buyer is sent to, for a slot that was reserved.
--
-- Args:    p_processor_checkout_id  the processor's id of the checkout; p_url where it is paid
-- Returns: one row: the status after it (open; or what became of the slot meanwhile: complete, expired, failed, and nobody may
--          be sent there any more) and the page of the slot. The first page stays: where it is another than the given one,
--          the given one must be ended
-- Errors:  PY004 argument · PY404 no such checkout of this account
-- Locks:   the checkout until commit. Idempotent.
create or replace function api.open_checkout(p_account_id text, p_checkout_id uuid, p_processor_checkout_id text, p_url text)
returns table (status text, processor_checkout_id text, url text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_processor_checkout_id is null or length(p_processor_checkout_id) not between 1 and 255 then
    raise exception 'processor_checkout_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  update app.checkouts c
  set status = case when c.status = 'reserved' then 'open' else c.status end,
      processor_checkout_id = p_processor_checkout_id, url = p_url
  -- One that is over is to be found at the processor all the same.
  where c.account_id = p_account_id and c.id = p_checkout_id and c.processor_checkout_id is null;
  return query select c.status, c.processor_checkout_id, c.url from app.checkouts c where c.account_id = p_account_id and c.id = p_checkout_id;
  if not found then
    raise exception 'no such checkout' using errcode = 'PY404';
  end if;
end
$$;

comment on function api.open_checkout(text, uuid, text, text) is 'Notes the page a buyer is sent to, for a slot that was reserved.';
revoke all on function api.open_checkout(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.open_checkout(text, uuid, text, text) to service_role;
--! EndIncluded schemas/functions/open_checkout.sql

--! Included schemas/functions/preview_plan_change.sql
-- preview_plan_change tells what a change of plan would mean, metric by metric. It changes nothing.
--
-- Args:    p_account_id  need not exist yet
--          p_plan, p_interval  what to change to
-- Returns: one row per metric in catalog order: the outcome and direction of app.plan_change_of (the same in every row),
--          what both plans cost (amount_minor, null where not known) and give, and for what stands in the way of a downgrade the excess
--          and the sentence for the owner; quota null = unlimited
-- Errors:  PY002 unknown plan · PY004 account id or interval
create or replace function api.preview_plan_change(p_account_id text, p_plan text, p_interval text)
returns table (
  outcome text, direction text, takes_effect text, effective_at timestamptz, processor text, subscription_id text,
  from_plan text, from_interval text, from_amount_minor bigint, to_price_id text, to_amount_minor bigint, currency text,
  metric text, title text, unit text, kind text, used bigint, quota_now bigint, quota_then bigint, excess bigint, message text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select c.outcome, c.direction, c.takes_effect, c.effective_at, c.processor, c.subscription_id,
         c.from_plan, c.from_interval, f.amount_minor, c.to_price_id, t.amount_minor, t.currency,
         m.metric, m.title, m.unit, m.kind, coalesce(n.used, 0), e.quota, q.quota,
         case when c.direction = 'downgrade' and m.kind = 'gauge' and n.used > q.quota then n.used - q.quota end,
         case when c.direction = 'downgrade' and m.kind = 'gauge' and n.used > q.quota then format(m.over_quota_message, n.used - q.quota) end
  from app.plan_change_of(p_account_id, p_plan, p_interval) c
  cross join app.metrics m
  cross join lateral app.entitlement(p_account_id, m.metric) e
  cross join lateral app.quota_of(p_plan, m.metric) as q (quota)
  left join app.counters n on n.account_id = p_account_id and n.metric = m.metric and n.window_start = e.window_start
  left join app.processor_prices fp on fp.processor = c.processor and fp.price_id = c.from_price_id
  left join app.plan_prices f on f.plan = fp.plan and f.billing_interval = fp.billing_interval and f.version = fp.version
  left join app.processor_prices tp on tp.processor = c.processor and tp.price_id = c.to_price_id
  left join app.plan_prices t on t.plan = tp.plan and t.billing_interval = tp.billing_interval and t.version = tp.version
  order by m.position, m.metric;
end
$$;

comment on function api.preview_plan_change(text, text, text) is
  'What a change of plan would mean, metric by metric: when, what it gives and takes, what stands in its way.';
revoke all on function api.preview_plan_change(text, text, text) from public, anon, authenticated;
grant execute on function api.preview_plan_change(text, text, text) to service_role;
--! EndIncluded schemas/functions/preview_plan_change.sql

--! Included schemas/functions/queue_due_changes.sql
-- queue_due_changes writes down what processors must be told of the changes Parley kept for the end of a period.
--
--   before the end  in the last six hours, but not in the last forty minutes: processors lock a subscription when they
--                   are about to renew it (Paddle: half an hour)
--   after it        where that moment was missed and the subscription was renewed as it was. A price is changed at once, and
--                   the processor credits what is left of the period; also where a processor was told in time and did not
--                   act. A cancellation comes with the end of the period that is paid for now: kind missed, for a human to
--                   see, and nothing to be asked yet
--
-- A cancellation is told also of a subscription that is past due; a price cannot be changed then.
--
-- Args:    p_limit  1 to 100
-- Returns: the operations that are due now, and what was missed (operation_id null)
-- Errors:  PY004 limit
-- Locks:   the accounts until commit; skips those that are locked
create or replace function api.queue_due_changes(p_limit integer default 20)
returns table (account_id text, operation_id uuid, kind text, plan_change_id uuid)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_due record;
  v_change record;
  v_found integer := 0;
begin
  perform app.check_page_limit(p_limit);
  for v_due in
    select c.account_id, c.id from app.plan_changes c
    where c.status = 'scheduled' and c.effective_at <= v_now + interval '6 hours'
    order by c.effective_at, c.account_id
  loop
    -- What cannot be told now (a pause, a bill that is not paid) must not keep the others from being told.
    exit when v_found >= p_limit;
    -- One account after another: the change is looked at again under its lock.
    perform from app.accounts a where a.account_id = v_due.account_id for no key update skip locked;
    continue when not found;
    select c.*, s.status as subscription_status, s.price_id, s.period_start, s.period_end into v_change
    from app.plan_changes c
    join app.processor_subscriptions s
      on s.account_id = c.account_id and s.processor = c.processor and s.subscription_id = c.subscription_id
    where c.account_id = v_due.account_id and c.id = v_due.id and c.status = 'scheduled'
      and (s.status in ('trialing', 'active') or s.status = 'past_due' and c.direction = 'cancel')
      and s.price_id = c.from_price_id;
    continue when not found;

    account_id := v_change.account_id;
    plan_change_id := v_change.id;
    operation_id := null;
    if v_now < v_change.effective_at then
      kind := case when v_change.direction <> 'cancel' then 'change_at_period_end'
                   -- A trial has no cycle to end with.
                   when v_change.subscription_status = 'trialing' then 'cancel_now'
                   else 'cancel_at_period_end' end;
      continue when not v_change.held or v_now >= v_change.effective_at - interval '40 minutes'
        or exists (select from app.processor_operations o
                   where o.account_id = v_change.account_id and o.plan_change_id = v_change.id and o.status = 'done'
                     and o.price_id is not distinct from v_change.to_price_id);
    else
      -- A processor that was told needs a moment to act.
      continue when v_change.period_start < v_change.effective_at
        or v_now < v_change.effective_at + case when v_change.held then interval '10 minutes' else interval '6 hours' end;
      kind := case v_change.direction when 'cancel' then 'missed' else 'change_now' end;
    end if;

    if kind = 'missed' then
      update app.plan_changes c
      set effective_at = v_change.period_end, last_error = 'the renewal came first: it ends with the period that was paid for then'
      where c.account_id = v_change.account_id and c.id = v_change.id;
    else
      operation_id := app.queue_operation(v_change.account_id, v_change.processor, v_change.subscription_id, kind,
                                          v_change.to_price_id, v_change.id, 'scheduled', interval '0');
      continue when operation_id is null;
    end if;
    v_found := v_found + 1;
    return next;
  end loop;
end
$$;

comment on function api.queue_due_changes(integer) is
  'Writes down what processors must be told of the changes Parley kept for the end of a period.';
revoke all on function api.queue_due_changes(integer) from public, anon, authenticated;
grant execute on function api.queue_due_changes(integer) to service_role;
--! EndIncluded schemas/functions/queue_due_changes.sql

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
         w.window_start, w.window_end, s.period_end, coalesce(s.cancels_at, c.effective_at),
         case when s.status = 'past_due' then a.plan_ends_at end, a.created_at
  from app.accounts a
  join app.plans p on p.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
  cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
  left join lateral app.subscription_to_show(a.account_id) s on true
  left join app.plan_changes c on c.account_id = a.account_id and c.status = 'scheduled' and c.direction = 'cancel'
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_account(text) is
  'Tells an account''s plan in force, its subscription and its current window; makes the account on its first use.';
revoke all on function api.read_account(text) from public, anon, authenticated;
grant execute on function api.read_account(text) to service_role;
--! EndIncluded schemas/functions/read_account.sql

--! Included schemas/functions/read_chatbot.sql
-- read_chatbot reads one chatbot.
--
-- Returns: the chatbot with the number and size of its documents; no row where it is not the account's
create or replace function api.read_chatbot(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
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

--! Included schemas/functions/read_checkout.sql
-- read_checkout tells how a purchase stands.
--
-- Returns: one row; none where it is not the account's
create or replace function api.read_checkout(p_account_id text, p_checkout_id uuid)
returns table (
  checkout_id uuid, processor text, plan text, billing_interval text, price_id text, trial_days integer, status text,
  processor_checkout_id text, url text, subscription_id text, last_error text, created_at timestamptz, expires_at timestamptz,
  settled_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select c.id, c.processor, c.plan, c.billing_interval, c.price_id, c.trial_days, c.status, c.processor_checkout_id, c.url,
         c.subscription_id, c.last_error, c.created_at, c.expires_at, c.settled_at
  from app.checkouts c
  where c.account_id = p_account_id and c.id = p_checkout_id;
end
$$;

comment on function api.read_checkout(text, uuid) is 'How a purchase stands; no row where it is not the account''s.';
revoke all on function api.read_checkout(text, uuid) from public, anon, authenticated;
grant execute on function api.read_checkout(text, uuid) to service_role;
--! EndIncluded schemas/functions/read_checkout.sql

--! Included schemas/functions/read_clock.sql
-- read_clock tells what time it is for Parley, and whether its clock can be moved.
--
-- Returns: one row; sandbox = it can; offset_ms = how far it is ahead of the real time, in milliseconds
create or replace function api.read_clock()
returns table (now timestamptz, sandbox boolean, offset_ms bigint)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  select app.clock(), e.kind = 'sandbox', (extract(epoch from e.clock_offset) * 1000)::bigint
  from app.environment e;
end
$$;

comment on function api.read_clock() is 'What time it is for Parley, and whether its clock can be moved.';
revoke all on function api.read_clock() from public, anon, authenticated;
grant execute on function api.read_clock() to service_role;
--! EndIncluded schemas/functions/read_clock.sql

--! Included schemas/functions/read_processor_health.sql
-- read_processor_health tells when each processor last delivered anything, and whether it has been silent for longer than it
-- normally is. (Razorpay switches a webhook off after a day of failures and tells nobody but by silence.)
--
-- Returns: one row per processor that ever delivered, or has subscriptions: the longest pause of the 30 days before its last
--          delivery (normal_gap_seconds, at least an hour), the present pause, and silent = it is more than twice as long.
--          Fewer than 20 deliveries in those days tell nothing; but one that has had a subscription for an hour and never
--          delivered anything (last_event_at null) is silent. What had to be asked for was not delivered
create or replace function api.read_processor_health()
returns table (
  processor text, last_event_at timestamptz, deliveries bigint, failed bigint, dead bigint, normal_gap_seconds bigint, gap_seconds bigint,
  silent boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with latest as (
    select e.processor, max(e.created_at) as last_at
    from app.webhook_events e where e.deliveries > 0 and e.event_type <> 'fetched'
    group by e.processor
  ), arrivals as (
    select e.processor, e.created_at, e.status,
           e.created_at - lag(e.created_at) over (partition by e.processor order by e.created_at) as pause
    from app.webhook_events e
    join latest l on l.processor = e.processor
    where e.deliveries > 0 and e.event_type <> 'fetched' and e.created_at > l.last_at - interval '30 days'
  ), sums as (
    select a.processor, max(a.created_at) as last_at, count(*) as deliveries,
           count(*) filter (where a.status = 'failed') as failed, count(*) filter (where a.status = 'dead') as dead,
           greatest(max(a.pause), interval '1 hour') as normal
    from arrivals a group by a.processor
  )
  select s.processor, s.last_at, s.deliveries, s.failed, s.dead, extract(epoch from s.normal)::bigint,
         extract(epoch from app.clock() - s.last_at)::bigint,
         s.deliveries >= 20 and app.clock() - s.last_at > 2 * s.normal
  from sums s
  union all
  select p.processor, null, 0, 0, 0, 3600, extract(epoch from app.clock() - min(p.created_at))::bigint,
         app.clock() - min(p.created_at) > interval '1 hour'
  from app.subscription_events p
  where not exists (select from latest l where l.processor = p.processor)
  group by p.processor
  order by 1;
end
$$;

comment on function api.read_processor_health() is
  'When each processor last delivered anything, and whether it has been silent for longer than it normally is.';
revoke all on function api.read_processor_health() from public, anon, authenticated;
grant execute on function api.read_processor_health() to service_role;
--! EndIncluded schemas/functions/read_processor_health.sql

--! Included schemas/functions/read_subscription.sql
-- read_subscription tells all there is to show of an account's subscription: state, price, what is scheduled, what is under way.
--
-- Args:    p_account_id  made on first use
-- Returns: one row. plan is the plan in force; status 'none' without a subscription; amount_minor and currency what the price
--          subscribed to costs, newest_amount_minor what its newest version does; cancels_at also of a cancellation Parley
--          keeps; change_* the scheduled change; operation the change a processor is being asked for; checkout_* the
--          purchase under way; times in UTC
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_subscription(p_account_id text)
returns table (
  plan text, plan_name text, status text, processor text, subscription_id text, customer_id text, subscribed_plan text,
  billing_interval text, amount_minor bigint, currency text, price_version integer, newest_version integer, newest_amount_minor bigint,
  period_start timestamptz, period_end timestamptz, trial_ends_at timestamptz, cancels_at timestamptz, grace_ends_at timestamptz,
  suspended_by text, suspended_kind text,
  change_plan text, change_interval text, change_direction text, change_at timestamptz,
  operation text, operation_status text, checkout_id uuid, checkout_url text, checkout_plan text, closed_at timestamptz
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
  select p.plan, p.name, coalesce(s.status, 'none'), s.processor, s.subscription_id, s.customer_id, s.plan,
         pp.billing_interval, v.amount_minor, v.currency, pp.version, n.version, n.amount_minor,
         s.period_start, s.period_end, s.trial_ends_at,
         coalesce(s.cancels_at, case when c.direction = 'cancel' then c.effective_at end),
         case when s.status = 'past_due' then a.plan_ends_at end,
         s.suspended_by, (select min(r.kind) from app.reversal_events r
                          where r.account_id = a.account_id and r.processor = s.processor and r.reversal_id = s.suspended_by),
         case when c.direction <> 'cancel' then c.to_plan end, case when c.direction <> 'cancel' then tp.billing_interval end,
         case when c.direction <> 'cancel' then c.direction end, case when c.direction <> 'cancel' then c.effective_at end,
         o.kind, o.status, k.id, k.url, k.plan, a.closed_at
  from app.accounts a
  join app.plans p on p.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
  left join lateral app.subscription_to_show(a.account_id) s on true
  left join app.processor_prices pp on pp.processor = s.processor and pp.price_id = s.price_id
  left join app.plan_prices v on v.plan = pp.plan and v.billing_interval = pp.billing_interval and v.version = pp.version
  left join lateral (
    select m.version, m.amount_minor from app.plan_prices m
    where m.plan = pp.plan and m.billing_interval = pp.billing_interval
    order by m.version desc limit 1
  ) n on true
  left join app.plan_changes c on c.account_id = a.account_id and c.status = 'scheduled'
  left join app.processor_prices tp on tp.processor = c.processor and tp.price_id = c.to_price_id
  left join app.processor_operations o on o.account_id = a.account_id and o.processor = s.processor
    and o.subscription_id = s.subscription_id and o.next_attempt_at is not null
  left join app.checkouts k on k.account_id = a.account_id and k.status in ('reserved', 'open') and k.expires_at > app.clock()
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_subscription(text) is
  'All there is to show of an account''s subscription: state, price, what is scheduled and what is under way.';
revoke all on function api.read_subscription(text) from public, anon, authenticated;
grant execute on function api.read_subscription(text) to service_role;
--! EndIncluded schemas/functions/read_subscription.sql

--! Included schemas/functions/reconcile_event.sql
-- reconcile_event compares one thing a processor says happened with what is known, and corrects it by the same function
-- that takes deliveries in. One drift row per field that differed, in the same transaction.
--
-- Args:    p_run_id   the reconciliation · p_dry_run  find, do not correct: everything is done and taken back again
--          the others as for api.record_billing_event
-- Returns: one row. outcome
--            known      it was taken in before: nothing is different
--            same       a present state (event type fetched) that is what is known; it is not kept
--            corrected  it was missing (in a dry run: is); fields = how many differed
--            failed     as for record_billing_event, last_error tells
--          tie and linked as for record_billing_event
-- Errors:  those of record_billing_event
-- Locks:   those of record_billing_event, then the run, until commit. Idempotent per run and event.
create or replace function api.reconcile_event(
  p_run_id uuid, p_dry_run boolean,
  p_account_id text, p_processor text, p_event_id text, p_event_type text, p_kind text, p_occurred_at timestamptz, p_event_rank integer,
  p_customer_id text, p_subscription_id text, p_status text, p_payment text, p_price_ids text[], p_period_starts timestamptz[],
  p_period_ends timestamptz[], p_cancels_at timestamptz, p_amount_minor bigint, p_currency text, p_payload text,
  p_reason text default null, p_trial_ends_at timestamptz default null, p_payment_id text default null,
  p_object_ids text[] default '{}', p_reversal_id text default null, p_reversal_status text default null
)
returns table (outcome text, account_id text, subscription_id text, fields bigint, tie boolean, linked boolean, last_error text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_before jsonb;
  v_after jsonb;
  v_recorded record;
begin
  v_before := case when p_kind in ('refund', 'dispute') then app.reversal_facts(p_processor, p_reversal_id)
                   else app.subscription_facts(p_processor, p_subscription_id) end;
  begin
    select r.* into v_recorded
    from api.record_billing_event(
      p_account_id, p_processor, p_event_id, p_event_type, p_kind, p_occurred_at, p_event_rank, p_customer_id, p_subscription_id,
      p_status, p_payment, p_price_ids, p_period_starts, p_period_ends, p_cancels_at, p_amount_minor, p_currency, p_payload,
      -- What had to be asked for was not delivered.
      p_reason, true, p_trial_ends_at, p_payment_id, p_object_ids, p_reversal_id, p_reversal_status) r;
    v_after := case when p_kind in ('refund', 'dispute') then app.reversal_facts(p_processor, p_reversal_id)
                    else app.subscription_facts(p_processor, p_subscription_id) end;
    outcome := case v_recorded.outcome when 'duplicate' then 'known' when 'ignored' then 'known' when 'failed' then 'failed'
                                       when 'dead' then 'failed' else 'corrected' end;
    if p_event_type = 'fetched' and outcome = 'corrected' and v_before is not distinct from v_after then
      outcome := 'same';
    end if;
    if p_dry_run or outcome = 'same' then
      raise exception 'taken back' using errcode = 'PY417';
    end if;
  exception when sqlstate 'PY417' then
    v_recorded.linked := false;
    v_recorded.tie := false;
  end;

  account_id := v_recorded.account_id;
  subscription_id := p_subscription_id;
  tie := v_recorded.tie;
  linked := v_recorded.linked;
  last_error := v_recorded.last_error;
  fields := 0;
  if outcome in ('corrected', 'failed') then
    insert into app.reconciliation_drifts
      (run_id, event_id, field, processor, account_id, subscription_id, event_type, ours, theirs, corrected, created_at)
    select p_run_id, p_event_id, f.field, p_processor, v_recorded.account_id, p_subscription_id, p_event_type, f.ours, f.theirs,
           not p_dry_run and outcome = 'corrected', app.clock()
    from (
      select 'event' as field, 'missing' as ours, p_event_type as theirs where p_event_type <> 'fetched'
      union all
      select a.key, v_before ->> a.key, a.value from jsonb_each_text(v_after) a
      where a.value is distinct from v_before ->> a.key
    ) f
    on conflict do nothing;
    get diagnostics fields = row_count;
    update app.reconciliation_runs r
    set corrections = r.corrections + case when not p_dry_run and reconcile_event.outcome = 'corrected' then 1 else 0 end,
        updated_at = app.clock()
    where r.id = p_run_id;
  end if;
  return next;
end
$$;

comment on function api.reconcile_event(uuid, boolean, text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, timestamptz, text, text[], text, text) is
  'Compares one thing a processor says happened with what is known, and corrects it as a delivery would.';
revoke all on function api.reconcile_event(uuid, boolean, text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, timestamptz, text, text[], text, text) from public, anon, authenticated;
grant execute on function api.reconcile_event(uuid, boolean, text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, timestamptz, text, text[], text, text) to service_role;
--! EndIncluded schemas/functions/reconcile_event.sql

--! Included schemas/functions/record_billing_event.sql
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
--            duplicate  it was taken in before      ignored    no effect, by type
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

comment on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) is
  'Takes one verified delivery in: inbox row, order by the provider''s clock, and effect, in one transaction.';
revoke all on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) from public, anon, authenticated;
grant execute on function api.record_billing_event(text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, boolean, timestamptz, text, text[], text, text) to service_role;
--! EndIncluded schemas/functions/record_billing_event.sql

--! Included schemas/functions/reserve_checkout.sql
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
--! EndIncluded schemas/functions/reserve_checkout.sql

--! Included schemas/functions/settle_checkout.sql
-- settle_checkout ends a purchase and frees its slot.
--
-- Args:    p_status           complete, expired (given up, not payable any more) or failed (the processor made none)
--          p_subscription_id  what was bought, where it is complete
-- Returns: one row, the status after it; the first end stays, but what turns out to be complete was
-- Errors:  PY004 status · PY404 no such checkout of this account
-- Locks:   the checkout until commit. Idempotent.
create or replace function api.settle_checkout(
  p_account_id text, p_checkout_id uuid, p_status text, p_subscription_id text default null, p_error text default null
)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_status is null or p_status not in ('complete', 'expired', 'failed') then
    raise exception 'status must be complete, expired or failed' using errcode = 'PY004';
  end if;
  update app.checkouts c
  set status = p_status, settled_at = coalesce(c.settled_at, app.clock()), subscription_id = coalesce(p_subscription_id, c.subscription_id),
      last_error = left(p_error, 500)
  where c.account_id = p_account_id and c.id = p_checkout_id
    and (c.status in ('reserved', 'open') or p_status = 'complete' and (c.status <> 'complete' or c.subscription_id is null));
  return query select c.status from app.checkouts c where c.account_id = p_account_id and c.id = p_checkout_id;
  if not found then
    raise exception 'no such checkout' using errcode = 'PY404';
  end if;
end
$$;

comment on function api.settle_checkout(text, uuid, text, text, text) is 'Ends a purchase and frees its slot.';
revoke all on function api.settle_checkout(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.settle_checkout(text, uuid, text, text, text) to service_role;
--! EndIncluded schemas/functions/settle_checkout.sql

--! Included schemas/functions/settle_operation.sql
-- settle_operation notes what became of asking a processor for a change.
--
-- Args:    p_outcome  done     the processor did it; what it looks like now was recorded before as an event
--                     refused  the processor said no, and nothing has changed
--                     unknown  no answer, or one that tells nothing: it will be repeated with the same key
--          p_error    why it was refused or is not known
-- Returns: one row, the status after it; one that is settled stays as it is
-- Errors:  PY004 outcome · PY404 no such operation of this account
-- Locks:   the account until commit. Idempotent.
create or replace function api.settle_operation(p_account_id text, p_operation_id uuid, p_outcome text, p_error text default null)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_operation app.processor_operations;
begin
  if p_outcome is null or p_outcome not in ('done', 'refused', 'unknown') then
    raise exception 'outcome must be done, refused or unknown' using errcode = 'PY004';
  end if;
  perform from app.accounts a where a.account_id = p_account_id for no key update;
  select o.* into v_operation
  from app.processor_operations o
  where o.account_id = p_account_id and o.id = p_operation_id
  for update;
  if not found then
    raise exception 'no such operation' using errcode = 'PY404';
  end if;
  if v_operation.next_attempt_at is null then
    return query select v_operation.status;
    return;
  end if;

  update app.processor_operations o
  set status = p_outcome,
      attempts = greatest(o.attempts, 1),
      first_sent_at = coalesce(o.first_sent_at, app.clock()),
      last_error = left(p_error, 500),
      settled_at = case when p_outcome <> 'unknown' then app.clock() end,
      -- At most an hour apart: a change somebody waits for must not sleep for days.
      next_attempt_at = case when p_outcome = 'unknown'
                             then app.clock() + make_interval(secs => least(3600, exp(least(9, o.attempts + 1)) * (1 + random() * 0.1))) end
  where o.account_id = p_account_id and o.id = p_operation_id;

  if p_outcome <> 'unknown' then
    update app.plan_changes c
    set status = r.status, settled_at = app.clock(), last_error = left(p_error, 500)
    from (
      select s.id, case
        -- The owner cancelled instead.
        when v_operation.kind like 'cancel%' and s.direction <> 'cancel' then case p_outcome when 'done' then 'superseded' end
        -- Taken back: undone by its success.
        when v_operation.kind in ('undo_change', 'resume') or v_operation.price_id = s.from_price_id then case p_outcome when 'done' then 'undone' end
        -- Asked for: given up by its refusal.
        else case p_outcome when 'refused' then 'failed' end
      end as status
      from app.plan_changes s
      where s.account_id = p_account_id and s.id = v_operation.plan_change_id and s.status = 'scheduled'
    ) r
    where c.account_id = p_account_id and c.id = r.id and r.status is not null;
    -- Also where no change hangs on it: something else may have waited for its end.
    perform app.apply_subscriptions(p_account_id);
  end if;
  return query select o.status from app.processor_operations o where o.account_id = p_account_id and o.id = p_operation_id;
end
$$;

comment on function api.settle_operation(text, uuid, text, text) is 'Notes what became of asking a processor for a change.';
revoke all on function api.settle_operation(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.settle_operation(text, uuid, text, text) to service_role;
--! EndIncluded schemas/functions/settle_operation.sql

--! Included schemas/functions/update_chatbot.sql
-- update_chatbot changes a chatbot's settings.
--
-- Args:    null leaves a setting as it is; p_model '' = the service's default; limits as for create_chatbot
-- Returns: the chatbot after it; no row where it is not the account's
-- Errors:  PY004 argument · PY414 the chatbot is read-only
-- Locks:   the chatbot until commit. Idempotent.
create or replace function api.update_chatbot(
  p_account_id text, p_chatbot_id uuid, p_name text default null, p_instructions text default null,
  p_welcome_message text default null, p_model text default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
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
  perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
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

--! Included schemas/functions/upsert_price.sql
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
--! EndIncluded schemas/functions/upsert_price.sql

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
create or replace trigger reversal_events_are_append_only before update or delete on app.reversal_events
  for each row execute function app.refuse_change('what a processor said is append-only');
create or replace trigger reversal_events_are_not_truncated before truncate on app.reversal_events
  for each statement execute function app.refuse_change('what a processor said is append-only');
create or replace trigger plan_prices_are_append_only before update or delete on app.plan_prices
  for each row execute function app.refuse_change('a price stays as it was sold: add a version');
create or replace trigger plan_prices_are_not_truncated before truncate on app.plan_prices
  for each statement execute function app.refuse_change('a price stays as it was sold: add a version');
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
cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
left join lateral app.subscription_to_show(a.account_id) s on true;

comment on view app.subscriptions is
  'One row per account: plan in force, status (none without a subscription), and usage such as {"chatbots_count": 2, "messages_count": 40}.';
revoke all on table app.subscriptions from public, anon, authenticated, service_role;
grant select on table app.subscriptions to operator;
--! EndIncluded schemas/views/subscriptions.sql

update app.plans set trial_days = 14 where plan = 'growth';
-- A year costs twelve months less 15 %.
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values
  ('starter', 'month', 1, 'USD', 1900),
  ('starter', 'year', 1, 'USD', 19380),
  ('growth', 'month', 1, 'USD', 7900),
  ('growth', 'year', 1, 'USD', 80580),
  ('enterprise', 'month', 1, 'USD', 39900),
  ('enterprise', 'year', 1, 'USD', 406980);
