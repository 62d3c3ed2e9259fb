-- begin_reconciliation begins to compare what a processor says happened with what is known, or goes on with a comparison
-- that was broken off.
--
-- Args:    p_since    how far to look back; null = since the last finished run (with an hour to spare), else three days
--          p_dry_run  find, do not correct
-- Returns: one row; cursor = where to go on (null = at the beginning); resumed = it was broken off
-- Errors:  PY004 processor
-- Locks:   none beyond its row
create or replace function api.begin_reconciliation(p_processor text, p_since timestamptz default null, p_dry_run boolean default false)
returns table (run_id uuid, since timestamptz, cursor text, entries bigint, resumed boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_since timestamptz;
begin
  if p_processor is null or p_processor not in ('stripe', 'paddle', 'razorpay') then
    raise exception 'processor must be stripe, paddle or razorpay' using errcode = 'PY004';
  end if;
  -- One that stood still for a minute has nobody behind it any more.
  update app.reconciliation_runs r set updated_at = app.clock(), status = 'running', finished_at = null, last_error = null
  where r.id = (
    select b.id from app.reconciliation_runs b
    where b.processor = p_processor and b.dry_run = p_dry_run
      and (b.status = 'failed' or b.status = 'running' and b.updated_at < app.clock() - interval '1 minute')
      and (p_since is null or b.since = p_since)
      -- Not one that a later run has made up for.
      and not exists (select from app.reconciliation_runs l
                      where l.processor = b.processor and l.status = 'done' and l.dry_run = b.dry_run and l.started_at > b.started_at
                        and (l.since <= b.since or l.continues and b.continues))
      and b.started_at > app.clock() - interval '1 day'
    order by b.started_at desc limit 1
    for update skip locked)
  returning r.id, r.since, r.cursor, r.entries, true into run_id, since, cursor, entries, resumed;
  if found then
    return next;
    return;
  end if;

  select max(r.started_at) - interval '1 hour' into v_since
  from app.reconciliation_runs r where r.processor = p_processor and r.status = 'done' and not r.dry_run and r.continues;
  return query
  insert into app.reconciliation_runs as r (processor, since, dry_run, started_at, updated_at, continues)
  values (p_processor, coalesce(p_since, v_since, app.clock() - interval '3 days'), p_dry_run, app.clock(), app.clock(), p_since is null)
  returning r.id, r.since, r.cursor, r.entries, false;
end
$$;

comment on function api.begin_reconciliation(text, timestamptz, boolean) is
  'Begins to compare what a processor says happened with what is known, or goes on with a comparison that was broken off.';
revoke all on function api.begin_reconciliation(text, timestamptz, boolean) from public, anon, authenticated;
grant execute on function api.begin_reconciliation(text, timestamptz, boolean) to service_role;
