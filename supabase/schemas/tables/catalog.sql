-- The catalog: what is counted, what the plans give, and what the processors call the plans. Small, and read-only while
-- the service runs: changed by a migration, by api.upsert_price, or by an owner at a prompt.

create table app.metrics (
  metric text primary key check (metric ~ '^[a-z][a-z_]{0,62}$'),
  kind text not null check (kind in ('counter', 'gauge')),
  counts_rows boolean not null default false,
  position integer not null,
  title text not null,
  unit text not null,
  default_quota bigint check (default_quota between 0 and 9007199254740991),
  over_quota_message text not null,
  constraint only_a_gauge_counts_rows check (kind = 'gauge' or not counts_rows)
);

comment on table app.metrics is 'What is counted. A counter starts again in each window; a gauge is a level and never resets.';
comment on column app.metrics.counts_rows is 'The gauge equals rows of a table, whose triggers move it; nothing else may.';
comment on column app.metrics.default_quota is 'The quota of every plan that is not given its own; null = unlimited.';
comment on column app.metrics.over_quota_message is 'What the owner must do before a smaller plan fits; %s is the excess.';

create table app.plans (
  plan text primary key check (plan ~ '^[a-z][a-z0-9_]{0,62}$'),
  name text not null,
  position integer not null unique,
  grace_days integer not null default 0 check (grace_days between 0 and 366),
  trial_days integer not null default 0 check (trial_days between 0 and 365),
  on_refund text not null default 'end' check (on_refund in ('keep', 'end')),
  on_dispute text not null default 'end' check (on_dispute in ('keep', 'end'))
);

comment on table app.plans is 'The plans, from the smallest position to the largest. Plan free is what everyone has who pays nothing.';
comment on column app.plans.grace_days is 'How many days a subscription may be past due before its account falls to free.';
comment on column app.plans.trial_days is 'How many days an account that never subscribed may try the plan before it is charged; 0 = none.';
comment on column app.plans.on_refund is 'end: who got the payment of the running period back in full falls to free; keep: a refund changes nothing.';
comment on column app.plans.on_dispute is 'end: while the payment of the running period is disputed, or the dispute lost, the account is on free; keep: it stays.';

create table app.plan_quotas (
  plan text not null references app.plans (plan) on update restrict on delete cascade,
  metric text not null references app.metrics (metric) on update restrict on delete cascade,
  quota bigint check (quota between 0 and 9007199254740991),
  primary key (plan, metric)
);

create index plan_quotas_metric on app.plan_quotas (metric);

comment on table app.plan_quotas is 'How much of each metric a plan gives; null = unlimited. Complete: every plan has a row for every metric.';

create table app.processor_prices (
  processor text not null check (processor in ('stripe', 'paddle', 'razorpay')),
  price_id text not null check (length(price_id) between 1 and 255),
  plan text not null references app.plans (plan) on update restrict on delete restrict,
  billing_interval text not null check (billing_interval in ('month', 'year')),
  created_at timestamptz not null default app.clock(),
  version integer not null default 1 check (version >= 1),
  trial_days integer not null default 0 check (trial_days between 0 and 365),
  primary key (processor, price_id)
);

create index processor_prices_plan on app.processor_prices (plan);

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

alter table app.metrics enable row level security;
alter table app.plans enable row level security;
alter table app.plan_quotas enable row level security;
alter table app.processor_prices enable row level security;
alter table app.plan_prices enable row level security;

revoke all on table app.metrics, app.plans, app.plan_quotas, app.processor_prices, app.plan_prices from public, anon, authenticated, service_role;
grant select on table app.metrics, app.plans, app.plan_quotas, app.processor_prices, app.plan_prices to operator;
grant select on table app.metrics, app.plans, app.plan_quotas to authenticated;

create policy operator_reads on app.metrics for select to operator using (true);
create policy operator_reads on app.plans for select to operator using (true);
create policy operator_reads on app.plan_quotas for select to operator using (true);
create policy operator_reads on app.processor_prices for select to operator using (true);
create policy operator_reads on app.plan_prices for select to operator using (true);
create policy everyone_reads on app.metrics for select to authenticated using (true);
create policy everyone_reads on app.plans for select to authenticated using (true);
create policy everyone_reads on app.plan_quotas for select to authenticated using (true);
