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
create index reconciliation_runs_all on app.reconciliation_runs (started_at desc, id desc);
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
