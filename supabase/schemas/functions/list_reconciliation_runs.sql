-- list_reconciliation_runs lists the times processors were asked for what had happened, the latest first, a page at a time.
--
-- Args:    p_run_id               only this one; null = all
--          p_limit                1 to 100
--          p_before_started_at,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: entries = what the processor told; drifts = fields that differed; corrections = events that were made good
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_reconciliation_runs(
  p_run_id uuid default null, p_limit integer default 50, p_before_started_at timestamptz default null,
  p_before_id uuid default null
)
returns table (
  run_id uuid, processor text, since timestamptz, dry_run boolean, status text, entries bigint, drifts bigint, corrections bigint,
  last_error text, started_at timestamptz, finished_at timestamptz
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
  with page as (
    select r.* from app.reconciliation_runs r
    where (p_run_id is null or r.id = p_run_id)
      and (p_before_started_at is null or (r.started_at, r.id) < (p_before_started_at, p_before_id))
    order by r.started_at desc, r.id desc
    limit p_limit
  )
  select p.id, p.processor, p.since, p.dry_run, p.status, p.entries, d.number, p.corrections, p.last_error, p.started_at,
         p.finished_at
  from page p
  cross join lateral (select count(*) from app.reconciliation_drifts x where x.run_id = p.id) d (number)
  order by p.started_at desc, p.id desc;
end
$$;

comment on function api.list_reconciliation_runs(uuid, integer, timestamptz, uuid) is
  'The times processors were asked for what had happened, with how much differed, the latest first.';
revoke all on function api.list_reconciliation_runs(uuid, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_reconciliation_runs(uuid, integer, timestamptz, uuid) to service_role;
