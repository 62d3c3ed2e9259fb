--! Included schemas/tables/widgets.sql
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
--! EndIncluded schemas/tables/widgets.sql

--! Included schemas/functions/begin_visitor_answer.sql
-- begin_visitor_answer is begin_answer for a visitor of the widget: it also counts the messages of the visitor, in hours
-- that begin with the first message after the hour before, and makes the conversation with the first one.
--
-- Args:    p_request_id  unique among the requests of this visitor; what others used is not met
--          the others    as for begin_answer
-- Returns: one row, as begin_answer, and one outcome more
--            too_many   the visitor had its messages of this hour; the next is welcome in retry_after_seconds (1 to 3600).
--                       Nothing was stored or charged
--          not_found also where the visitor is not this chatbot's, or its widget is switched off
-- Errors:  as begin_answer
-- Locks:   the visitor, and what begin_answer locks, until commit. Only an answer that was started counts, and only once.
create or replace function api.begin_visitor_answer(
  p_account_id text, p_chatbot_id uuid, p_visitor_id uuid, p_content text, p_token_estimate bigint,
  p_request_id text default null, p_expires_in_seconds integer default 900, p_message_id uuid default null
)
returns table (
  outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text,
  replayed boolean, user_message_id uuid, message_id uuid, retry_after_seconds integer
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  -- The ids of an account are one space: a visitor must neither meet nor take one of the owner's or of another visitor's.
  v_request_id text := 'visitor:' || p_visitor_id || ':' || encode(sha256(convert_to(p_request_id, 'UTF8')), 'hex');
  v_limit integer;
  v_visitor record;
  v_is_new boolean;
  v_beginning record;
begin
  if length(p_request_id) not between 1 and 255 then
    raise exception 'request_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  -- Before the visitor, as deleting the chatbot does.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  select w.messages_per_visitor_per_hour into v_limit from app.widgets w
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id and w.enabled;
  select v.conversation_id, v.window_started_at,
         case when v.window_started_at + interval '1 hour' > app.clock() then v.messages else 0 end as messages
  into v_visitor
  from app.visitors v
  where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.id = p_visitor_id
  for no key update;
  if not found or v_limit is null then
    outcome := 'not_found';
    return next;
    return;
  end if;

  if v_visitor.messages >= v_limit then
    -- What was begun before is no further message. Locked, so that it cannot fail, and be tried again, meanwhile.
    perform from app.messages m
    where m.account_id = p_account_id and m.conversation_id = v_visitor.conversation_id and m.status <> 'failed'
      and (m.id = p_message_id or m.id = (
        select k.resource_id from app.idempotency_keys k where k.account_id = p_account_id and k.request_id = v_request_id))
    for share;
    if not found then
      outcome := 'too_many';
      retry_after_seconds := greatest(1, ceil(extract(epoch from v_visitor.window_started_at + interval '1 hour' - app.clock())));
      return next;
      return;
    end if;
  end if;

  insert into app.conversations (account_id, id, chatbot_id, title, channel, created_at, updated_at)
  values (p_account_id, v_visitor.conversation_id, p_chatbot_id, left(p_content, 80), 'widget', app.clock(), app.clock())
  on conflict (account_id, id) do nothing;
  v_is_new := found;
  select b.* into strict v_beginning from api.begin_answer(
    p_account_id => p_account_id, p_chatbot_id => p_chatbot_id, p_conversation_id => v_visitor.conversation_id,
    p_content => p_content, p_token_estimate => p_token_estimate, p_request_id => v_request_id, p_channel => 'widget',
    p_expires_in_seconds => p_expires_in_seconds, p_message_id => p_message_id) b;

  if v_beginning.outcome = 'started' and not v_beginning.replayed then
    update app.visitors v
    set messages = v_visitor.messages + 1,
        window_started_at = case when v_visitor.messages = 0 then app.clock() else v.window_started_at end,
        last_seen_at = app.clock()
    where v.account_id = p_account_id and v.id = p_visitor_id;
  elsif v_is_new then
    -- Nothing was said in it.
    delete from app.conversations c where c.account_id = p_account_id and c.id = v_visitor.conversation_id;
  end if;
  outcome := v_beginning.outcome;
  metric := v_beginning.metric;
  allowed := v_beginning.allowed;
  used := v_beginning.used;
  quota := v_beginning.quota;
  remaining := v_beginning.remaining;
  resets_at := v_beginning.resets_at;
  plan := v_beginning.plan;
  replayed := v_beginning.replayed;
  user_message_id := v_beginning.user_message_id;
  message_id := v_beginning.message_id;
  return next;
end
$$;

comment on function api.begin_visitor_answer(text, uuid, uuid, text, bigint, text, integer, uuid) is
  'begin_answer for a visitor of the widget, who has a number of messages in an hour.';
revoke all on function api.begin_visitor_answer(text, uuid, uuid, text, bigint, text, integer, uuid) from public, anon, authenticated;
grant execute on function api.begin_visitor_answer(text, uuid, uuid, text, bigint, text, integer, uuid) to service_role;
--! EndIncluded schemas/functions/begin_visitor_answer.sql

--! Included schemas/functions/ensure_widget.sql
-- ensure_widget reads the widget of a chatbot, and makes it, switched off, when it is first asked for.
--
-- Args:    p_widget_key       wgt_ and 8 to 64 letters, digits, - or _; used when the widget is made, as is
--          p_identity_secret  16 to 200 characters
-- Returns: the widget; no row where the chatbot is not the account's
-- Errors:  PY004 argument · 23505 the key is another widget's
-- Locks:   the new rows until commit. Idempotent: a repeat finds the key and the secret of the first call.
create or replace function api.ensure_widget(p_account_id text, p_chatbot_id uuid, p_widget_key text, p_identity_secret text)
returns table (
  chatbot_id uuid, widget_key text, enabled boolean, allowed_origins text[], messages_per_visitor_per_hour integer,
  unavailable_message text, identity_required boolean, identity_secret text,
  last_refused_at timestamptz, last_refused_cause text, last_refused_request_id text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_widget_key is null or p_widget_key !~ '^wgt_[A-Za-z0-9_-]{8,64}$' then
    raise exception 'widget_key must be wgt_ and 8 to 64 letters, digits, - or _' using errcode = 'PY004';
  end if;
  if p_identity_secret is null or length(p_identity_secret) not between 16 and 200 then
    raise exception 'identity_secret must have 16 to 200 characters' using errcode = 'PY004';
  end if;
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  if not found then
    return;
  end if;
  insert into app.widgets (account_id, chatbot_id, widget_key, identity_secret)
  values (p_account_id, p_chatbot_id, p_widget_key, p_identity_secret)
  on conflict (account_id, chatbot_id) do nothing;
  if found then
    insert into app.widget_keys (widget_key, account_id, chatbot_id) values (p_widget_key, p_account_id, p_chatbot_id);
  end if;
  return query
  select w.chatbot_id, w.widget_key, w.enabled, w.allowed_origins, w.messages_per_visitor_per_hour, w.unavailable_message,
         w.identity_required, w.identity_secret, w.last_refused_at, w.last_refused_cause, w.last_refused_request_id
  from app.widgets w
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;
end
$$;

comment on function api.ensure_widget(text, uuid, text, text) is
  'The widget of a chatbot; made, switched off, when it is first asked for.';
revoke all on function api.ensure_widget(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.ensure_widget(text, uuid, text, text) to service_role;
--! EndIncluded schemas/functions/ensure_widget.sql

--! Included schemas/functions/note_widget_refusal.sql
-- note_widget_refusal keeps why a visitor was sent away, for the owner of the widget; the latest is kept.
--
-- Args:    p_cause       the true one, such as "messages: 100 of 100 used"; cut at 500 characters
--          p_request_id  of the refused request, by which the log knows it; cut at 100 characters
-- Returns: noted = false where there is no such widget
-- Errors:  PY004 argument
-- Locks:   the widget until commit. Idempotent.
create or replace function api.note_widget_refusal(
  p_account_id text, p_chatbot_id uuid, p_cause text, p_request_id text, out noted boolean
)
language plpgsql
security definer
set search_path = ''
as $$
begin
  if p_cause is null or p_request_id is null then
    raise exception 'cause and request_id are required' using errcode = 'PY004';
  end if;
  update app.widgets w
  set last_refused_at = app.clock(), last_refused_cause = left(p_cause, 500), last_refused_request_id = left(p_request_id, 100)
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;
  noted := found;
end
$$;

comment on function api.note_widget_refusal(text, uuid, text, text) is
  'Keeps why a visitor was last sent away, for the owner of the widget.';
revoke all on function api.note_widget_refusal(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.note_widget_refusal(text, uuid, text, text) to service_role;
--! EndIncluded schemas/functions/note_widget_refusal.sql

--! Included schemas/functions/open_visit.sql
-- open_visit begins the visit of somebody at a chatbot's widget, or goes on with an earlier one.
--
-- With an identity the visit is that of the identity, wherever it was begun; at its first time it takes the conversation
-- along that the same person had without. Without one, the earlier token leads only to a visit without identity: who finds
-- the token of somebody who was signed in does not get at the conversation by it.
--
-- Args:    p_token_sha256          of a token for the visit, in hex
--          p_earlier_token_sha256  of the token the visitor came with; null = none
--          p_external_id           the site's id of its user, 1 to 200 characters, whose signature the caller has checked
-- Returns: the visit; token_sha256 tells which of the two tokens is its own; no row where the chatbot has no widget
-- Errors:  PY004 argument
-- Locks:   the visitor until commit, with an identity also the widget. Idempotent.
create or replace function api.open_visit(
  p_account_id text, p_chatbot_id uuid, p_token_sha256 text, p_earlier_token_sha256 text default null, p_external_id text default null
)
returns table (visitor_id uuid, conversation_id uuid, token_sha256 text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_token_sha256 is null or p_token_sha256 !~ '^[0-9a-f]{64}$' then
    raise exception 'token_sha256 must be 64 hex digits' using errcode = 'PY004';
  end if;
  if length(p_external_id) not between 1 and 200 then
    raise exception 'external_id must have 1 to 200 characters' using errcode = 'PY004';
  end if;
  -- Before anything else, as deleting the chatbot does.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  perform from app.widgets w where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;
  if not found then
    return;
  end if;

  if p_external_id is null then
    return query
    update app.visitors v set last_seen_at = app.clock()
    where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id
      and v.token_sha256 = p_earlier_token_sha256 and v.external_id is null
    returning v.id, v.conversation_id, v.token_sha256;
    if found then
      return;
    end if;
  else
    -- Two first visits of one identity wait for each other here.
    perform from app.widgets w where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id for no key update;
    return query
    update app.visitors v set last_seen_at = app.clock(), token_sha256 = p_token_sha256
    where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.external_id = p_external_id
    returning v.id, v.conversation_id, v.token_sha256;
    if found then
      return;
    end if;
    return query
    update app.visitors v set last_seen_at = app.clock(), token_sha256 = p_token_sha256, external_id = p_external_id
    where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id
      and v.token_sha256 = p_earlier_token_sha256 and v.external_id is null
    returning v.id, v.conversation_id, v.token_sha256;
    if found then
      return;
    end if;
  end if;

  return query
  insert into app.visitors as v (account_id, chatbot_id, token_sha256, external_id)
  values (p_account_id, p_chatbot_id, p_token_sha256, p_external_id)
  -- A repeat, whose first answer was lost.
  on conflict (account_id, chatbot_id, token_sha256) do update set last_seen_at = app.clock()
  where v.external_id is not distinct from excluded.external_id
  returning v.id, v.conversation_id, v.token_sha256;
end
$$;

comment on function api.open_visit(text, uuid, text, text, text) is
  'Begins a visit at a chatbot''s widget or goes on with an earlier one: that of the identity, else that of the token.';
revoke all on function api.open_visit(text, uuid, text, text, text) from public, anon, authenticated;
grant execute on function api.open_visit(text, uuid, text, text, text) to service_role;
--! EndIncluded schemas/functions/open_visit.sql

--! Included schemas/functions/read_visitor.sql
-- read_visitor finds the visitor who holds a token.
--
-- Args:    p_token_sha256  of the token, in hex
-- Returns: the visitor; no row where nobody of this account and chatbot holds it
create or replace function api.read_visitor(p_account_id text, p_chatbot_id uuid, p_token_sha256 text)
returns table (visitor_id uuid, conversation_id uuid, external_id text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select v.id, v.conversation_id, v.external_id
  from app.visitors v
  where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.token_sha256 = p_token_sha256;
end
$$;

comment on function api.read_visitor(text, uuid, text) is
  'The visitor of a chatbot''s widget who holds a token.';
revoke all on function api.read_visitor(text, uuid, text) from public, anon, authenticated;
grant execute on function api.read_visitor(text, uuid, text) to service_role;
--! EndIncluded schemas/functions/read_visitor.sql

--! Included schemas/functions/read_widget_by_key.sql
-- read_widget_by_key finds the widget a public key names, with what serving it needs; also one that is switched off.
--
-- Returns: the widget and whose it is; no row where no widget has the key.
--          blocked_by  why its chatbot answers nobody: chatbot_read_only or account_closed; null = nothing known beforehand
create or replace function api.read_widget_by_key(p_widget_key text)
returns table (
  account_id text, chatbot_id uuid, widget_key text, enabled boolean, allowed_origins text[], unavailable_message text,
  identity_required boolean, identity_secret text, chatbot_name text, welcome_message text, blocked_by text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_key record;
begin
  select k.account_id, k.chatbot_id into v_key from app.widget_keys k where k.widget_key = p_widget_key;
  if not found then
    return;
  end if;
  return query
  select w.account_id, w.chatbot_id, w.widget_key, w.enabled, w.allowed_origins, w.unavailable_message,
         w.identity_required, w.identity_secret, b.name, b.welcome_message,
         case
           when a.closed_at is not null then 'account_closed'
           when w.chatbot_id in (select r.id from app.read_only_chatbots(v_key.account_id) r (id)) then 'chatbot_read_only'
         end
  from app.widgets w
  join app.chatbots b on b.account_id = w.account_id and b.id = w.chatbot_id
  join app.accounts a on a.account_id = w.account_id
  where w.account_id = v_key.account_id and w.chatbot_id = v_key.chatbot_id;
end
$$;

comment on function api.read_widget_by_key(text) is
  'The widget a public key names, with what serving it needs.';
revoke all on function api.read_widget_by_key(text) from public, anon, authenticated;
grant execute on function api.read_widget_by_key(text) to service_role;
--! EndIncluded schemas/functions/read_widget_by_key.sql

--! Included schemas/functions/update_widget.sql
-- update_widget changes the widget of a chatbot.
--
-- Args:    null leaves a setting as it is
--          p_allowed_origins                at most 20, each scheme, host and perhaps port as browsers send them
--          p_messages_per_visitor_per_hour  1 to 10,000
--          p_unavailable_message            1 to 500 characters
--          p_identity_secret                a new one, 16 to 200 characters: what the old one signed is no longer believed
-- Returns: the widget after it; no row where there is none of this account and chatbot
-- Errors:  PY004 argument · PY414 the chatbot is read-only
-- Locks:   the widget until commit. Idempotent.
create or replace function api.update_widget(
  p_account_id text, p_chatbot_id uuid, p_enabled boolean default null, p_allowed_origins text[] default null,
  p_messages_per_visitor_per_hour integer default null, p_unavailable_message text default null,
  p_identity_required boolean default null, p_identity_secret text default null
)
returns table (
  chatbot_id uuid, widget_key text, enabled boolean, allowed_origins text[], messages_per_visitor_per_hour integer,
  unavailable_message text, identity_required boolean, identity_secret text,
  last_refused_at timestamptz, last_refused_cause text, last_refused_request_id text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_origin text;
begin
  if cardinality(p_allowed_origins) > 20 then
    raise exception 'allowed_origins must be at most 20' using errcode = 'PY004';
  end if;
  foreach v_origin in array coalesce(p_allowed_origins, '{}') loop
    -- They become part of a Content-Security-Policy, where ; begins a directive and * is any host.
    if v_origin is null or length(v_origin) > 300 or v_origin !~ '^https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$' then
      raise exception 'allowed_origins must be like https://www.example.com' using errcode = 'PY004';
    end if;
  end loop;
  if p_messages_per_visitor_per_hour not between 1 and 10000 then
    raise exception 'messages_per_visitor_per_hour must be from 1 to 10000' using errcode = 'PY004';
  end if;
  if length(p_unavailable_message) not between 1 and 500 then
    raise exception 'unavailable_message must have 1 to 500 characters' using errcode = 'PY004';
  end if;
  if length(p_identity_secret) not between 16 and 200 then
    raise exception 'identity_secret must have 16 to 200 characters' using errcode = 'PY004';
  end if;
  perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
  return query
  update app.widgets w
  set enabled = coalesce(p_enabled, w.enabled),
      allowed_origins = coalesce(p_allowed_origins, w.allowed_origins),
      messages_per_visitor_per_hour = coalesce(p_messages_per_visitor_per_hour, w.messages_per_visitor_per_hour),
      unavailable_message = coalesce(p_unavailable_message, w.unavailable_message),
      identity_required = coalesce(p_identity_required, w.identity_required),
      identity_secret = coalesce(p_identity_secret, w.identity_secret),
      updated_at = app.clock()
  where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id
  returning w.chatbot_id, w.widget_key, w.enabled, w.allowed_origins, w.messages_per_visitor_per_hour, w.unavailable_message,
            w.identity_required, w.identity_secret, w.last_refused_at, w.last_refused_cause, w.last_refused_request_id;
end
$$;

comment on function api.update_widget(text, uuid, boolean, text[], integer, text, boolean, text) is
  'Changes the widget of a chatbot; null leaves a setting as it is.';
revoke all on function api.update_widget(text, uuid, boolean, text[], integer, text, boolean, text) from public, anon, authenticated;
grant execute on function api.update_widget(text, uuid, boolean, text[], integer, text, boolean, text) to service_role;
--! EndIncluded schemas/functions/update_widget.sql
