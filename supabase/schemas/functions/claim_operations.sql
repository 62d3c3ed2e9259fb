-- claim_operations takes changes that processors are to be asked for, or asked for again because the answer was lost, for a
-- minute. A worker that dies leaves them to the next one after that minute. What was to come with a period that has begun
-- meanwhile is not asked for any more: it would be for the period after it (queue_due_changes makes up for it).
--
-- Args:    p_limit  1 to 100
-- Returns: the operations; operation_id is the idempotency key, whoever asks and however often
-- Errors:  PY004 limit
-- Locks:   those rows until commit; skips what is locked
create or replace function api.claim_operations(p_limit integer default 20)
returns table (
  account_id text, operation_id uuid, processor text, subscription_id text, kind text, price_id text, reason text, attempts integer,
  first_sent_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  update app.processor_operations o
  set status = 'refused', next_attempt_at = null, settled_at = app.clock(), last_error = 'its time was over before it was known to be done'
  from (
    select d.account_id, d.id
    from app.processor_operations d
    join app.plan_changes c on c.account_id = d.account_id and c.id = d.plan_change_id
    where d.next_attempt_at <= app.clock() and c.effective_at <= app.clock()
      and d.kind in ('change_at_period_end', 'cancel_at_period_end', 'undo_change', 'resume')
    for update of d skip locked
  ) late
  where o.account_id = late.account_id and o.id = late.id;
  return query
  update app.processor_operations o
  set next_attempt_at = app.clock() + interval '1 minute', attempts = o.attempts + 1, first_sent_at = coalesce(o.first_sent_at, app.clock())
  from (
    select d.account_id, d.id from app.processor_operations d
    where d.next_attempt_at <= app.clock()
    order by d.next_attempt_at
    limit p_limit
    for update skip locked
  ) due
  where o.account_id = due.account_id and o.id = due.id
  returning o.account_id, o.id, o.processor, o.subscription_id, o.kind, o.price_id, o.reason, o.attempts, o.first_sent_at;
end
$$;

comment on function api.claim_operations(integer) is
  'Takes changes that processors are to be asked for, or asked for again, for a minute; no other worker gets them meanwhile.';
revoke all on function api.claim_operations(integer) from public, anon, authenticated;
grant execute on function api.claim_operations(integer) to service_role;
