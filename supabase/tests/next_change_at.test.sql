-- next_change_at: when Parley next has something to do by itself.
begin;
select plan(12);

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
create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::float8)
$$;

create function pg_temp.settle(p_account text, p_outcome text) returns void language sql as $$
  select api.settle_operation(p_account, o.id, p_outcome) from app.processor_operations o where o.account_id = p_account and o.next_attempt_at is not null
$$;
create function pg_temp.next() returns timestamptz language sql as $$ select at from api.next_change_at() $$;

select results_eq($$ select at from api.next_change_at() $$, $$ values (null::timestamptz) $$, 'where nothing waits there is one row, and no time in it');
do $$ begin perform pg_temp.subscribe('user_1', 'pri_growth_monthly'); end $$;
select is(pg_temp.next(), null, 'a subscription renews without Parley');

-- what Parley keeps
do $$ begin perform api.begin_plan_change('user_1', 'starter', 'month'); end $$;
select is(pg_temp.next(), '2027-04-01 07:00+00'::timestamptz, 'a change Parley keeps is told in the middle of the time in which it can be');
select pg_temp.travel_to('2027-04-01 08:00+00');
select is(pg_temp.next(), app.clock(), '… at once where that has passed: never before the present');
do $$ begin perform api.queue_due_changes(), pg_temp.settle('user_1', 'done'); end $$;
select is(pg_temp.next(), '2027-04-01 17:00+00'::timestamptz, 'what was told is looked after when it should have come');
select pg_temp.travel_to('2027-04-01 10:05+00');
do $$ begin perform pg_temp.subscribe('user_1', 'pri_starter_monthly', p_start => '2027-04-01 10:00+00', p_end => '2027-05-01 10:00+00'); end $$;
select is(pg_temp.next(), null, 'what came is done with');

-- operations, deliveries, purchases
do $$ begin perform api.begin_plan_change('user_1', 'enterprise', 'month'); end $$;
select is(pg_temp.next(), '2027-04-01 10:06+00'::timestamptz, 'an operation that nobody asked for is taken by a worker');
select pg_temp.travel_to('2027-04-01 11:00+00');
select is(pg_temp.next(), app.clock(), '… at once where that has passed');
do $$ begin perform pg_temp.settle('user_1', 'refused'); end $$;
select is(pg_temp.next(), null, '… and not when it is settled');
do $$ begin perform api.reserve_checkout('user_2', 'stripe', 'growth', 'month'); end $$;
select is(pg_temp.next(), '2027-04-01 11:40+00'::timestamptz, 'a purchase is given up at its time');
do $$ begin perform pg_temp.subscribe('user_3', 'price_unheard_of'); end $$;
select is(pg_temp.next(), (select next_attempt_at from app.webhook_events where status = 'failed'), 'a delivery is tried again, whichever comes first');
select pg_temp.travel_to('2027-04-01 12:00+00');
select is(pg_temp.next(), app.clock(), '… at once where that has passed');

select * from finish();
rollback;
