-- list_drifts lists what a reconciliation found to differ, event by event, a page at a time.
--
-- Args:    p_limit  1 to 100
--          p_after_event_id, p_after_field  the last row of the page before; null = the first page
-- Returns: one row per field; ours and theirs null = nothing; corrected false in a dry run, and where it failed
-- Errors:  PY004 limit
create or replace function api.list_drifts(
  p_run_id uuid, p_limit integer default 100, p_after_event_id text default null, p_after_field text default null
)
returns table (
  event_id text, field text, processor text, account_id text, subscription_id text, event_type text, ours text, theirs text,
  corrected boolean, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select d.event_id, d.field, d.processor, d.account_id, d.subscription_id, d.event_type, d.ours, d.theirs, d.corrected, d.created_at
  from app.reconciliation_drifts d
  where d.run_id = p_run_id and (p_after_event_id is null or (d.event_id, d.field) > (p_after_event_id, p_after_field))
  order by d.event_id, d.field
  limit p_limit;
end
$$;

comment on function api.list_drifts(uuid, integer, text, text) is 'What a reconciliation found to differ, a page at a time.';
revoke all on function api.list_drifts(uuid, integer, text, text) from public, anon, authenticated;
grant execute on function api.list_drifts(uuid, integer, text, text) to service_role;
