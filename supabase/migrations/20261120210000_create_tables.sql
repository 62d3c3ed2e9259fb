--! Included schemas/roles.sql
-- Roles. Supabase brings anon, authenticated and service_role; any other Postgres gets them here. None may log in:
-- PostgREST's authenticator, or the server's own login, takes one of them on.
--
-- service_role  the server: may call the functions of schema api, and nothing else (no table, no other function)
-- authenticated a signed-in user coming through PostgREST: reads its own rows through the views of schema api
-- anon          nobody: may do nothing
-- operator      a person at a psql prompt: reads everything, calls the repair functions
do $$
declare
  v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role', 'operator'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute format('create role %I nologin noinherit', v_role);
    end if;
  end loop;
end
$$;

-- Whoever migrates may serve too: the server's connections start as service_role.
do $$
begin
  if not pg_has_role(current_user, 'service_role', 'member') then
    execute format('grant service_role to %I', current_user);
  end if;
exception when insufficient_privilege then
  raise notice 'service_role was made by somebody else: have it granted to the login the server uses';
end
$$;

-- The runbook names tables without their schema.
do $$
begin
  alter role operator set search_path = app, api;
exception when insufficient_privilege then
  raise notice 'operator was made by somebody else: set its search_path to app, api';
end
$$;

-- An empty search_path still finds pg_temp first, for tables and types. Whoever may make temporary objects could slip a type
-- of its own under a name a security definer function uses, and run code as its owner. So nobody but the owner may.
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
end
$$;
--! EndIncluded schemas/roles.sql

--! Included schemas/namespaces.sql
-- Schemas. app holds tables and the functions only other functions call; api holds what may be called from outside and
-- is the only schema PostgREST exposes.
create schema if not exists app;
create schema if not exists api;

revoke all on schema app from public;
revoke all on schema api from public;

grant usage on schema api to service_role, authenticated, operator;
-- security_invoker views are read with the rights of the reader, who therefore must see the schema of their tables.
grant usage on schema app to authenticated, operator;

comment on schema app is 'Tables, and the functions that only other functions call.';
comment on schema api is 'The functions and views that may be called from outside; the only schema PostgREST exposes.';
--! EndIncluded schemas/namespaces.sql

--! Included schemas/internal/clock.sql
-- clock tells the time everything in Parley goes by: now(), moved by the offset of a sandbox database.
--
-- Returns: timestamptz; the same instant for a whole transaction
-- Errors:  none
-- Locks:   none
create or replace function app.clock()
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
  return now() + (select clock_offset from app.environment);
end
$$;

comment on function app.clock() is 'The time everything goes by: now(), moved by the offset of a sandbox database.';
revoke all on function app.clock() from public, anon, authenticated, service_role;
grant execute on function app.clock() to operator;
--! EndIncluded schemas/internal/clock.sql

--! Included schemas/internal/signed_in_account.sql
-- signed_in_account tells whose rows the caller may see: the active organization of its session token, else its user.
--
-- Returns: text account id; null without a verified token
-- Errors:  none
-- Source:  Clerk session token claims: version 2 carries the organization in o.id, version 1 in org_id
create or replace function app.signed_in_account()
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
begin
  return coalesce(v_claims -> 'o' ->> 'id', v_claims ->> 'org_id', v_claims ->> 'sub');
end
$$;

comment on function app.signed_in_account() is 'The account of the caller''s verified session token: its active organization, else its user.';
revoke all on function app.signed_in_account() from public, anon, authenticated, service_role;
grant execute on function app.signed_in_account() to authenticated;
--! EndIncluded schemas/internal/signed_in_account.sql

--! Included schemas/tables/catalog.sql
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
  grace_days integer not null default 0 check (grace_days between 0 and 366)
);

comment on table app.plans is 'The plans, from the smallest position to the largest. Plan free is what everyone has who pays nothing.';
comment on column app.plans.grace_days is 'How many days a subscription may be past due before its account falls to free.';

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
  primary key (processor, price_id)
);

create index processor_prices_plan on app.processor_prices (plan);

comment on table app.processor_prices is 'Which plan a processor''s price id means.';

alter table app.metrics enable row level security;
alter table app.plans enable row level security;
alter table app.plan_quotas enable row level security;
alter table app.processor_prices enable row level security;

revoke all on table app.metrics, app.plans, app.plan_quotas, app.processor_prices from public, anon, authenticated, service_role;
grant select on table app.metrics, app.plans, app.plan_quotas, app.processor_prices to operator;
grant select on table app.metrics, app.plans, app.plan_quotas to authenticated;

create policy operator_reads on app.metrics for select to operator using (true);
create policy operator_reads on app.plans for select to operator using (true);
create policy operator_reads on app.plan_quotas for select to operator using (true);
create policy operator_reads on app.processor_prices for select to operator using (true);
create policy everyone_reads on app.metrics for select to authenticated using (true);
create policy everyone_reads on app.plans for select to authenticated using (true);
create policy everyone_reads on app.plan_quotas for select to authenticated using (true);
--! EndIncluded schemas/tables/catalog.sql

--! Included schemas/tables/accounts.sql
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
--! EndIncluded schemas/tables/accounts.sql

--! Included schemas/tables/billing.sql
-- Billing: the inbox of deliveries, and what they say about an account's subscriptions.

create table app.webhook_events (
  processor text not null check (processor in ('stripe', 'paddle', 'razorpay')),
  id text not null check (length(id) between 1 and 255),
  event_type text not null,
  status text not null check (status in ('received', 'processed', 'ignored', 'failed', 'dead')),
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
  primary key (processor, id)
) with (fillfactor = 90);

create index webhook_events_due on app.webhook_events (next_attempt_at) where next_attempt_at is not null;
create index webhook_events_failed on app.webhook_events (processor, subscription_id, customer_id) where status in ('failed', 'dead');
create index webhook_events_created on app.webhook_events (created_at);

comment on table app.webhook_events is
  'The inbox: every verified delivery, once per processor and event id, before anything is answered. No foreign key, no account in its key: it exists before the account is known.';
comment on column app.webhook_events.status is
  'processed: its effect is in force or was older than what is; ignored: not acted on; failed: will be retried, also where its account is not known yet; dead: will not, until replayed.';
comment on column app.webhook_events.payload is 'The body as it was received, so that an event can be read again and the signature checked again.';

create table app.processor_links (
  processor text not null,
  object_id text not null,
  account_id text not null references app.accounts (account_id),
  event_id text not null,
  created_at timestamptz not null default app.clock(),
  primary key (processor, object_id)
);

create index processor_links_account on app.processor_links (account_id);
comment on table app.processor_links is 'Which account a processor''s customer or subscription belongs to. First come, never changed.';

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
  primary key (account_id, processor, subscription_id, event_id),
  constraint state_or_payment check ((status is null) <> (payment is null)),
  constraint period_runs_forward check (period_end > period_start),
  constraint times_are_finite check (isfinite(occurred_at) and isfinite(period_start) and isfinite(period_end))
);

create index subscription_events_plan on app.subscription_events (plan);
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
  primary key (account_id, processor, subscription_id)
) with (fillfactor = 90);

create unique index one_subscription_in_force on app.processor_subscriptions (account_id) where in_force;
create index processor_subscriptions_plan on app.processor_subscriptions (plan);
comment on table app.processor_subscriptions is 'The present state of each subscription: the fold of its subscription_events.';
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
--! EndIncluded schemas/tables/billing.sql

--! Included schemas/tables/chatbots.sql
-- Chatbots and what belongs to them. Deleting a chatbot deletes its documents and conversations; the ledger stays.

create table app.chatbots (
  account_id text not null references app.accounts (account_id),
  id uuid not null default gen_random_uuid(),
  name text not null check (length(name) between 1 and 100),
  instructions text not null default '' check (length(instructions) <= 8000),
  welcome_message text not null default '' check (length(welcome_message) <= 500),
  model text check (length(model) <= 100),
  created_at timestamptz not null default app.clock(),
  updated_at timestamptz not null default app.clock(),
  primary key (account_id, id)
);

create index chatbots_newest on app.chatbots (account_id, created_at desc, id desc);
comment on table app.chatbots is 'The gauge chatbots equals the rows of an account here; triggers move it.';

create table app.documents (
  account_id text not null,
  id uuid not null default gen_random_uuid(),
  chatbot_id uuid not null,
  name text not null check (length(name) between 1 and 255),
  media_type text not null check (length(media_type) between 1 and 100),
  size_bytes bigint not null check (size_bytes between 1 and 1000000000),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  passage_count integer not null check (passage_count >= 0),
  created_at timestamptz not null default app.clock(),
  primary key (account_id, id),
  foreign key (account_id, chatbot_id) references app.chatbots (account_id, id) on delete cascade
);

create index documents_newest on app.documents (account_id, chatbot_id, created_at desc, id desc);
comment on table app.documents is 'The gauge storage_bytes equals the sum of size_bytes of an account here; triggers move it.';
comment on column app.documents.size_bytes is 'The size of the file as it was uploaded: what the owner sees is what counts.';

create table app.passages (
  account_id text not null,
  document_id uuid not null,
  place integer not null,
  chatbot_id uuid not null,
  content text not null,
  words tsvector not null generated always as (to_tsvector('pg_catalog.english', content)) stored,
  primary key (account_id, document_id, place),
  foreign key (account_id, document_id) references app.documents (account_id, id) on delete cascade
);

create index passages_chatbot on app.passages (account_id, chatbot_id);
create index passages_words on app.passages using gin (words);
comment on table app.passages is 'The text of a document, cut into passages that can be found and quoted.';

create table app.conversations (
  account_id text not null,
  id uuid not null default gen_random_uuid(),
  chatbot_id uuid not null,
  title text not null default '' check (length(title) <= 200),
  channel text not null check (channel in ('playground', 'widget', 'api')),
  created_at timestamptz not null default app.clock(),
  updated_at timestamptz not null default app.clock(),
  primary key (account_id, id),
  foreign key (account_id, chatbot_id) references app.chatbots (account_id, id) on delete cascade
);

create index conversations_latest on app.conversations (account_id, chatbot_id, updated_at desc, id desc);
comment on table app.conversations is 'Who talks with a chatbot, through which channel.';

create table app.messages (
  account_id text not null,
  id uuid not null default gen_random_uuid(),
  conversation_id uuid not null,
  place bigint generated always as identity,
  role text not null check (role in ('user', 'assistant')),
  status text not null check (status in ('complete', 'streaming', 'stopped', 'failed')),
  content text not null default '',
  citations jsonb not null default '[]',
  input_tokens bigint check (input_tokens >= 0),
  output_tokens bigint check (output_tokens >= 0),
  error text,
  stop_requested boolean not null default false,
  created_at timestamptz not null default app.clock(),
  finished_at timestamptz,
  primary key (account_id, id),
  foreign key (account_id, conversation_id) references app.conversations (account_id, id) on delete cascade
);

create index messages_in_order on app.messages (account_id, conversation_id, place desc);
comment on table app.messages is 'What was asked and answered. An answer is streaming until finish_answer or the sweeper ends it.';

create table app.idempotency_keys (
  account_id text not null references app.accounts (account_id),
  request_id text not null check (length(request_id) between 1 and 255),
  operation text not null,
  fingerprint text not null,
  resource_id uuid not null,
  created_at timestamptz not null default app.clock(),
  primary key (account_id, request_id)
);

comment on table app.idempotency_keys is 'What a repeated create or answer returns instead of doing it again: the first resource of the same key.';

alter table app.chatbots enable row level security;
alter table app.documents enable row level security;
alter table app.passages enable row level security;
alter table app.conversations enable row level security;
alter table app.messages enable row level security;
alter table app.idempotency_keys enable row level security;

revoke all on table app.chatbots, app.documents, app.passages, app.conversations, app.messages, app.idempotency_keys
  from public, anon, authenticated, service_role;
grant select on table app.chatbots, app.documents, app.passages, app.conversations, app.messages, app.idempotency_keys to operator;
grant select on table app.chatbots, app.documents, app.conversations, app.messages to authenticated;

create policy operator_reads on app.chatbots for select to operator using (true);
create policy operator_reads on app.documents for select to operator using (true);
create policy operator_reads on app.passages for select to operator using (true);
create policy operator_reads on app.conversations for select to operator using (true);
create policy operator_reads on app.messages for select to operator using (true);
create policy operator_reads on app.idempotency_keys for select to operator using (true);
create policy owner_reads on app.chatbots for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.documents for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.conversations for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.messages for select to authenticated using (account_id = (select app.signed_in_account()));
--! EndIncluded schemas/tables/chatbots.sql

--! Included schemas/tables/environment.sql
-- environment is one row: what this database is for, and how far its clock is moved.
create table app.environment (
  only_row boolean primary key default true check (only_row),
  kind text not null default 'production' check (kind in ('production', 'sandbox')),
  clock_offset interval not null default interval '0',
  constraint production_keeps_real_time check (kind = 'sandbox' or clock_offset = interval '0')
);

comment on table app.environment is
  'One row: production or sandbox, and how far app.clock() is ahead of now(). Production cannot move its clock.';

alter table app.environment enable row level security;
revoke all on table app.environment from public, anon, authenticated, service_role;
grant select on table app.environment to operator;
create policy operator_reads on app.environment for select to operator using (true);

insert into app.environment default values;
--! EndIncluded schemas/tables/environment.sql

--! Included schemas/tables/usage.sql
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

comment on table app.usage_events is
  'The ledger: who, which metric, how much (+ or -), when, why. Append-only; the truth behind every counter. It has no foreign key, so that an insert locks no other row and a deleted chatbot keeps its history.';
comment on column app.usage_events.window_start is 'The window that was charged; -infinity for a gauge.';

create table app.counters (
  account_id text not null references app.accounts (account_id),
  metric text not null references app.metrics (metric),
  window_start timestamptz not null,
  used bigint not null check (used between 0 and 9007199254740991),
  primary key (account_id, metric, window_start)
) with (fillfactor = 80);

create index counters_metric on app.counters (metric);

comment on table app.counters is
  'The running sum of the ledger per account, metric and window. A window opens by a new row; nothing is ever set back to 0.';

create table app.usage_requests (
  account_id text not null,
  request_id text not null check (length(request_id) between 1 and 255),
  reason text not null check (reason in ('charge', 'reserve')),
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

comment on table app.usage_requests is 'The first decision on each request id, refusals too: a repeated call gets the same answer and charges nothing.';

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

alter table app.usage_events enable row level security;
alter table app.counters enable row level security;
alter table app.usage_requests enable row level security;
alter table app.usage_returns enable row level security;
alter table app.usage_reservations enable row level security;

revoke all on table app.usage_events, app.counters, app.usage_requests, app.usage_returns, app.usage_reservations
  from public, anon, authenticated, service_role;
grant select on table app.usage_events, app.counters, app.usage_requests, app.usage_returns, app.usage_reservations to operator;
grant select on table app.usage_events, app.counters to authenticated;

create policy operator_reads on app.usage_events for select to operator using (true);
create policy operator_reads on app.counters for select to operator using (true);
create policy operator_reads on app.usage_requests for select to operator using (true);
create policy operator_reads on app.usage_returns for select to operator using (true);
create policy operator_reads on app.usage_reservations for select to operator using (true);
create policy owner_reads on app.usage_events for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.counters for select to authenticated using (account_id = (select app.signed_in_account()));
--! EndIncluded schemas/tables/usage.sql
