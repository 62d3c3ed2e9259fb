-- end_customer ends whatever a deleted customer had subscribed to, for every account that customer paid for.
--
-- Locks:   those accounts until commit, in order
create or replace function app.end_customer(p_processor text, p_customer_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account_id text;
begin
  for v_account_id in
    select distinct e.account_id from app.subscription_events e
    where e.processor = p_processor and e.customer_id = p_customer_id
    order by 1
  loop
    perform from app.accounts a where a.account_id = v_account_id for no key update;
    perform app.fold_subscription(s.account_id, s.processor, s.subscription_id)
    from app.processor_subscriptions s
    where s.account_id = v_account_id and s.processor = p_processor;
    perform app.apply_subscriptions(v_account_id);
  end loop;
end
$$;

comment on function app.end_customer(text, text) is 'Ends whatever a deleted customer had subscribed to, for every account that customer paid for.';
revoke all on function app.end_customer(text, text) from public, anon, authenticated, service_role;
