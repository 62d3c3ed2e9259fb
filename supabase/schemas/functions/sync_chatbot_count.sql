-- sync_chatbot_count finds accounts whose gauge chatbots is not the number of their chatbots, and corrects the gauge by a
-- ledger entry. Triggers keep the two equal; this is for after a restore, or an owner's hand.
--
-- Args:    p_account_id  one account; null = all
--          p_dry_run     only tell, change nothing
-- Returns: one row per account that differed: counted (the gauge) and actual (the rows)
-- Errors:  none
-- Locks:   the gauge of each differing account until commit, taken before its rows are counted: an insert or delete in
--          flight holds that lock, so its row is counted or it comes later. Idempotent.
create or replace function api.sync_chatbot_count(p_account_id text default null, p_dry_run boolean default false)
returns table (account_id text, counted bigint, actual bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_account record;
begin
  for v_account in
    select a.account_id
    from app.accounts a
    left join app.counters c on c.account_id = a.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
    where (p_account_id is null or a.account_id = p_account_id)
      and coalesce(c.used, 0) <> (select count(*) from app.chatbots b where b.account_id = a.account_id)
    order by a.account_id
  loop
    if not p_dry_run then
      perform app.open_windows(array[v_account.account_id], array['chatbots'], false);
      insert into app.counters (account_id, metric, window_start, used)
      values (v_account.account_id, 'chatbots', '-infinity', 0)
      on conflict do nothing;
      perform from app.counters c
      where c.account_id = v_account.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
      for update;
    end if;

    select v_account.account_id,
           coalesce((select c.used from app.counters c
                     where c.account_id = v_account.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'), 0),
           (select count(*) from app.chatbots b where b.account_id = v_account.account_id)
    into account_id, counted, actual;
    continue when counted = actual;

    if not p_dry_run then
      update app.counters c set used = sync_chatbot_count.actual
      where c.account_id = v_account.account_id and c.metric = 'chatbots' and c.window_start = '-infinity';
      -- The entry brings the ledger, not the counter it may have drifted from, to what is really there.
      insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason, operation)
      select v_account.account_id, 'chatbots', sync_chatbot_count.actual - l.summed, app.clock(), '-infinity', 'correction',
             'sync_chatbot_count'
      from (
        select coalesce(sum(e.amount), 0)::bigint as summed from app.usage_events e
        where e.account_id = v_account.account_id and e.metric = 'chatbots'
      ) l
      where l.summed <> sync_chatbot_count.actual;
    end if;
    return next;
  end loop;
end
$$;

comment on function api.sync_chatbot_count(text, boolean) is
  'Finds accounts whose gauge chatbots is not the number of their chatbots and, unless it is a dry run, corrects it by a ledger entry.';
revoke all on function api.sync_chatbot_count(text, boolean) from public, anon, authenticated;
grant execute on function api.sync_chatbot_count(text, boolean) to service_role;
grant execute on function api.sync_chatbot_count(text, boolean) to operator;
