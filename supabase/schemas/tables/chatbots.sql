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
  kept_at timestamptz,
  monthly_message_cap bigint check (monthly_message_cap between 1 and 1000000000),
  primary key (account_id, id)
);

create index chatbots_newest on app.chatbots (account_id, created_at desc, id desc);
comment on table app.chatbots is 'The gauge chatbots equals the rows of an account here; triggers move it.';
comment on column app.chatbots.kept_at is 'The owner chose to keep it where a plan does not hold all: those chosen come first, then the oldest; the rest is read-only.';
comment on column app.chatbots.monthly_message_cap is 'The most answers it may give in a messages window of its account, within the quota; null = no cap of its own.';

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
  replaced_by uuid,
  primary key (account_id, id),
  foreign key (account_id, conversation_id) references app.conversations (account_id, id) on delete cascade
);

create index messages_in_order on app.messages (account_id, conversation_id, place desc);
comment on table app.messages is 'What was asked and answered. An answer is streaming until finish_answer or the sweeper ends it.';
comment on column app.messages.replaced_by is 'The answer to the same question that was asked for in its place; this one is hidden unless that one failed.';

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

-- Last in this file: deleting a chatbot then comes to these rows after its messages, in the order of finish_answer.
create table app.chatbot_answers (
  account_id text not null,
  chatbot_id uuid not null,
  window_start timestamptz not null,
  used bigint not null check (used between 0 and 9007199254740991),
  primary key (account_id, chatbot_id, window_start),
  foreign key (account_id, chatbot_id) references app.chatbots (account_id, id) on delete cascade
) with (fillfactor = 80);

comment on table app.chatbot_answers is
  'Answers a chatbot began in a messages window of its account, less those that cost nothing: what its own cap is held against.';

alter table app.chatbots enable row level security;
alter table app.documents enable row level security;
alter table app.passages enable row level security;
alter table app.conversations enable row level security;
alter table app.messages enable row level security;
alter table app.idempotency_keys enable row level security;
alter table app.chatbot_answers enable row level security;

revoke all on table app.chatbots, app.documents, app.passages, app.conversations, app.messages, app.idempotency_keys, app.chatbot_answers
  from public, anon, authenticated, service_role;
grant select on table app.chatbots, app.documents, app.passages, app.conversations, app.messages, app.idempotency_keys, app.chatbot_answers
  to operator;
grant select on table app.chatbots, app.documents, app.conversations, app.messages to authenticated;

create policy operator_reads on app.chatbots for select to operator using (true);
create policy operator_reads on app.documents for select to operator using (true);
create policy operator_reads on app.passages for select to operator using (true);
create policy operator_reads on app.conversations for select to operator using (true);
create policy operator_reads on app.messages for select to operator using (true);
create policy operator_reads on app.idempotency_keys for select to operator using (true);
create policy operator_reads on app.chatbot_answers for select to operator using (true);
create policy owner_reads on app.chatbots for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.documents for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.conversations for select to authenticated using (account_id = (select app.signed_in_account()));
create policy owner_reads on app.messages for select to authenticated using (account_id = (select app.signed_in_account()));
