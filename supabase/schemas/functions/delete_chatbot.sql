-- delete_chatbot deletes a chatbot with its documents and conversations; what it used of the gauges is free at once.
--
-- Returns: one row: deleted (false = it was not there), and the gauge chatbots after it
-- Locks:   the chatbot, what belongs to it, and the gauges until commit. Idempotent.
create or replace function api.delete_chatbot(
  p_account_id text, p_chatbot_id uuid,
  out deleted boolean, out used bigint, out quota bigint, out remaining bigint
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id;
  deleted := found;
  select coalesce(c.used, 0), e.quota into used, quota
  from app.entitlement(p_account_id, 'chatbots') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity';
  remaining := app.remaining(quota, used);
end
$$;

comment on function api.delete_chatbot(text, uuid) is
  'Deletes a chatbot with its documents and conversations; its quota is free at once.';
revoke all on function api.delete_chatbot(text, uuid) from public, anon, authenticated;
grant execute on function api.delete_chatbot(text, uuid) to service_role;
