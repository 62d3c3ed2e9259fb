-- subscription_to_show picks the one subscription of an account worth showing: the one in force, else the last heard of.
--
-- Args:    p_account_id  the account
-- Returns: its row, or none
create or replace function app.subscription_to_show(p_account_id text)
returns setof app.processor_subscriptions
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select s.* from app.processor_subscriptions s
  where s.account_id = p_account_id
  order by s.in_force desc, s.as_of desc, s.processor, s.subscription_id
  limit 1;
end
$$;

comment on function app.subscription_to_show(text) is
  'The one subscription of an account worth showing: the one in force, else the one last heard of.';
revoke all on function app.subscription_to_show(text) from public, anon, authenticated, service_role;
grant execute on function app.subscription_to_show(text) to operator;
