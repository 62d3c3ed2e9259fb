-- Billing: the inbox of deliveries, and what they say about an account's subscriptions.

create table app.webhook_events (
  processor text not null check (processor in ('stripe', 'paddle', 'razorpay', 'clerk')),
  id text not null check (length(id) between 1 and 255),
  event_type text not null,
  status text not null check (status in ('received', 'processed', 'ignored', 'failed', 'dead', 'discarded')),
  attempts integer not null default 0,
  deliveries integer not null default 1,
  last_error text,
  account_id text,
  customer_id text,
  subscription_id text,
  occurred_at timestamptz not null,
  payload text not null,
  payload_sha256 text not null,
  next_attempt_at timestamptz,
  created_at timestamptz not null default app.clock(),
  processed_at timestamptz,
  object_ids text[] not null default '{}',
  kind text,
  primary key (processor, id)
) with (fillfactor = 90);

create index webhook_events_due on app.webhook_events (next_attempt_at) where next_attempt_at is not null;
create index webhook_events_failed on app.webhook_events (processor, subscription_id, customer_id) where status in ('failed', 'dead');
create index webhook_events_created on app.webhook_events (created_at);
create index webhook_events_account on app.webhook_events (account_id, created_at) where account_id is not null;
create index webhook_events_discarded on app.webhook_events (created_at) where status = 'discarded';

comment on table app.webhook_events is
  'The inbox: every verified delivery, once per processor and event id, before anything is answered. No foreign key, no account in its key: it exists before the account is known.';
comment on column app.webhook_events.status is
  'processed: its effect is in force or was older than what is; ignored: not acted on; failed: will be retried, also where its account is not known yet; dead: will not, until replayed; discarded: an operator decided that it stays without effect.';
comment on column app.webhook_events.deliveries is 'How often it was delivered; 0 = never, it was asked for.';
comment on column app.webhook_events.kind is 'What it says (link, state, payment, refund, dispute, closed), or that it is ignored or rejected.';
comment on column app.webhook_events.payload is 'The body as it was received, so that an event can be read again and the signature checked again.';

create table app.processor_links (
  processor text not null,
  object_id text not null,
  account_id text not null references app.accounts (account_id),
  event_id text not null,
  created_at timestamptz not null default app.clock(),
  stands_for text,
  primary key (processor, object_id)
);

create index processor_links_account on app.processor_links (account_id);
create index processor_links_object on app.processor_links (object_id text_pattern_ops);
comment on table app.processor_links is 'Which account a processor''s customer, subscription or payment belongs to. First come, never changed.';
comment on column app.processor_links.stands_for is 'The payment this id is another name of: Stripe''s refunds name a payment intent, its invoices do not.';

create table app.subscription_events (
  account_id text not null references app.accounts (account_id),
  processor text not null,
  subscription_id text not null,
  event_id text not null,
  occurred_at timestamptz not null,
  event_rank smallint not null check (event_rank between 0 and 3),
  status text check (status in ('incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled')),
  payment text check (payment in ('paid', 'failed')),
  plan text references app.plans (plan),
  price_id text,
  period_start timestamptz,
  period_end timestamptz,
  cancels_at timestamptz,
  amount_minor bigint,
  currency text,
  created_at timestamptz not null default app.clock(),
  customer_id text,
  payment_id text,
  trial_ends_at timestamptz,
  primary key (account_id, processor, subscription_id, event_id),
  constraint state_or_payment check ((status is null) <> (payment is null)),
  constraint period_runs_forward check (period_end > period_start),
  constraint times_are_finite check (isfinite(occurred_at) and isfinite(period_start) and isfinite(period_end))
);

create index subscription_events_plan on app.subscription_events (plan);
create index subscription_events_customer on app.subscription_events (processor, customer_id);
create index subscription_events_payment on app.subscription_events (account_id, payment_id) where payment_id is not null;
comment on table app.subscription_events is
  'What processors said of a subscription, as of when: the only source of its state, which is a fold over these rows in provider order. Append-only.';
comment on column app.subscription_events.event_rank is 'Orders events of the same instant: 0 created, 1 payment, 2 updated, 3 ended.';

create table app.processor_subscriptions (
  account_id text not null references app.accounts (account_id),
  processor text not null,
  subscription_id text not null,
  status text not null check (status in ('incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled')),
  plan text references app.plans (plan),
  price_id text,
  period_start timestamptz,
  period_end timestamptz,
  cancels_at timestamptz,
  past_due_since timestamptz,
  in_force boolean not null default false,
  as_of timestamptz not null,
  as_of_rank smallint not null,
  as_of_event_id text not null,
  customer_id text,
  trial_ends_at timestamptz,
  suspended_by text,
  primary key (account_id, processor, subscription_id)
) with (fillfactor = 90);

create unique index one_subscription_in_force on app.processor_subscriptions (account_id) where in_force;
create index processor_subscriptions_plan on app.processor_subscriptions (plan);
create index processor_subscriptions_live on app.processor_subscriptions (processor, subscription_id) where status <> 'canceled';
comment on table app.processor_subscriptions is 'The present state of each subscription: the fold of its subscription_events.';
comment on column app.processor_subscriptions.suspended_by is 'The refund or dispute that took the payment of the running period back, where the plan''s policy ends it then.';
comment on column app.processor_subscriptions.in_force is 'The one live subscription that decides the account''s plan.';
comment on column app.processor_subscriptions.period_start is 'The latest confirmed period; a null in a later event (paused, canceled) does not erase it.';

create table app.windows (
  account_id text not null references app.accounts (account_id),
  processor text not null,
  subscription_id text not null,
  window_start timestamptz not null,
  window_end timestamptz not null,
  opened_by text not null,
  created_at timestamptz not null default app.clock(),
  primary key (account_id, processor, subscription_id, window_start)
);

comment on table app.windows is
  'The periods processors confirmed, each once, with the first event (in provider order) that carries it. Counters need no row here: their window follows from the anchor.';

alter table app.webhook_events enable row level security;
alter table app.processor_links enable row level security;
alter table app.subscription_events enable row level security;
alter table app.processor_subscriptions enable row level security;
alter table app.windows enable row level security;

revoke all on table app.webhook_events, app.processor_links, app.subscription_events, app.processor_subscriptions, app.windows
  from public, anon, authenticated, service_role;
grant select on table app.webhook_events, app.processor_links, app.subscription_events, app.processor_subscriptions, app.windows
  to operator;
grant select on table app.processor_subscriptions to authenticated;

create policy operator_reads on app.webhook_events for select to operator using (true);
create policy operator_reads on app.processor_links for select to operator using (true);
create policy operator_reads on app.subscription_events for select to operator using (true);
create policy operator_reads on app.processor_subscriptions for select to operator using (true);
create policy operator_reads on app.windows for select to operator using (true);
create policy owner_reads on app.processor_subscriptions for select to authenticated
  using (account_id = (select app.signed_in_account()));
