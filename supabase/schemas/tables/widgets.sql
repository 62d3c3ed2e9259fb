-- The widget of a chatbot on other sites, and who talks with it there.

create table app.widgets (
  account_id text not null,
  chatbot_id uuid not null,
  widget_key text not null check (widget_key ~ '^wgt_[A-Za-z0-9_-]{8,64}$'),
  enabled boolean not null default false,
  allowed_origins text[] not null default '{}' check (cardinality(allowed_origins) <= 20),
  messages_per_visitor_per_hour integer not null default 30 check (messages_per_visitor_per_hour between 1 and 10000),
  unavailable_message text not null default 'Sorry, I cannot answer right now. Please try again later.'
    check (length(unavailable_message) between 1 and 500),
  identity_required boolean not null default false,
  identity_secret text not null check (length(identity_secret) between 16 and 200),
  last_refused_at timestamptz,
  last_refused_cause text,
  last_refused_request_id text,
  created_at timestamptz not null default app.clock(),
  updated_at timestamptz not null default app.clock(),
  primary key (account_id, chatbot_id),
  foreign key (account_id, chatbot_id) references app.chatbots (account_id, id) on delete cascade
) with (fillfactor = 80);

comment on table app.widgets is 'How a chatbot appears on other sites; made, switched off, when its owner first asks for it.';
comment on column app.widgets.identity_secret is 'The key with which the owner''s site signs the ids of its users; needed as it is, to check the signatures.';
comment on column app.widgets.last_refused_cause is 'Why a visitor was last sent away, for the owner only: visitors read unavailable_message.';

create table app.widget_keys (
  widget_key text primary key,
  account_id text not null,
  chatbot_id uuid not null,
  foreign key (account_id, chatbot_id) references app.widgets (account_id, chatbot_id) on delete cascade
);

create index widget_keys_widget on app.widget_keys (account_id, chatbot_id);
comment on table app.widget_keys is 'Which widget a public key names: the one place that is unique across accounts.';

create table app.visitors (
  account_id text not null,
  id uuid not null default gen_random_uuid(),
  chatbot_id uuid not null,
  token_sha256 text not null check (token_sha256 ~ '^[0-9a-f]{64}$'),
  external_id text check (length(external_id) between 1 and 200),
  conversation_id uuid not null default gen_random_uuid(),
  window_started_at timestamptz not null default app.clock(),
  messages integer not null default 0 check (messages >= 0),
  created_at timestamptz not null default app.clock(),
  last_seen_at timestamptz not null default app.clock(),
  primary key (account_id, id),
  unique (account_id, chatbot_id, token_sha256),
  foreign key (account_id, chatbot_id) references app.chatbots (account_id, id) on delete cascade
) with (fillfactor = 80);

create unique index visitors_identity on app.visitors (account_id, chatbot_id, external_id) where external_id is not null;
comment on table app.visitors is 'Who talks with a chatbot through its widget: whoever holds the token, or whom the site has signed in.';
comment on column app.visitors.external_id is 'The site''s own id of its user, whose signature was checked; null = nobody knows who it is.';
comment on column app.visitors.conversation_id is 'The id its conversation has, or will have with the first message: looking costs no conversation.';
comment on column app.visitors.messages is 'How many were answered in the hour that began at window_started_at.';

alter table app.widgets enable row level security;
alter table app.widget_keys enable row level security;
alter table app.visitors enable row level security;

revoke all on table app.widgets, app.widget_keys, app.visitors from public, anon, authenticated, service_role;
grant select on table app.widgets, app.widget_keys, app.visitors to operator;

create policy operator_reads on app.widgets for select to operator using (true);
create policy operator_reads on app.widget_keys for select to operator using (true);
create policy operator_reads on app.visitors for select to operator using (true);
