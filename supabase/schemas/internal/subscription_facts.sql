-- subscription_facts gives what matters of a subscription's state, to compare before with after.
--
-- Returns: jsonb, one text per fact (times in UTC); null = it is not known
create or replace function app.subscription_facts(p_processor text, p_subscription_id text)
returns jsonb
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
begin
  return (
    select jsonb_build_object(
      'status', s.status, 'plan', s.plan, 'price_id', s.price_id, 'period_start', s.period_start::text, 'period_end', s.period_end::text,
      'cancels_at', s.cancels_at::text, 'suspended_by', s.suspended_by, 'account_plan', a.plan)
    from app.processor_links l
    join app.processor_subscriptions s
      on s.account_id = l.account_id and s.processor = l.processor and s.subscription_id = l.object_id
    join app.accounts a on a.account_id = s.account_id
    where l.processor = p_processor and l.object_id = p_subscription_id);
end
$$;

comment on function app.subscription_facts(text, text) is 'What matters of a subscription''s state, to compare before with after.';
revoke all on function app.subscription_facts(text, text) from public, anon, authenticated, service_role;
