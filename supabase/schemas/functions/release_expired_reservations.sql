-- release_expired_reservations gives back what open reservations past their expiry hold, and fails the answers they were
-- for. Several sweepers may run at once: each takes reservations no other has.
--
-- Args:    p_limit  at most this many in one call, 1 to 1,000
-- Returns: one row per reservation released; released is what had been reserved
-- Errors:  PY004 limit
-- Locks:   chatbot (shared), message, reservation and counter of each, until commit; skips what is locked. Idempotent.
create or replace function api.release_expired_reservations(p_limit integer default 100)
returns table (account_id text, request_id text, metric text, released bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_expired record;
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'limit must be from 1 to 1000' using errcode = 'PY004';
  end if;
  for v_expired in
    -- The longest expired, but released in the order in which everybody locks counters.
    select page.*
    from (
      select r.account_id, r.request_id, r.metric, r.window_start, r.reserved, r.message_id, r.chatbot_id
      from app.usage_reservations r
      where r.status = 'open' and r.expires_at <= app.clock()
      order by r.expires_at
      limit p_limit
    ) page
    order by page.account_id, page.metric, page.window_start, page.request_id
  loop
    -- The chatbot first, as finish_answer does it; one that is being deleted is for the next sweep.
    perform from app.chatbots b
    where b.account_id = v_expired.account_id and b.id = v_expired.chatbot_id
    for key share skip locked;
    if not found and exists (select from app.chatbots b
                             where b.account_id = v_expired.account_id and b.id = v_expired.chatbot_id) then
      continue;
    end if;
    -- Then the message: whoever holds it is settling at this moment.
    if v_expired.message_id is not null then
      perform from app.messages m
      where m.account_id = v_expired.account_id and m.id = v_expired.message_id
      for update skip locked;
      if not found and exists (select from app.messages m
                               where m.account_id = v_expired.account_id and m.id = v_expired.message_id) then
        continue;
      end if;
    end if;
    perform from app.usage_reservations r
    where r.account_id = v_expired.account_id and r.request_id = v_expired.request_id and r.status = 'open'
    for update skip locked;
    continue when not found;

    perform api.settle_usage(v_expired.account_id, v_expired.request_id, 0);
    update app.messages m
    set status = 'failed', error = 'the answer was interrupted', finished_at = app.clock()
    where m.account_id = v_expired.account_id and m.id = v_expired.message_id and m.status = 'streaming';

    account_id := v_expired.account_id;
    request_id := v_expired.request_id;
    metric := v_expired.metric;
    released := v_expired.reserved;
    return next;
  end loop;
end
$$;

comment on function api.release_expired_reservations(integer) is
  'Gives back what open reservations past their expiry hold, and fails the answers they were for: what a crash left.';
revoke all on function api.release_expired_reservations(integer) from public, anon, authenticated;
grant execute on function api.release_expired_reservations(integer) to service_role;
