-- end_customer: whatever a deleted customer had subscribed to ends, for every account that customer paid for.
begin;
select plan(5);
update app.environment set kind = 'sandbox';
do $$ begin
  perform api.upsert_price('stripe', 'price_growth_monthly', 'growth', 'month');
  perform api.record_billing_event(v.account, 'stripe', 'evt_' || v.subscription, 'customer.subscription.created', 'state', app.clock() - interval '1 hour', 0, v.customer,
    v.subscription, 'active', null, array['price_growth_monthly'], array[app.clock() - interval '1 hour'], array[app.clock() + interval '1 month'], null, null, null, '{}')
  from (values ('user_1', 'sub_1', 'cus_1'), ('user_2', 'sub_2', 'cus_1'), ('user_3', 'sub_3', 'cus_3')) v (account, subscription, customer);
  insert into app.tombstones (processor, object_id, occurred_at, event_id) values ('stripe', 'cus_1', app.clock(), 'evt_gone');
  perform app.end_customer('stripe', 'cus_1');
end $$;
select results_eq($$ select subscription_id, status from app.processor_subscriptions order by 1 $$,
  $$ values ('sub_1', 'canceled'), ('sub_2', 'canceled'), ('sub_3', 'active') $$, 'what the customer paid for has ended, for both accounts, and nothing else');
select results_eq($$ select account_id, plan from app.accounts order by 1 $$, $$ values ('user_1', 'free'), ('user_2', 'free'), ('user_3', 'growth') $$, '… and so have their plans');
do $$ begin perform app.end_customer('stripe', 'cus_1'); end $$;
select is((select count(*) from app.processor_subscriptions where status = 'canceled'), 2::bigint, 'told again nothing changes');
select lives_ok($$ select app.end_customer('stripe', 'cus_nobody') $$, 'a customer nobody knows has nothing to end');
select is((select count(*) from app.processor_subscriptions where status = 'active'), 1::bigint, '… and ends nothing');
select * from finish();
rollback;
