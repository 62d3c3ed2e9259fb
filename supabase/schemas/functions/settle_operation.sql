-- settle_operation notes what became of asking a processor for a change.
--
-- Args:    p_outcome  done     the processor did it; what it looks like now was recorded before as an event
--                     refused  the processor said no, and nothing has changed
--                     unknown  no answer, or one that tells nothing: it will be repeated with the same key
--          p_error    why it was refused or is not known
-- Returns: one row, the status after it; one that is settled stays as it is
-- Errors:  PY004 outcome · PY404 no such operation of this account
-- Locks:   the account until commit. Idempotent.
create or replace function api.settle_operation(p_account_id text, p_operation_id uuid, p_outcome text, p_error text default null)
returns table (status text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_operation app.processor_operations;
begin
  if p_outcome is null or p_outcome not in ('done', 'refused', 'unknown') then
    raise exception 'outcome must be done, refused or unknown' using errcode = 'PY004';
  end if;
  perform from app.accounts a where a.account_id = p_account_id for no key update;
  select o.* into v_operation
  from app.processor_operations o
  where o.account_id = p_account_id and o.id = p_operation_id
  for update;
  if not found then
    raise exception 'no such operation' using errcode = 'PY404';
  end if;
  if v_operation.next_attempt_at is null then
    return query select v_operation.status;
    return;
  end if;

  update app.processor_operations o
  set status = p_outcome,
      attempts = greatest(o.attempts, 1),
      first_sent_at = coalesce(o.first_sent_at, app.clock()),
      last_error = left(p_error, 500),
      settled_at = case when p_outcome <> 'unknown' then app.clock() end,
      -- At most an hour apart: a change somebody waits for must not sleep for days.
      next_attempt_at = case when p_outcome = 'unknown'
                             then app.clock() + make_interval(secs => least(3600, exp(least(9, o.attempts + 1)) * (1 + random() * 0.1))) end
  where o.account_id = p_account_id and o.id = p_operation_id;

  if p_outcome <> 'unknown' then
    update app.plan_changes c
    set status = r.status, settled_at = app.clock(), last_error = left(p_error, 500)
    from (
      select s.id, case
        -- The owner cancelled instead.
        when v_operation.kind like 'cancel%' and s.direction <> 'cancel' then case p_outcome when 'done' then 'superseded' end
        -- Taken back: undone by its success.
        when v_operation.kind in ('undo_change', 'resume') or v_operation.price_id = s.from_price_id then case p_outcome when 'done' then 'undone' end
        -- Asked for: given up by its refusal.
        else case p_outcome when 'refused' then 'failed' end
      end as status
      from app.plan_changes s
      where s.account_id = p_account_id and s.id = v_operation.plan_change_id and s.status = 'scheduled'
    ) r
    where c.account_id = p_account_id and c.id = r.id and r.status is not null;
    -- Also where no change hangs on it: something else may have waited for its end.
    perform app.apply_subscriptions(p_account_id);
  end if;
  return query select o.status from app.processor_operations o where o.account_id = p_account_id and o.id = p_operation_id;
end
$$;

comment on function api.settle_operation(text, uuid, text, text) is 'Notes what became of asking a processor for a change.';
revoke all on function api.settle_operation(text, uuid, text, text) from public, anon, authenticated;
grant execute on function api.settle_operation(text, uuid, text, text) to service_role;
