begin;
select plan(9);
do $$ begin perform app.ensure_account('user_1'); perform app.link_account('user_1', 'stripe', 'e', array['sub_1', 'sub_linked', 'cus_1']); end $$;
insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end, as_of, as_of_rank, as_of_event_id) values
  ('user_1', 'stripe', 'sub_1', 'active', 'growth', 'price_1', '2027-03-01 10:00+00', '2027-04-01 10:00+00', now(), 2, 'e'),
  ('user_1', 'stripe', 'sub_unlinked', 'active', 'growth', null, null, null, now(), 2, 'e');
create temp table facts as select app.subscription_facts('stripe', 'sub_1') as of;

select is((select of from facts), '{"status": "active", "plan": "growth", "price_id": "price_1", "period_start": "2027-03-01 10:00:00+00", "period_end": "2027-04-01 10:00:00+00",
  "cancels_at": null, "suspended_by": null, "account_plan": "free"}', 'what matters of a subscription, and the plan its account has');
update app.processor_subscriptions set cancels_at = '2027-04-01 10:00+00', suspended_by = 'dp_1' where subscription_id = 'sub_1';
select is(app.subscription_facts('stripe', 'sub_1') - 'x', (select of from facts) || '{"cancels_at": "2027-04-01 10:00:00+00", "suspended_by": "dp_1"}', '… its cancellation and suspension too');
update app.processor_subscriptions set as_of = now() + interval '1 day', as_of_event_id = 'other', customer_id = 'cus_2' where subscription_id = 'sub_1';
select is(app.subscription_facts('stripe', 'sub_1'), (select of from facts) || '{"cancels_at": "2027-04-01 10:00:00+00", "suspended_by": "dp_1"}', 'by whom and when it was told does not matter');
set local timezone = 'Asia/Kolkata';
select is(app.subscription_facts('stripe', 'sub_1') ->> 'period_start', '2027-03-01 10:00:00+00', 'times are told in UTC, wherever the session is');
set local timezone = 'UTC';
select is(app.subscription_facts('stripe', 'sub_linked'), null, 'of a subscription that is only linked nothing is known');
select is(app.subscription_facts('paddle', 'sub_1'), null, 'nor of one of another processor');
select is(app.subscription_facts('stripe', null), null, 'nor of none');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.subscription_facts('stripe', 'sub_1') $$, '42501', null, 'the server may not call it');
set local role operator;
select throws_ok($$ select app.subscription_facts('stripe', 'sub_1') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
