-- list_operator_actions lists what operators did with deliveries, the latest first, a page at a time.
--
-- Args:    p_processor, p_event_id  only of this delivery; null = of all
--          p_limit                  1 to 100
--          p_before_created_at,
--          p_before_id              the last row of the page before; null = the first page
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_operator_actions(
  p_processor text default null, p_event_id text default null, p_limit integer default 50,
  p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  action_id uuid, operator_id text, action text, processor text, event_id text, reason text, status_before text,
  status_after text, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select a.id, a.operator_id, a.action, a.processor, a.event_id, a.reason, a.status_before, a.status_after, a.created_at
  from app.operator_actions a
  where (p_processor is null or a.processor = p_processor)
    and (p_event_id is null or a.event_id = p_event_id)
    and (p_before_created_at is null or (a.created_at, a.id) < (p_before_created_at, p_before_id))
  order by a.created_at desc, a.id desc
  limit p_limit;
end
$$;

comment on function api.list_operator_actions(text, text, integer, timestamptz, uuid) is
  'What operators did with deliveries, the latest first, a page at a time.';
revoke all on function api.list_operator_actions(text, text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_operator_actions(text, text, integer, timestamptz, uuid) to service_role;
