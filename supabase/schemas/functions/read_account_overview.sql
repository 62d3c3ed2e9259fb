-- read_account_overview tells how an account stands, for operators. Unlike read_account it does not make the account.
--
-- Returns: one row, no row for an account nobody used yet. plan is in force; status 'none' without a subscription;
--          messages_quota null = unlimited, 0 once it is closed
-- Locks:   none
create or replace function api.read_account_overview(p_account_id text)
returns table (
  account_id text, plan text, status text, processor text, subscription_id text, chatbots bigint, messages_used bigint,
  messages_quota bigint, created_at timestamptz, closed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select a.account_id, e.plan, coalesce(s.status, 'none'), s.processor, s.subscription_id, coalesce(b.used, 0), coalesce(m.used, 0),
         e.quota, a.created_at, a.closed_at
  from app.accounts a
  cross join lateral app.entitlement(a.account_id, 'messages') e
  left join app.counters m on m.account_id = a.account_id and m.metric = 'messages' and m.window_start = e.window_start
  left join app.counters b on b.account_id = a.account_id and b.metric = 'chatbots' and b.window_start = '-infinity'
  left join lateral app.subscription_to_show(a.account_id) s on true
  where a.account_id = p_account_id;
end
$$;

comment on function api.read_account_overview(text) is 'How an account stands, for operators; makes none.';
revoke all on function api.read_account_overview(text) from public, anon, authenticated;
grant execute on function api.read_account_overview(text) to service_role;
