-- link_account ties processor ids to an account. First come, never changed. Deliveries that failed for want of the link
-- become due in the same transaction, dead ones too.
--
-- Args:    p_event_id    the event that says so
--          p_object_ids  customer, subscription and payment ids; nulls are passed over
--          p_stands_for  the payment they are other names of; null = they are no other names
-- Returns: true when any link was new
-- Locks:   the new links, and the deliveries woken, until commit. Idempotent.
create or replace function app.link_account(p_account_id text, p_processor text, p_event_id text, p_object_ids text[], p_stands_for text default null)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_new text[];
begin
  with linked as (
    insert into app.processor_links (processor, object_id, account_id, event_id, stands_for, created_at)
    select distinct p_processor, o, p_account_id, p_event_id, p_stands_for, app.clock()
    from unnest(p_object_ids) o
    where o is not null
    order by 2
    on conflict (processor, object_id) do nothing
    returning object_id
  )
  select array_agg(l.object_id) into v_new from linked l;
  if v_new is null then
    return false;
  end if;
  update app.webhook_events e
  set status = 'failed', attempts = 0, next_attempt_at = app.clock()
  where e.status in ('failed', 'dead') and e.last_error like 'PY413%' and e.processor = p_processor and e.id <> p_event_id
    and (e.subscription_id = any (v_new) or e.customer_id = any (v_new) or e.object_ids && v_new);
  return true;
end
$$;

comment on function app.link_account(text, text, text, text[], text) is
  'Ties processor ids to an account, first come; wakes the deliveries that failed for want of it. True when any was new.';
revoke all on function app.link_account(text, text, text, text[], text) from public, anon, authenticated, service_role;
