-- next_change_at tells when Parley next has something to do by itself that processors wait for. The sandbox clock stops
-- there, so that months can pass in seconds without passing by it.
--
-- Returns: one row; null = nothing is waiting. Never before the present
create or replace function api.next_change_at()
returns table (at timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select min(w.at) from (
    -- In the middle of the time in which a processor can be told.
    select greatest(c.effective_at - interval '3 hours', app.clock()) as at from app.plan_changes c
    where c.status = 'scheduled' and c.held and c.effective_at > app.clock() + interval '40 minutes'
      and not exists (select from app.processor_operations o
                      where o.account_id = c.account_id and o.plan_change_id = c.id and o.status = 'done')
    union all
    select c.effective_at + interval '7 hours' from app.plan_changes c where c.status = 'scheduled' and c.effective_at + interval '7 hours' > app.clock()
    union all
    select greatest(o.next_attempt_at, app.clock()) from app.processor_operations o where o.next_attempt_at is not null
    union all
    select greatest(e.next_attempt_at, app.clock()) from app.webhook_events e where e.next_attempt_at is not null
    union all
    select greatest(c.expires_at, app.clock()) from app.checkouts c where c.status in ('reserved', 'open')
  ) w;
end
$$;

comment on function api.next_change_at() is 'When Parley next has something to do by itself: the sandbox clock stops there.';
revoke all on function api.next_change_at() from public, anon, authenticated;
grant execute on function api.next_change_at() to service_role;
