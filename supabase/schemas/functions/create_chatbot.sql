-- create_chatbot creates a chatbot where the quota allows it; the gauge moves in the same transaction.
--
-- Args:    p_name             1 to 100 characters
--          p_instructions     up to 8,000 characters
--          p_welcome_message  up to 500 characters
--          p_model            null or '' = the service's default
--          p_request_id       makes the call safe to repeat
--          p_monthly_message_cap  the most answers in a window of the account, 1 to 1,000,000,000; null or 0 = no cap
-- Returns: one row: the decision on metric chatbots, and the chatbot; its columns are null when refused, or when a
--          replayed request's chatbot has been deleted since
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the gauge until commit. Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.create_chatbot(
  p_account_id text,
  p_name text,
  p_instructions text default '',
  p_welcome_message text default '',
  p_model text default null,
  p_request_id text default null,
  p_monthly_message_cap bigint default null
)
returns table (
  allowed boolean,
  used bigint,
  quota bigint,
  remaining bigint,
  resets_at timestamptz,
  plan text,
  replayed boolean,
  chatbot_id uuid,
  name text,
  instructions text,
  welcome_message text,
  model text,
  created_at timestamptz,
  updated_at timestamptz,
  monthly_message_cap bigint
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_refusal text;
begin
  if p_name is null or length(p_name) not between 1 and 100 then
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
  perform app.ensure_account(p_account_id);

  begin
    -- No cap leaves the fingerprint as it was before there were caps: a create repeated across the update is known again.
    v_claimed := app.claim_request(p_account_id, p_request_id, 'create_chatbot',
      encode(sha256(convert_to((
        jsonb_build_array(p_name, coalesce(p_instructions, ''), coalesce(p_welcome_message, ''), nullif(p_model, ''))
        || case when p_monthly_message_cap > 0 then jsonb_build_array(p_monthly_message_cap) else '[]' end)::text, 'UTF8')), 'hex'), v_id);
    if v_claimed = v_id then
      insert into app.chatbots (account_id, id, name, instructions, welcome_message, model, created_at, updated_at, monthly_message_cap)
      values (p_account_id, v_id, p_name, coalesce(p_instructions, ''), coalesce(p_welcome_message, ''), nullif(p_model, ''),
              app.clock(), app.clock(), nullif(p_monthly_message_cap, 0));
    end if;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false,
           null::uuid, null::text, null::text, null::text, null::text, null::timestamptz, null::timestamptz, null::bigint
    from jsonb_to_record(v_refusal::jsonb) as d (used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  return query
  select true, c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, v_claimed <> v_id,
         b.id, b.name, b.instructions, b.welcome_message, b.model, b.created_at, b.updated_at, b.monthly_message_cap
  from app.entitlement(p_account_id, 'chatbots') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
  left join app.chatbots b on b.account_id = p_account_id and b.id = v_claimed;
end
$$;

comment on function api.create_chatbot(text, text, text, text, text, text, bigint) is
  'Creates a chatbot where the quota allows it; the gauge moves in the same transaction. Safe to repeat with a request id.';
revoke all on function api.create_chatbot(text, text, text, text, text, text, bigint) from public, anon, authenticated;
grant execute on function api.create_chatbot(text, text, text, text, text, text, bigint) to service_role;
