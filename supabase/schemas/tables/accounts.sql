-- accounts: who is billed. One row per Clerk user or organization, made on first use.
create table app.accounts (
  account_id text primary key check (length(account_id) between 1 and 255),
  plan text not null default 'free' references app.plans (plan) on update restrict on delete restrict,
  plan_ends_at timestamptz,
  anchor timestamptz not null,
  counts_from timestamptz not null default app.clock(),
  created_at timestamptz not null default app.clock(),
  constraint free_never_ends check (plan <> 'free' or plan_ends_at is null)
) with (fillfactor = 90);

create index accounts_plan on app.accounts (plan);

comment on table app.accounts is 'Who is billed: one row per Clerk user or organization, made on first use.';
comment on column app.accounts.plan is 'The plan the subscription in force grants; free without one. Set by app.apply_subscriptions alone.';
comment on column app.accounts.plan_ends_at is 'When the plan falls to free without any further event (the end of a grace period); null = it does not.';
comment on column app.accounts.anchor is 'Windows are anchor + k months. The start of the latest confirmed period, else the creation of the account.';

comment on column app.accounts.counts_from is
  'No window before the one of this instant is in force: the start of the latest confirmed period, else the creation. It matters to a clock that is a moment behind: a transaction older than the account, a processor ahead of us.';

alter table app.accounts enable row level security;
revoke all on table app.accounts from public, anon, authenticated, service_role;
grant select on table app.accounts to operator, authenticated;
create policy operator_reads on app.accounts for select to operator using (true);
create policy owner_reads on app.accounts for select to authenticated using (account_id = (select app.signed_in_account()));
