-- claim_webhook_events takes deliveries that are due to be tried again, for a minute. A worker that dies leaves them to
-- the next one after that minute.
--
-- Args:    p_limit  1 to 100
-- Returns: the deliveries, those that were due the longest, in no particular order
-- Errors:  PY004 limit
-- Locks:   those rows until commit; skips what is locked
create or replace function api.claim_webhook_events(p_limit integer default 20)
returns table (processor text, id text, payload text, attempts integer)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  update app.webhook_events e
  set next_attempt_at = app.clock() + interval '60 seconds'
  from (
    select d.processor, d.id from app.webhook_events d
    where d.next_attempt_at <= app.clock() and d.status = 'failed'
    order by d.next_attempt_at
    limit p_limit
    for update skip locked
  ) due
  where e.processor = due.processor and e.id = due.id
  returning e.processor, e.id, e.payload, e.attempts;
end
$$;

comment on function api.claim_webhook_events(integer) is
  'Takes deliveries that are due to be tried again, for a minute; no other worker gets them meanwhile.';
revoke all on function api.claim_webhook_events(integer) from public, anon, authenticated;
grant execute on function api.claim_webhook_events(integer) to service_role;
