-- update_chatbot changes a chatbot's settings.
--
-- Args:    null leaves a setting as it is; p_model '' = the service's default; p_monthly_message_cap 0 = no cap; limits as
--          for create_chatbot. A cap below what was answered refuses from now on, and takes nothing back.
-- Returns: the chatbot after it; no row where it is not the account's
-- Errors:  PY004 argument · PY414 the chatbot is read-only
-- Locks:   the chatbot until commit. Idempotent.
create or replace function api.update_chatbot(
  p_account_id text, p_chatbot_id uuid, p_name text default null, p_instructions text default null,
  p_welcome_message text default null, p_model text default null, p_monthly_message_cap bigint default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean,
  monthly_message_cap bigint, messages_this_window bigint
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if length(p_name) not between 1 and 100 then
    raise exception 'name must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if length(p_instructions) > 8000 then
    raise exception 'instructions must have at most 8000 characters' using errcode = 'PY004';
  end if;
  if length(p_welcome_message) > 500 then
    raise exception 'welcome_message must have at most 500 characters' using errcode = 'PY004';
  end if;
  if length(p_model) > 100 then
    raise exception 'model must have at most 100 characters' using errcode = 'PY004';
  end if;
  if p_monthly_message_cap not between 0 and 1000000000 then
    raise exception 'monthly_message_cap must be from 1 to 1000000000, or 0 for none' using errcode = 'PY004';
  end if;
  perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
  update app.chatbots b
  set name = coalesce(p_name, b.name),
      instructions = coalesce(p_instructions, b.instructions),
      welcome_message = coalesce(p_welcome_message, b.welcome_message),
      model = case when p_model is null then b.model else nullif(p_model, '') end,
      monthly_message_cap = case when p_monthly_message_cap is null then b.monthly_message_cap else nullif(p_monthly_message_cap, 0) end,
      updated_at = app.clock()
  where b.account_id = p_account_id and b.id = p_chatbot_id;
  return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r where p_chatbot_id is not null;
end
$$;

comment on function api.update_chatbot(text, uuid, text, text, text, text, bigint) is
  'Changes a chatbot''s settings; null leaves one as it is, an empty model means the service''s default, a cap of 0 none.';
revoke all on function api.update_chatbot(text, uuid, text, text, text, text, bigint) from public, anon, authenticated;
grant execute on function api.update_chatbot(text, uuid, text, text, text, text, bigint) to service_role;
