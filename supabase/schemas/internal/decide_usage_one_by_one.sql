-- decide_usage_one_by_one decides a batch entry by entry, those of one account and metric in the order of arrival: exact
-- whatever the entries are, and slower than decide_usage_at_once.
--
-- Args:    arrays of one length, as for check_and_increment_usage_many; p_amounts null = all 1, the later ones null = none
-- Returns: one row per entry: error_code and error_message, or the decision
-- Locks:   of first uses the caller has taken care (open_windows); the counters in the order (account, metric), until commit. Idempotent per (account, request id).
create or replace function app.decide_usage_one_by_one(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[],
  p_chatbot_ids uuid[], p_conversation_ids uuid[], p_channels text[], p_operations text[]
)
returns table (
  place integer, error_code text, error_message text, allowed boolean, used bigint, quota bigint, remaining bigint,
  resets_at timestamptz, plan text, replayed boolean
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_entry record;
begin
  for v_entry in
    select e.*
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations)
         with ordinality as e (account_id, metric, amount, request_id, chatbot_id, conversation_id, channel, operation, place)
    order by e.account_id, e.metric, e.place
  loop
    if v_entry.channel not in ('playground', 'widget', 'api') then
      return query
      select v_entry.place::integer, 'PY004', format('channel must be playground, widget or api, not %L', v_entry.channel),
             null::boolean, null::bigint, null::bigint, null::bigint, null::timestamptz, null::text, null::boolean;
    else
      return query
      select v_entry.place::integer, d.error_code, d.error_message,
             case when d.error_code is null then d.allowed end, case when d.error_code is null then d.used end,
             case when d.error_code is null then d.quota end, case when d.error_code is null then d.remaining end,
             case when d.error_code is null then d.resets_at end, case when d.error_code is null then d.plan end,
             case when d.error_code is null then d.replayed end
      from app.decide_usage(v_entry.account_id, v_entry.metric, case when p_amounts is null then 1 else v_entry.amount end,
                            v_entry.request_id, 'charge', false,
                            v_entry.chatbot_id, v_entry.conversation_id, v_entry.channel, v_entry.operation) d;
    end if;
  end loop;
end
$$;

comment on function app.decide_usage_one_by_one(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch entry by entry, those of one account and metric in the order of arrival.';
revoke all on function app.decide_usage_one_by_one(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated, service_role;
