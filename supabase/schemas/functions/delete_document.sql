-- delete_document deletes a document of a chatbot; its space is free at once.
--
-- Returns: one row: deleted (false = it was not there), and the gauge storage_bytes after it
-- Locks:   the document and the gauge until commit. Idempotent.
create or replace function api.delete_document(
  p_account_id text, p_chatbot_id uuid, p_document_id uuid,
  out deleted boolean, out used bigint, out quota bigint, out remaining bigint
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from app.documents d
  where d.account_id = p_account_id and d.chatbot_id = p_chatbot_id and d.id = p_document_id;
  deleted := found;
  select coalesce(c.used, 0), e.quota into used, quota
  from app.entitlement(p_account_id, 'storage_bytes') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity';
  remaining := app.remaining(quota, used);
end
$$;

comment on function api.delete_document(text, uuid, uuid) is
  'Deletes a document; its space is free at once.';
revoke all on function api.delete_document(text, uuid, uuid) from public, anon, authenticated;
grant execute on function api.delete_document(text, uuid, uuid) to service_role;
