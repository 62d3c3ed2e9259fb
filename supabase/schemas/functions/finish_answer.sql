-- finish_answer stores an answer and settles what it cost, in one transaction: a failed one nothing, a stopped one what
-- was streamed (nothing, if it was stopped before its first word), a complete one its real number of tokens.
--
-- Args:    p_status         complete, stopped or failed
--          p_citations      array of {documentId, documentName, place}, as given to the reader
--          p_input_tokens,
--          p_output_tokens  the real numbers, or the count of what was streamed; ignored when failed
--          p_error          why it failed, for the owner; no provider text
-- Returns: one row: the status stored, what was charged, and the decision on messages; no row for an unknown answer.
--          An answer that is finished already (also by the sweeper) stays as it is.
-- Errors:  PY004 status
-- Locks:   the chatbot (shared), the message, its reservations and their counters until commit. Idempotent.
create or replace function api.finish_answer(
  p_account_id text, p_message_id uuid, p_status text, p_content text, p_citations jsonb default '[]',
  p_input_tokens bigint default 0, p_output_tokens bigint default 0, p_error text default null
)
returns table (
  status text, charged_messages bigint, charged_tokens bigint, used bigint, quota bigint, remaining bigint, resets_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_reservation record;
  v_reserved text;
  v_request_ids text[] := array['answer:' || p_message_id || ':api_calls', 'answer:' || p_message_id || ':llm_tokens',
                                'answer:' || p_message_id || ':messages'];
  -- Stopped before its first word, an answer streamed nothing.
  v_is_free boolean := p_status = 'failed' or (p_status = 'stopped' and coalesce(p_output_tokens, 0) = 0);
  v_input_tokens bigint := least(500000000, greatest(0, coalesce(p_input_tokens, 0)));
  v_output_tokens bigint := least(500000000, greatest(0, coalesce(p_output_tokens, 0)));
begin
  if p_status is null or p_status not in ('complete', 'stopped', 'failed') then
    raise exception 'status must be complete, stopped or failed' using errcode = 'PY004';
  end if;
  -- The chatbot first, as its deletion does it: that comes to the message and to the count of answers in its own order.
  perform from app.chatbots b
  where b.account_id = p_account_id
    and b.id = (select r.chatbot_id from app.usage_reservations r
                where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':messages')
  for key share;
  select m.status into status from app.messages m where m.account_id = p_account_id and m.id = p_message_id for update;
  -- All of them at once, so that the sweeper cannot take one from under us.
  perform from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = any (v_request_ids)
  order by r.request_id
  for update;
  select r.status into v_reserved from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':messages';
  if not found then
    return;
  end if;

  -- A message that is gone was deleted with its chatbot while the answer streamed: it is settled all the same, once.
  status := coalesce(status, case v_reserved when 'open' then 'streaming' when 'settled' then 'complete' else 'failed' end);
  if status = 'streaming' then
    status := p_status;
    update app.messages m
    set status = p_status, content = coalesce(p_content, ''), citations = coalesce(p_citations, '[]'), error = p_error,
        input_tokens = case when p_status <> 'failed' then v_input_tokens end,
        output_tokens = case when p_status <> 'failed' then v_output_tokens end,
        finished_at = app.clock()
    where m.account_id = p_account_id and m.id = p_message_id;

    for v_reservation in
      select r.request_id, r.metric from app.usage_reservations r
      where r.account_id = p_account_id and r.status = 'open'
        and r.request_id = any (v_request_ids)
      order by r.metric
    loop
      perform api.settle_usage(p_account_id, v_reservation.request_id,
        case when v_is_free then 0 when v_reservation.metric = 'llm_tokens' then v_input_tokens + v_output_tokens else 1 end);
    end loop;
  end if;

  select r.settled into charged_messages from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':messages';
  select r.settled into charged_tokens from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = 'answer:' || p_message_id || ':llm_tokens';
  select coalesce(c.used, 0), e.quota, e.resets_at into used, quota, resets_at
  from app.entitlement(p_account_id, 'messages') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'messages' and c.window_start = e.window_start;
  remaining := app.remaining(quota, used);
  return next;
end
$$;

comment on function api.finish_answer(text, uuid, text, text, jsonb, bigint, bigint, text) is
  'Stores an answer and settles what it cost: a failed one nothing, a stopped one what was streamed.';
revoke all on function api.finish_answer(text, uuid, text, text, jsonb, bigint, bigint, text) from public, anon, authenticated;
grant execute on function api.finish_answer(text, uuid, text, text, jsonb, bigint, bigint, text) to service_role;
