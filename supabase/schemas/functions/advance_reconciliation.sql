-- advance_reconciliation notes how far a comparison has come, or how it ended.
--
-- Args:    p_cursor   where to go on
--          p_entries  how many entries were compared since the last call
--          p_status   running, done or failed (p_error says why; the next one goes on at p_cursor)
-- Returns: one row, the sums of the run
-- Errors:  PY004 status · PY404 no such run
-- Locks:   the run until commit
create or replace function api.advance_reconciliation(
  p_run_id uuid, p_cursor text, p_entries bigint, p_status text default 'running', p_error text default null
)
returns table (entries bigint, corrections bigint, drifts bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_status is null or p_status not in ('running', 'done', 'failed') then
    raise exception 'status must be running, done or failed' using errcode = 'PY004';
  end if;
  update app.reconciliation_runs r
  set cursor = p_cursor, entries = r.entries + p_entries, status = p_status, last_error = left(p_error, 500), updated_at = app.clock(),
      finished_at = case when p_status <> 'running' then app.clock() end
  where r.id = p_run_id;
  if not found then
    raise exception 'no such reconciliation' using errcode = 'PY404';
  end if;
  return query
  select r.entries, r.corrections, (select count(*) from app.reconciliation_drifts d where d.run_id = r.id)
  from app.reconciliation_runs r where r.id = p_run_id;
end
$$;

comment on function api.advance_reconciliation(uuid, text, bigint, text, text) is
  'Notes how far a comparison with a processor has come, or how it ended.';
revoke all on function api.advance_reconciliation(uuid, text, bigint, text, text) from public, anon, authenticated;
grant execute on function api.advance_reconciliation(uuid, text, bigint, text, text) to service_role;
