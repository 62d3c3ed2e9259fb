-- begin_answer decides everything an answer costs before the model is called, and stores the question: all or nothing.
-- It reserves one message, the estimated tokens, and for channel api one API call; finish_answer settles them. The answer
-- is counted for its chatbot too, and a chatbot with a cap of its own gives no more of them in a window of the account.
--
-- Args:    p_content             the question, 1 to 8,000 characters
--          p_token_estimate      upper bound of tokens in and out, 1 to 1,000,000,000
--          p_request_id          makes the call safe to repeat
--          p_channel             playground, widget or api
--          p_expires_in_seconds  when the sweeper may take the answer for lost
--          p_message_id          a new id for the answer, chosen by the caller: a call repeated because its connection was
--                                lost is recognised by it, and told that it started
--          p_replaces            answer anew: an answer after which nothing came but failed ones to the same question, which
--                                p_content must be. No question is stored; what the new answer replaces is kept, marked
-- Returns: one row. outcome
--            started    generate the answer for message_id, then call finish_answer
--            refused    metric and the decision say which quota is used up, chatbot_messages being the chatbot's own cap;
--                       nothing was stored or charged
--            running    the same request is being answered, as message_id
--            replayed   the same request was answered, by message_id; a failed answer is not replayed but tried again
--            not_found  no such conversation of this account and chatbot
-- Errors:  PY003 estimate · PY004 argument, also for what p_replaces may not replace · PY404 no such answer to replace ·
--          PY409 request id used for another request · PY414 the chatbot is read-only
-- Locks:   the chatbot (shared), the question to be answered anew, the account (shared), the counters, then the chatbot's count, until commit.
--          Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.begin_answer(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, p_content text, p_token_estimate bigint,
  p_request_id text default null, p_channel text default 'api', p_expires_in_seconds integer default 900,
  p_message_id uuid default null, p_replaces uuid default null
)
returns table (
  outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text,
  replayed boolean, user_message_id uuid, message_id uuid
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_answer uuid := coalesce(p_message_id, gen_random_uuid());
  v_claimed uuid;
  v_status text;
  v_charge record;
  v_decision record;
  v_refusal text;
  v_question uuid;
  v_counted bigint;
  v_cap bigint;
begin
  if p_content is null or length(p_content) not between 1 and 8000 then
    raise exception 'content must have 1 to 8000 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  -- The chatbot first, as its deletion does it: the count below refers to it, and would wait for it with all else held.
  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;
  perform from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id
  for key share;
  if not found then
    outcome := 'not_found';
    return next;
    return;
  end if;

  -- The caller's own repeat: nobody else knows this id, and nobody else would generate the answer.
  select case m.status when 'streaming' then 'started' else 'replayed' end, 'messages', true,
         c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, true, q.id, m.id
  into outcome, metric, allowed, used, quota, remaining, resets_at, plan, replayed, user_message_id, message_id
  from app.messages m
  cross join lateral app.entitlement(p_account_id, 'messages') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'messages' and c.window_start = e.window_start
  left join lateral (
    select u.id from app.messages u
    where u.account_id = m.account_id and u.conversation_id = m.conversation_id and u.role = 'user' and u.place < m.place
    order by u.place desc limit 1
  ) q on true
  -- (Found by its id. "is true" keeps the planner from reading the whole conversation for it.)
  where m.account_id = p_account_id and m.id = p_message_id and (m.conversation_id = p_conversation_id) is true;
  if found then
    return next;
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'begin_answer',
      encode(sha256(convert_to((
        jsonb_build_array(p_conversation_id, p_content, p_channel)
        || case when p_replaces is null then '[]' else jsonb_build_array(p_replaces) end)::text, 'UTF8')), 'hex'), v_answer);
    if v_claimed <> v_answer then
      select m.status into v_status from app.messages m where m.account_id = p_account_id and m.id = v_claimed;
      if v_status <> 'failed' then
        outcome := case when v_status = 'streaming' then 'running' else 'replayed' end;
        replayed := true;
        message_id := v_claimed;
        return next;
        return;
      end if;
      update app.idempotency_keys k set resource_id = v_answer
      where k.account_id = p_account_id and k.request_id = p_request_id;
    end if;
    perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
    if p_replaces is not null then
      v_question := app.lock_question(p_account_id, p_conversation_id, p_replaces, p_content);
    end if;

    perform app.open_windows(array_fill(p_account_id, array[3]), array['api_calls', 'llm_tokens', 'messages'], true);
    -- In the order of their names, as batches lock them; messages last, so that their decision is the one returned.
    for v_charge in
      select * from (values ('api_calls', 1::bigint), ('llm_tokens', p_token_estimate), ('messages', 1::bigint)) c (metric, amount)
      where c.metric <> 'api_calls' or p_channel = 'api'
    loop
      select r.* into v_decision
      from app.reserve(p_account_id, v_charge.metric, v_charge.amount, 'answer:' || v_answer || ':' || v_charge.metric,
                       p_expires_in_seconds, v_answer, p_chatbot_id, p_conversation_id, p_channel, 'answer') r;
      if not v_decision.allowed then
        raise exception 'quota exceeded' using errcode = 'PY402',
          detail = (to_jsonb(v_decision) || jsonb_build_object('metric', v_charge.metric))::text;
      end if;
    end loop;

    -- Always counted, so that a cap set in the middle of a window is right. Whoever counts holds the counter of messages.
    insert into app.chatbot_answers as a (account_id, chatbot_id, window_start, used)
    select p_account_id, p_chatbot_id, r.window_start, 1
    from app.usage_reservations r
    where r.account_id = p_account_id and r.request_id = 'answer:' || v_answer || ':messages'
    on conflict (account_id, chatbot_id, window_start) do update set used = a.used + 1
    returning a.used into v_counted;
    select b.monthly_message_cap into v_cap from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id;
    if v_counted > v_cap then
      raise exception 'cap of the chatbot reached' using errcode = 'PY402',
        detail = (to_jsonb(v_decision) || jsonb_build_object('metric', 'chatbot_messages', 'used', v_counted - 1, 'quota', v_cap,
                                                             'remaining', app.remaining(v_cap, v_counted - 1)))::text;
    end if;

    message_id := v_answer;
    if p_replaces is null then
      user_message_id := gen_random_uuid();
      insert into app.messages (account_id, id, conversation_id, role, status, content, created_at, finished_at)
      values (p_account_id, user_message_id, p_conversation_id, 'user', 'complete', p_content, app.clock(), app.clock());
    else
      user_message_id := v_question;
      perform app.replace_answers(p_account_id, p_conversation_id, p_replaces, v_question, v_answer);
    end if;
    insert into app.messages (account_id, id, conversation_id, role, status, created_at)
    values (p_account_id, message_id, p_conversation_id, 'assistant', 'streaming', app.clock());
    update app.conversations c set updated_at = app.clock()
    where c.account_id = p_account_id and c.id = p_conversation_id;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select 'refused', d.metric, false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid
    from jsonb_to_record(v_refusal::jsonb) as d (
      metric text, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  outcome := 'started';
  metric := v_charge.metric;
  allowed := true;
  used := v_decision.used;
  quota := v_decision.quota;
  remaining := v_decision.remaining;
  resets_at := v_decision.resets_at;
  plan := v_decision.plan;
  replayed := false;
  return next;
end
$$;

comment on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid) is
  'Decides everything an answer costs, before the model is called, and stores the question: all of it or nothing.';
revoke all on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid) from public, anon, authenticated;
grant execute on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid) to service_role;
