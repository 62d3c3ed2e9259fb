-- account_of_event tells whose event it is: the account its subscription is tied to, else the one its payment is tied to,
-- else the one it names itself, else the one its customer is tied to. A subscription never moves to another account.
--
-- Returns: text account id; null = not known yet
create or replace function app.account_of_event(p_account_id text, p_processor text, p_subscription_id text, p_customer_id text, p_payment_ids text[] default null)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_subscription_id),
    (select min(l.account_id) from app.processor_links l where l.processor = p_processor and l.object_id = any (p_payment_ids)),
    nullif(p_account_id, ''),
    (select l.account_id from app.processor_links l where l.processor = p_processor and l.object_id = p_customer_id));
end
$$;

comment on function app.account_of_event(text, text, text, text, text[]) is
  'Whose event it is: the account its subscription or payment is tied to, else the one it names, else the one its customer is tied to.';
revoke all on function app.account_of_event(text, text, text, text, text[]) from public, anon, authenticated, service_role;
