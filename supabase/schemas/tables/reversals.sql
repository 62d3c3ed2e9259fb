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
