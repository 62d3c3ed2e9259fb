-- read_only_chatbots finds the chatbots beyond what the plan in force holds: those the owner chose to keep come first, then
-- the oldest; what is left over is read-only. Nothing is stored, so they thaw by themselves when they fit again.
--
-- Returns: their ids
create or replace function app.read_only_chatbots(p_account_id text)
returns setof uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_quota bigint;
  v_used bigint;
begin
  -- The plan itself, not the smaller one a downgrade is scheduled for: until it comes all may be used.
  select app.quota_of(e.plan, 'chatbots') into v_quota from app.entitlement(p_account_id, 'chatbots') e;
  select c.used into v_used from app.counters c
  where c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity';
  if v_quota is null or v_used is null or v_used <= v_quota then
    return;
  end if;
  return query
  select b.id from app.chatbots b
  where b.account_id = p_account_id
  order by b.kept_at is null, b.created_at, b.id
  offset v_quota;
end
$$;

comment on function app.read_only_chatbots(text) is
  'The chatbots beyond what the plan in force holds: after those the owner keeps, the most recently created.';
revoke all on function app.read_only_chatbots(text) from public, anon, authenticated, service_role;
