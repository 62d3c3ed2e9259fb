-- accounts: who is billed. One row per Clerk user or organization, made on first use.
create table app.accounts (
  account_id text primary key check (length(account_id) between 1 and 255),
  plan text not null default 'free' references app.plans (plan) on update restrict on delete restrict,
  plan_ends_at timestamptz,
  anchor timestamptz not null,
  counts_from timestamptz not null default app.clock(),
  created_at timestamptz not null default app.clock(),
  pending_plan text references app.plans (plan) on update restrict on delete restrict,
  anchor_offset interval not null default interval '0',
  closed_at timestamptz,
  constraint free_never_ends check (plan <> 'free' or plan_ends_at is null)
) with (fillfactor = 90);

create index accounts_plan on app.accounts (plan);
create index accounts_pending_plan on app.accounts (pending_plan);
create index accounts_newest on app.accounts (created_at desc, account_id desc);
create index accounts_prefix on app.accounts (account_id text_pattern_ops);

comment on table app.accounts is 'Who is billed: one row per Clerk user or organization, made on first use.';
comment on column app.accounts.plan is 'The plan the subscription in force grants; free without one. Set by app.apply_subscriptions alone.';
comment on column app.accounts.plan_ends_at is 'When the plan falls to free without any further event (the end of a grace period); null = it does not.';
comment on column app.accounts.anchor is 'Windows are anchor + k months. The start of the latest confirmed period, else the creation of the account.';

comment on column app.accounts.counts_from is
  'No window before the one of this instant is in force: the start of the latest confirmed period, else the creation. It matters to a clock that is a moment behind: a transaction older than the account, a processor ahead of us.';

comment on column app.accounts.pending_plan is
  'The smaller plan a downgrade is scheduled for: levels are held to it from now on, so that it still fits then. Set by app.follow_plan_change alone.';
comment on column app.accounts.anchor_offset is
  'Added to UTC, the clock by which the processor''s months go: Razorpay bills at midnight in India. Bounds of windows are computed on it.';
comment on column app.accounts.closed_at is 'When the user or organization was deleted; nothing opens the account again.';

alter table app.accounts enable row level security;
revoke all on table app.accounts from public, anon, authenticated, service_role;
grant select on table app.accounts to operator, authenticated;
create policy operator_reads on app.accounts for select to operator using (true);
create policy owner_reads on app.accounts for select to authenticated using (account_id = (select app.signed_in_account()));
