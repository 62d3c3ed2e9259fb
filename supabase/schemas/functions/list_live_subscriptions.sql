-- list_live_subscriptions lists what is believed to be subscribed to at a processor, a page at a time, to be compared with
-- what it says itself.
--
-- Args:    p_processor            stripe, paddle or razorpay
--          p_limit                1 to 100
--          p_after_subscription_id  the last one of the page before; null = the first page
-- Returns: subscriptions that have not ended, by id
-- Errors:  PY004 limit
create or replace function api.list_live_subscriptions(p_processor text, p_limit integer default 100, p_after_subscription_id text default null)
returns table (account_id text, subscription_id text, status text, as_of timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select s.account_id, s.subscription_id, s.status, s.as_of
  from app.processor_subscriptions s
  where s.processor = p_processor and s.status <> 'canceled'
    and (p_after_subscription_id is null or s.subscription_id > p_after_subscription_id)
  order by s.subscription_id
  limit p_limit;
end
$$;

comment on function api.list_live_subscriptions(text, integer, text) is
  'Lists what is believed to be subscribed to at a processor, to be compared with what it says itself.';
revoke all on function api.list_live_subscriptions(text, integer, text) from public, anon, authenticated;
grant execute on function api.list_live_subscriptions(text, integer, text) to service_role;
