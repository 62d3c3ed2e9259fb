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
