-- keep_chatbots lets the owner choose which chatbots stay in use where a plan does not hold all of them. The others are
-- read-only, and thaw by themselves when all fit again; nothing is deleted.
--
-- Args:    p_chatbot_ids  those to keep, in any order; none = by age again, the oldest first
-- Returns: one row: outcome kept, or too_many (quota = how many the plan holds; of the smaller one while a downgrade is scheduled)
--          or not_found (one of them is not the account's)
-- Errors:  PY004 account id
-- Locks:   the account until commit. Idempotent.
create or replace function api.keep_chatbots(p_account_id text, p_chatbot_ids uuid[])
returns table (outcome text, kept bigint, quota bigint)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.ensure_account(p_account_id);
  perform from app.accounts a where a.account_id = p_account_id for no key update;
  select e.quota into quota from app.entitlement(p_account_id, 'chatbots') e;
  select count(distinct i) into kept from unnest(p_chatbot_ids) i;
  if kept > quota then
    outcome := 'too_many';
  elsif exists (select from unnest(p_chatbot_ids) i where i is null
                or not exists (select from app.chatbots b where b.account_id = p_account_id and b.id = i)) then
    outcome := 'not_found';
  else
    outcome := 'kept';
    update app.chatbots b
    set kept_at = case when b.id = any (p_chatbot_ids) then app.clock() end
    where b.account_id = p_account_id and (b.kept_at is not null or b.id = any (p_chatbot_ids));
  end if;
  return next;
end
$$;

comment on function api.keep_chatbots(text, uuid[]) is
  'Lets the owner choose which chatbots stay in use where a plan does not hold all of them.';
revoke all on function api.keep_chatbots(text, uuid[]) from public, anon, authenticated;
grant execute on function api.keep_chatbots(text, uuid[]) to service_role;
