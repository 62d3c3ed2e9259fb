-- Usage: the ledger, its running sums, and what makes a call safe to repeat.

create table app.usage_events (
  account_id text not null,
  id bigint generated always as identity,
  metric text not null,
  amount bigint not null check (amount <> 0),
  occurred_at timestamptz not null,
  window_start timestamptz not null,
  reason text not null check (reason in ('charge', 'return', 'reserve', 'settle', 'release', 'insert', 'delete', 'correction')),
  request_id text,
  chatbot_id uuid,
  conversation_id uuid,
  channel text check (channel in ('playground', 'widget', 'api')),
  operation text,
  primary key (account_id, id)
);

create index usage_events_history on app.usage_events (account_id, metric, window_start, id);

comment on table app.usage_events is
  'The ledger: who, which metric, how much (+ or -), when, why. Append-only; the truth behind every counter. It has no foreign key, so that an insert locks no other row and a deleted chatbot keeps its history.';
comment on column app.usage_events.window_start is 'The window that was charged; -infinity for a gauge.';
comment on index app.usage_events_history is
  'The rows behind one counter, in order: its history by day reads them all, its ledger a page from the end. The ledger is append-only, so that the index is added to and never moved; the primary key would lead through every other metric and window.';

create table app.counters (
  account_id text not null references app.accounts (account_id),
  metric text not null references app.metrics (metric),
  window_start timestamptz not null,
  used bigint not null check (used between 0 and 9007199254740991),
  primary key (account_id, metric, window_start)
) with (fillfactor = 80);

comment on table app.counters is
  'The running sum of the ledger per account, metric and window. A window opens by a new row; nothing is ever set back to 0.';

create table app.usage_requests (
  account_id text not null,
  request_id text not null check (length(request_id) between 1 and 255),
  reason text not null check (reason in ('charge', 'reserve', 'return')),
  metric text not null,
  amount bigint not null,
  allowed boolean not null,
  used bigint not null,
  quota bigint,
  resets_at timestamptz,
  plan text not null,
  window_start timestamptz not null,
  created_at timestamptz not null,
  primary key (account_id, request_id)
);

comment on table app.usage_requests is
  'What each request id was first used for. Of a charge or a reservation the decision, refusals too: a repeated call gets the same answer and charges nothing. Of a give-back that named no charge only that it has the id; what it gave is in usage_returns.';

create table app.usage_returns (
  account_id text not null,
  request_id text not null check (length(request_id) between 1 and 255),
  metric text not null,
  amount bigint not null,
  given bigint not null,
  used bigint not null,
  quota bigint,
  resets_at timestamptz,
  plan text not null,
  created_at timestamptz not null,
  primary key (account_id, request_id)
);

comment on table app.usage_returns is 'What decrement_usage gave back, once per request id.';

create table app.usage_reservations (
  account_id text not null,
  request_id text not null,
  metric text not null,
  window_start timestamptz not null,
  reserved bigint not null check (reserved > 0),
  settled bigint check (settled >= 0),
  overrun bigint not null default 0 check (overrun >= 0),
  status text not null default 'open' check (status in ('open', 'settled', 'released')),
  message_id uuid,
  chatbot_id uuid,
  conversation_id uuid,
  channel text,
  operation text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (account_id, request_id)
) with (fillfactor = 80);

create index usage_reservations_expiring on app.usage_reservations (expires_at) where status = 'open';

comment on table app.usage_reservations is
  'Charges made on an estimate before the work, settled to the real number after it. An open one past its expiry is released.';
comment on column app.usage_reservations.overrun is 'What the work took beyond the quota: recorded, not charged, so that a counter never passes its quota.';

create table app.usage_batches (
  batch_id uuid primary key,
  created_at timestamptz not null,
  error_codes text[] not null,
  error_messages text[] not null,
  allowed boolean[] not null,
  used bigint[] not null,
  quotas bigint[] not null,
  resets_at timestamptz[] not null,
  plans text[] not null,
  replayed boolean[] not null
);

create index usage_batches_oldest on app.usage_batches (created_at);

comment on table app.usage_batches is
  'What a batch was answered, entry by entry, for as long as its sender may ask again because its connection was lost. It belongs to no account: a batch is the affair of whoever sends it.';

alter table app.usage_events enable row level security;
alter table app.counters enable row level security;
alter table app.usage_requests enable row level security;
alter table app.usage_returns enable row level security;
alter table app.usage_reservations enable row level security;
alter table app.usage_batches enable row level security;

revoke all on table app.usage_events, app.counters, app.usage_requests, app.usage_returns, app.usage_reservations, app.usage_batches
  from public, anon, authenticated, service_role;
grant select on table app.usage_events, app.counters, app.usage_requests, app.usage_returns, app.usage_reservations, app.usage_batches
  to operator;
grant select on table app.usage_events, app.counters to authenticated;

create policy operator_reads on app.usage_events for select to operator using (true);
create policy operator_reads on app.counters for select to operator using (true);
create policy operator_reads on app.usage_requests for select to operator using (true);
create policy operator_reads on app.usage_returns for select to operator using (true);
create policy operator_reads on app.usage_reservations for select to operator using (true);
create policy operator_reads on app.usage_batches for select to operator using (true);
create policy owner_reads on app.usage_events for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.counters for select to authenticated using (account_id = (select app.signed_in_account()));
