-- check_and_increment_usage_many decides a batch of requests, each exactly as check_and_increment_usage would, those of
-- one account and metric in the order of arrival. One bad entry gets its own verdict and never fails the others.
--
-- Args:    arrays of one length, entry by entry the arguments of check_and_increment_usage; p_amounts null = all 1, the
--          later ones null = no entry has it. At most 1,000 entries (a hosted PostgREST cuts off longer answers).
-- Returns: one row per entry in the order of arrival: place (from 1), then error_code and error_message, or the decision
-- Errors:  PY004 arrays of different lengths, or too many entries. Faults of single entries are rows, with the same codes.
-- Locks:   the counters, in the order (account, metric), until commit: two batches wait for each other, they do not
--          deadlock on counters. A request id shared across metrics still can; 40P01 is safe to repeat.
-- Idempotent per (account, request id), also between entries of the same batch; of two metrics that share an id, the one
-- whose name comes first has it.
create or replace function api.check_and_increment_usage_many(
  p_account_ids text[],
  p_metrics text[],
  p_amounts bigint[] default null,
  p_request_ids text[] default null,
  p_chatbot_ids uuid[] default null,
  p_conversation_ids uuid[] default null,
  p_channels text[] default null,
  p_operations text[] default null
)
returns table (
  place integer,
  error_code text,
  error_message text,
  allowed boolean,
  used bigint,
  quota bigint,
  remaining bigint,
  resets_at timestamptz,
  plan text,
  replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count integer := coalesce(cardinality(p_account_ids), 0);
  v_entry record;
  v_decision record;
  v_decisions jsonb[];
begin
  if v_count > 1000 then
    raise exception 'a batch has at most 1000 entries, not %', v_count using errcode = 'PY004';
  end if;
  if coalesce(cardinality(p_metrics), 0) <> v_count
     or cardinality(p_amounts) <> v_count or cardinality(p_request_ids) <> v_count
     or cardinality(p_chatbot_ids) <> v_count or cardinality(p_conversation_ids) <> v_count
     or cardinality(p_channels) <> v_count or cardinality(p_operations) <> v_count then
    raise exception 'all arrays of a batch must have the % entries of account_ids', v_count using errcode = 'PY004';
  end if;

  v_decisions := array_fill(null::jsonb, array[v_count]);
  for v_entry in
    select e.*
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations)
         with ordinality as e (account_id, metric, amount, request_id, chatbot_id, conversation_id, channel, operation, place)
    order by e.account_id, e.metric, e.place
  loop
    if v_entry.channel not in ('playground', 'widget', 'api') then
      v_decisions[v_entry.place] := jsonb_build_object('error_code', 'PY004', 'error_message',
        format('channel must be playground, widget or api, not %L', v_entry.channel));
      continue;
    end if;
    select d.* into v_decision
    from app.decide_usage(v_entry.account_id, v_entry.metric, case when p_amounts is null then 1 else v_entry.amount end,
                          v_entry.request_id, 'charge', false,
                          v_entry.chatbot_id, v_entry.conversation_id, v_entry.channel, v_entry.operation) d;
    v_decisions[v_entry.place] := case when v_decision.error_code is null then to_jsonb(v_decision)
      else jsonb_build_object('error_code', v_decision.error_code, 'error_message', v_decision.error_message) end;
  end loop;

  return query
  select d.place::integer, r.error_code, r.error_message, r.allowed, r.used, r.quota, r.remaining, r.resets_at, r.plan, r.replayed
  from unnest(v_decisions) with ordinality as d (decision, place)
  cross join lateral jsonb_to_record(d.decision) as r (
    error_code text, error_message text, allowed boolean, used bigint, quota bigint, remaining bigint,
    resets_at timestamptz, plan text, replayed boolean)
  order by d.place;
end
$$;

comment on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch of requests, each exactly as the single call would, in the order of arrival; a bad entry gets its own verdict.';
revoke all on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  to service_role;
