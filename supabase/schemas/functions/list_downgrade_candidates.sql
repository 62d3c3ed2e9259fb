-- list_downgrade_candidates names what could go to make a plan fit: of the levels that are above its quota, the things
-- they count, the most recent chatbots and the largest documents first.
--
-- Args:    p_plan   the plan that shall fit
--          p_limit  1 to 100 of each
-- Returns: metric chatbots or storage_bytes; size_bytes null for a chatbot; read_only = it would be read-only on that plan
-- Errors:  PY002 unknown plan · PY004 argument
create or replace function api.list_downgrade_candidates(p_account_id text, p_plan text, p_limit integer default 50)
returns table (metric text, id uuid, chatbot_id uuid, name text, size_bytes bigint, created_at timestamptz, read_only boolean)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select 'chatbots', b.id, b.id, b.name, null::bigint, b.created_at, b.place > v.quota
  from api.validate_plan_change(p_account_id, p_plan) v
  cross join lateral (
    select x.*, row_number() over (order by x.kept_at is null, x.created_at, x.id) as place
    from app.chatbots x where x.account_id = p_account_id
  ) b
  where v.metric = 'chatbots'
  order by b.place desc
  limit p_limit;
  return query
  select 'storage_bytes', d.id, d.chatbot_id, d.name, d.size_bytes, d.created_at, false
  from api.validate_plan_change(p_account_id, p_plan) v
  join app.documents d on d.account_id = p_account_id
  where v.metric = 'storage_bytes'
  order by d.size_bytes desc, d.id
  limit p_limit;
end
$$;

comment on function api.list_downgrade_candidates(text, text, integer) is
  'What could go to make a plan fit: the most recent chatbots and the largest documents first.';
revoke all on function api.list_downgrade_candidates(text, text, integer) from public, anon, authenticated;
grant execute on function api.list_downgrade_candidates(text, text, integer) to service_role;
