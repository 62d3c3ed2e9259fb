-- plan_change_of: what a change of plan means, and whether it can be asked for now.
begin;
select plan(48);

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

create function pg_temp.change(p_account text, p_plan text, p_interval text default 'month') returns text language sql as $$
  select concat_ws(' ', c.outcome, c.direction, c.takes_effect, c.from_plan, c.from_interval, c.to_price_id) from app.plan_change_of(p_account, p_plan, p_interval) c
$$;
create function pg_temp.outcome(p_account text, p_plan text, p_interval text default 'month') returns text language sql as $$
  select outcome from app.plan_change_of(p_account, p_plan, p_interval)
$$;

-- what it means
do $$ begin
  perform pg_temp.subscribe('user_1');
  perform pg_temp.subscribe('user_year', 'price_growth_yearly', p_end => '2028-03-01 10:00+00');
  perform pg_temp.subscribe('user_paddle', 'pri_growth_monthly_trial');
  perform pg_temp.subscribe('user_razorpay', 'plan_growth_monthly');
end $$;
select results_eq($$ select * from app.plan_change_of('user_1', 'starter', 'month') $$,
  $$ values ('possible', 'downgrade', 'period_end', '2027-04-01 10:00+00'::timestamptz, 'stripe', 'sub_user_1', 'growth', 'month', 'price_growth_monthly', 'price_starter_monthly') $$,
  'a smaller plan is a downgrade, which comes when the period that was paid for ends');
select results_eq($$ select * from app.plan_change_of('user_1', 'enterprise', 'month') $$,
  $$ values ('possible', 'upgrade', 'now', app.clock(), 'stripe', 'sub_user_1', 'growth', 'month', 'price_growth_monthly', 'price_enterprise_monthly') $$,
  'a larger plan is an upgrade, now');
select is(pg_temp.change('user_1', 'growth', 'year'), 'possible interval now growth month price_growth_yearly', 'the same plan by the year is paid for at once');
select is(pg_temp.change('user_year', 'growth', 'month'), 'possible interval period_end growth year price_growth_monthly', '… and by the month waits for the end of the year');
select is(pg_temp.change('user_year', 'enterprise', 'month'), 'possible upgrade now growth year price_enterprise_monthly', 'a larger plan by the month is an upgrade, also from a year');
select is(pg_temp.change('user_1', 'starter', 'year'), 'possible downgrade period_end growth month price_starter_yearly', 'a smaller one by the year a downgrade');
select is(pg_temp.change('user_paddle', 'starter'), 'possible downgrade period_end growth month pri_starter_monthly', 'it is the same at Paddle');
select is(pg_temp.change('user_paddle', 'growth', 'year'), 'possible interval now growth month pri_growth_yearly', '… where a change is to a price without a trial');
select is(pg_temp.change('user_razorpay', 'enterprise'), 'possible upgrade now growth month plan_enterprise_monthly', '… and at Razorpay');

-- whether it can be asked for
select results_eq($$ select * from app.plan_change_of('user_nobody', 'growth', 'month') $$,
  $$ values ('no_subscription', null::text, null::text, null::timestamptz, null::text, null::text, null::text, null::text, null::text, null::text) $$,
  'who has no subscription must buy one');
select is_empty($$ select from app.accounts where account_id = 'user_nobody' $$, '… and is not made by asking');
select is(pg_temp.outcome('user_1', 'growth'), 'same', 'what it is already is no change');
select is(pg_temp.outcome('user_paddle', 'growth'), 'same', '… also where it was bought at the price with a trial');
select is(pg_temp.outcome('user_1', 'free'), 'not_sold', 'plan free is not sold: cancel instead');
do $$ begin perform pg_temp.subscribe('user_' || s, p_status => s) from unnest(array['trialing', 'past_due', 'paused', 'incomplete', 'canceled']) s; end $$;
select is(pg_temp.outcome('user_' || s, 'starter'), o, format('of one that is %s: %s', s, o))
from (values ('trialing', 'possible'), ('past_due', 'past_due'), ('paused', 'not_running'), ('incomplete', 'no_subscription'), ('canceled', 'no_subscription')) v (s, o);
select is(pg_temp.outcome('user_past_due', 'enterprise'), 'past_due', 'an upgrade does not pay for what is due, either');
do $$ begin perform pg_temp.subscribe('user_leaving', p_cancels_at => '2027-04-01 10:00+00'); end $$;
select is(pg_temp.outcome('user_leaving', p), 'canceling', format('before %s the cancellation that is planned is taken back', p)) from unnest(array['starter', 'enterprise']) p;
do $$ begin perform pg_temp.subscribe('user_leaving_r', 'plan_growth_monthly'); perform api.begin_subscription_change('user_leaving_r', 'cancel_at_period_end'); end $$;
select is(pg_temp.outcome('user_leaving_r', 'starter'), 'canceling', '… also one that Parley keeps');
do $$ begin perform pg_temp.subscribe('user_pending', 'pri_growth_monthly'); perform api.begin_plan_change('user_pending', 'starter', 'month'); end $$;
select is(pg_temp.outcome('user_pending', p), 'pending', format('before %s the change that is scheduled is undone', p)) from unnest(array['starter', 'enterprise']) p;
do $$ begin perform pg_temp.subscribe('user_busy'); perform api.begin_plan_change('user_busy', 'enterprise', 'month'); end $$;
select is(pg_temp.outcome('user_busy', 'starter'), 'busy', 'while the processor is being asked nothing else is');
do $$ begin perform api.settle_operation('user_busy', id, 'unknown') from app.processor_operations where account_id = 'user_busy'; end $$;
select is(pg_temp.outcome('user_busy', 'starter'), 'busy', '… nor while the answer is not known');
do $$ begin perform api.settle_operation('user_busy', id, 'refused') from app.processor_operations where account_id = 'user_busy'; end $$;
select is(pg_temp.outcome('user_busy', 'starter'), 'possible', '… but once it is');
do $$ begin
  perform pg_temp.subscribe('user_refunded');
  perform api.record_billing_event('user_refunded', 'stripe', 'evt_paid', 't', 'payment', app.clock(), 1, 'cus_user_refunded', 'sub_user_refunded', null, 'paid',
    array['price_growth_monthly'], array['2027-03-01 10:00+00'::timestamptz], array['2027-04-01 10:00+00'::timestamptz], null, 7900, 'USD', '{}', p_payment_id => 'in_1');
  perform api.record_billing_event('user_refunded', 'stripe', 'evt_refund', 't', 'refund', app.clock(), 2, null, null, null, null, null, null, null, null, 7900, 'USD', '{}',
    p_payment_id => 'in_1', p_reversal_id => 're_1', p_reversal_status => 'reversed');
end $$;
select isnt((select suspended_by from app.processor_subscriptions where account_id = 'user_refunded'), null, 'a payment is given back');
select is(pg_temp.outcome('user_refunded', 'enterprise'), 'suspended', 'of one that is suspended nothing is changed, and that is said');
do $$ begin
  perform pg_temp.subscribe('user_two', 'price_growth_monthly', p_subscription => 'sub_b');
  perform pg_temp.subscribe('user_two', 'price_starter_monthly', p_subscription => 'sub_a');
end $$;
select is((select subscription_id from app.plan_change_of('user_two', 'enterprise', 'month')), 'sub_b', 'of two the one in force is changed');
do $$ begin
  perform api.record_billing_event('user_bare', 'stripe', 'evt_bare', 't', 'state', app.clock(), 2, 'cus_bare', 'sub_bare', 'active', null,
    array['price_growth_monthly'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}');
end $$;
select is(pg_temp.outcome('user_bare', 'starter'), 'not_running', 'where no period is known nothing can wait for its end');
select is(pg_temp.outcome('user_bare', 'enterprise'), 'possible', '… but an upgrade does not wait');

-- a newer version of the price
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 9900);
select is(pg_temp.outcome('user_1', 'growth'), 'same', 'a newer price that the processor does not have changes nothing');
do $$ begin perform api.upsert_price('stripe', 'price_growth_monthly_2', 'growth', 'month', 2); end $$;
select is(pg_temp.change('user_1', 'growth'), 'possible price period_end growth month price_growth_monthly_2', 'the present plan and interval are then a move to the newest price, with the next period');
do $$ begin perform pg_temp.subscribe('user_new', 'price_growth_monthly_2'); end $$;
select is(pg_temp.outcome('user_new', 'growth'), 'same', 'who has the newest price has nothing to move to');
select is(pg_temp.outcome('user_trialing', 'growth'), 'possible', '… who is on trial at the one before has');

-- the end of a period that has passed: the next one may be paid for already
do $$ begin perform pg_temp.subscribe('user_over'), pg_temp.subscribe('user_over_p', 'pri_growth_monthly'); end $$;
select pg_temp.travel_to('2027-04-01 10:05+00');
select is(pg_temp.outcome(a, 'enterprise'), 'possible', format('a renewal that was not heard of yet does not hold an upgrade up (%s)', a))
from unnest(array['user_over', 'user_over_p']) a;
select isnt((select (outcome, effective_at <= app.clock())::text from app.plan_change_of(a, 'starter', 'month')), '(possible,t)',
  format('a downgrade is never for the end of a period that is over (%s)', a)) from unnest(array['user_over', 'user_over_p']) a;

-- arguments
select throws_ok($$ select * from app.plan_change_of('user_1', 'gold', 'month') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok($$ select * from app.plan_change_of('user_1', null, 'month') $$, 'PY002', 'unknown plan null', 'no plan is an error');
select throws_ok(format($$ select * from app.plan_change_of('user_1', 'growth', %L) $$, i), 'PY004', 'interval must be month or year', format('interval %L is an error', i))
from unnest(array['week', null]) i;
select throws_ok(format($$ select * from app.plan_change_of(%s, 'growth', 'month') $$, a), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(a, 10))) from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;

select * from finish();
rollback;
