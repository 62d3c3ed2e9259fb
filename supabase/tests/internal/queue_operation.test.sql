-- queue_operation: what a processor is to be asked is written down, one thing at a time per subscription.
begin;
select plan(14);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
create temp sequence event;
-- What a processor says now of a subscription, for March unless something else is said; the price tells which processor.
create function pg_temp.subscribe(
  p_account text, p_price text default 'price_growth_monthly', p_status text default 'active',
  p_start timestamptz default '2027-03-01 10:00+00', p_end timestamptz default '2027-04-01 10:00+00',
  p_cancels_at timestamptz default null, p_subscription text default null
) returns text language sql as $$
  select r.outcome from api.record_billing_event(
    p_account, case split_part(p_price, '_', 1) when 'pri' then 'paddle' when 'plan' then 'razorpay' else 'stripe' end,
    'evt_' || lpad(nextval('pg_temp.event')::text, 6, '0'), 'test.state', 'state', app.clock(), 2, 'cus_' || p_account,
    coalesce(p_subscription, 'sub_' || p_account), p_status, null, array[p_price], array[p_start], array[p_end], p_cancels_at, null, null, '{}') r
$$;
create function pg_temp.close(p_account text) returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, 'clerk', 'clerk_' || p_account, 'user.deleted', 'closed', app.clock(), 3, null, null, null, null,
    null, null, null, null, null, null, '{}') r
$$;

do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a; end $$;
create temp table op as select app.queue_operation('user_1', 'stripe', 'sub_1', 'change_now', 'price_1', null, 'owner', interval '1 minute') as id;
select results_eq($$ select o.* from app.processor_operations o $$,
  $$ select 'user_1', id, 'stripe', 'sub_1', 'change_now', 'price_1', 'owner', null::uuid, 'pending', 0, app.clock() + interval '1 minute', null::text, app.clock(), null::timestamptz, null::timestamptz from op $$,
  'it waits for whoever asks, for as long as they need');
select is(app.queue_operation('user_1', 'stripe', 'sub_1', 'cancel_now', null, null, 'duplicate', interval '0'), null, 'a second one of the same subscription is not written down');
select is((select count(*) from app.processor_operations), 1::bigint, '… and the first stays');
select isnt(app.queue_operation(a, p, s, 'cancel_now', null, null, 'owner', interval '0'), null, format('another subscription is another matter (%s %s %s)', a, p, s))
from (values ('user_1', 'stripe', 'sub_2'), ('user_1', 'paddle', 'sub_1'), ('user_2', 'stripe', 'sub_1')) v (a, p, s);
do $$ begin perform api.settle_operation('user_1', id, 'unknown') from op; end $$;
select is(app.queue_operation('user_1', 'stripe', 'sub_1', 'pause', null, null, 'owner', interval '0'), null, 'nor while the answer to the first is not known');
do $$ begin perform api.settle_operation('user_1', id, 'done') from op; end $$;
select isnt(app.queue_operation('user_1', 'stripe', 'sub_1', 'pause', null, null, 'owner', interval '0'), null, '… but once it is');
select throws_ok($$ select app.queue_operation('user_1', 'stripe', 'sub_x', 'change_now', null, null, 'owner', interval '0') $$, '23514', null, 'a change has a price');
select throws_ok($$ select app.queue_operation('user_1', 'stripe', 'sub_x', 'pause', 'price_1', null, 'owner', interval '0') $$, '23514', null, '… and nothing else has');

-- what apply_subscriptions has asked: nobody pays twice, and nobody who is gone
do $$ begin perform pg_temp.subscribe('user_two', 'price_growth_monthly', p_subscription => 'sub_keep'), pg_temp.subscribe('user_two', 'pri_starter_monthly', p_subscription => 'sub_second'); end $$;
select results_eq($$ select processor, subscription_id, kind, reason, next_attempt_at from app.processor_operations where account_id = 'user_two' $$,
  $$ values ('paddle', 'sub_second', 'cancel_now', 'duplicate', app.clock() + interval '15 minutes') $$, 'a second subscription is ended after a quarter of an hour');
do $$ begin perform pg_temp.subscribe('user_two', 'price_growth_monthly', 'canceled', p_subscription => 'sub_keep'); end $$;
select results_eq($$ select status, last_error from app.processor_operations where account_id = 'user_two' $$, $$ values ('refused', 'it is no longer needed') $$,
  '… not if the first has ended meanwhile');
do $$ begin perform pg_temp.subscribe('user_gone'); perform pg_temp.close('user_gone'); end $$;
select results_eq($$ select kind, reason, next_attempt_at from app.processor_operations where account_id = 'user_gone' $$, $$ values ('cancel_now', 'account_closed', app.clock()) $$,
  'what a closed account pays for is ended at once');
do $$ begin
  perform pg_temp.subscribe('user_gone2');
  perform api.record_billing_event('user_gone2', 'stripe', 'evt_paid', 't', 'payment', app.clock(), 1, null, 'sub_user_gone2', null, 'paid',
    array['price_growth_monthly'], array['2027-03-01 10:00+00'::timestamptz], array['2027-04-01 10:00+00'::timestamptz], null, 7900, 'USD', '{}', p_payment_id => 'in_1');
  perform api.record_billing_event('user_gone2', 'stripe', 'evt_dispute', 't', 'dispute', app.clock(), 2, null, null, null, null, null, null, null, null, 7900, 'USD', '{}',
    p_payment_id => 'in_1', p_reversal_id => 'dp_1', p_reversal_status => 'reversed');
  perform pg_temp.close('user_gone2');
end $$;
select results_eq($$ select kind, reason from app.processor_operations where account_id = 'user_gone2' $$, $$ values ('cancel_now', 'account_closed') $$,
  '… also where a dispute suspends it: it would be billed again');

select * from finish();
rollback;
