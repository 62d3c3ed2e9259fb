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
