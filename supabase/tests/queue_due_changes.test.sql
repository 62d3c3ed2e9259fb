-- queue_due_changes: processors are told in time of what Parley kept, and after it where that was missed.
begin;
select plan(20);

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

create function pg_temp.queued(p_limit integer default 20) returns text[] language sql as $$
  select coalesce(array_agg(q.account_id || ' ' || q.kind order by q.account_id), '{}') from api.queue_due_changes(p_limit) q
$$;
create function pg_temp.settle(p_account text, p_outcome text) returns void language sql as $$
  select api.settle_operation(p_account, o.id, p_outcome) from app.processor_operations o where o.account_id = p_account and o.next_attempt_at is not null
$$;

-- before the end
do $$ begin
  perform pg_temp.subscribe('user_p', 'pri_growth_monthly'), api.begin_plan_change('user_p', 'starter', 'month');
  perform pg_temp.subscribe('user_r', 'plan_growth_monthly'), api.begin_subscription_change('user_r', 'cancel_at_period_end');
  perform pg_temp.subscribe('user_s'), api.begin_plan_change('user_s', 'starter', 'month'), pg_temp.settle('user_s', 'done');
  perform pg_temp.subscribe('user_undone', 'pri_growth_monthly'), api.begin_plan_change('user_undone', 'starter', 'month'), api.begin_plan_change_undo('user_undone');
end $$;
select pg_temp.travel_to('2027-04-01 03:59:59.999999+00');
select is(pg_temp.queued(), '{}', 'nothing is told more than six hours before the period ends');
select pg_temp.travel_to('2027-04-01 04:00+00');
create temp table told as select * from api.queue_due_changes();
select set_eq($$ select account_id, kind from told $$, $$ values ('user_p', 'change_at_period_end'), ('user_r', 'cancel_at_period_end') $$,
  'then Paddle is told of a price and Razorpay of a cancellation; Stripe knows, and what was undone nobody hears of');
select results_eq($$ select o.id, o.account_id, o.kind, o.price_id, o.reason, o.status, o.next_attempt_at, o.plan_change_id from app.processor_operations o
                     where o.account_id in ('user_p', 'user_r') order by o.account_id $$,
  $$ select t.operation_id, t.account_id, t.kind, case t.account_id when 'user_p' then 'pri_starter_monthly' end, 'scheduled', 'pending', app.clock(), c.id
     from told t join app.plan_changes c on c.account_id = t.account_id order by t.account_id $$, '… by operations that are due at once');
select is(pg_temp.queued(), '{}', '… and that are not written down twice');
do $$ begin perform pg_temp.settle(a, 'done') from unnest(array['user_p', 'user_r']) a; end $$;
select is(pg_temp.queued(), '{}', 'what a processor was told it is not told again');
do $$ begin perform pg_temp.subscribe('user_p', 'pri_starter_monthly'); end $$;
select is((select plan from app.accounts where account_id = 'user_p'), 'growth', 'the plan that was paid for stays until the period ends');

-- not in the last forty minutes
do $$ begin perform pg_temp.subscribe(a, 'pri_growth_monthly'), api.begin_plan_change(a, 'starter', 'month') from unnest(array['user_missed', 'user_missed2', 'user_in_time']) a; end $$;
do $$ begin perform pg_temp.subscribe('user_missed_r', 'plan_growth_monthly'), api.begin_subscription_change('user_missed_r', 'cancel_at_period_end'); end $$;
update app.plan_changes set effective_at = '2027-04-01 10:00:00.000001+00' where account_id = 'user_in_time';
select pg_temp.travel_to('2027-04-01 09:20+00');
select is(pg_temp.queued(), array['user_in_time change_at_period_end'], 'nothing is told in the last forty minutes: a processor that is about to renew refuses');

-- after it
select pg_temp.travel_to('2027-04-01 10:30+00');
select is(pg_temp.queued(), '{}', 'after it nothing is told before the renewal was heard of');
do $$ begin
  perform pg_temp.subscribe(a, p, p_start => '2027-04-01 10:00+00', p_end => '2027-05-01 10:00+00')
  from (values ('user_missed', 'pri_growth_monthly'), ('user_missed_r', 'plan_growth_monthly'), ('user_s', 'price_growth_monthly'), ('user_p', 'pri_starter_monthly')) v (a, p);
end $$;
select is((select status from app.plan_changes where account_id = 'user_p'), 'applied', 'a change that came is applied');
select is(pg_temp.queued(), array['user_missed change_now', 'user_missed_r missed'], 'where the moment was missed and the old price renewed, it is made now');
select pg_temp.travel_to('2027-04-01 15:59+00');
select is(pg_temp.queued(), '{}', 'a processor that was told is given six hours');
select pg_temp.travel_to('2027-04-01 16:00+00');
select is(pg_temp.queued(), array['user_s change_now'], '… then it is told again, to do it now');
do $$ begin perform pg_temp.settle('user_s', 'refused'); end $$;
select is((select status from app.plan_changes where account_id = 'user_s'), 'failed', 'what it refuses then has failed');
select is(pg_temp.queued(), '{}', '… and is not asked for again');

-- who does not run
do $$ begin
  perform pg_temp.subscribe('user_q1', 'pri_growth_monthly', p_end => '2027-04-01 20:00+00'), api.begin_plan_change('user_q1', 'starter', 'month');
  perform pg_temp.subscribe('user_q1', 'pri_growth_monthly', 'paused', p_end => '2027-04-01 20:00+00');
end $$;
select is(pg_temp.queued(), '{}', 'of one that is paused nothing renews, so nothing is told');
do $$ begin
  perform pg_temp.subscribe('user_q2', 'plan_growth_monthly', p_end => '2027-04-01 20:00+00'), api.begin_subscription_change('user_q2', 'cancel_at_period_end');
  perform pg_temp.subscribe('user_q2', 'plan_growth_monthly', 'past_due', p_end => '2027-04-01 20:00+00');
end $$;
select is(pg_temp.queued(), array['user_q2 cancel_at_period_end'], 'who cancelled and is past due is not billed for another period');

-- one that cannot be told now does not hold up the others
do $$ begin perform pg_temp.subscribe('user_z', 'pri_growth_monthly', p_end => '2027-04-01 21:00+00'), api.begin_plan_change('user_z', 'starter', 'month'); end $$;
select is(pg_temp.queued(1), array['user_z change_at_period_end'], 'a page is of those that are due, not of those that wait');

-- arguments
select throws_ok(format($$ select * from api.queue_due_changes(%s) $$, l), 'PY004', 'limit must be from 1 to 100', format('limit %s is an error', l))
from unnest(array['0', '101', 'null']) l;

select * from finish();
rollback;
