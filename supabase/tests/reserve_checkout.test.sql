-- reserve_checkout: one purchase of an account at a time, and none beside a subscription.
begin;
select plan(53);

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
create function pg_temp.close(p_account text) returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, 'clerk', 'clerk_' || p_account, 'user.deleted', 'closed', app.clock(), 3, null, null, null, null,
    null, null, null, null, null, null, '{}') r
$$;

create function pg_temp.reserved(p_account text, p_processor text default 'stripe', p_plan text default 'growth', p_interval text default 'month')
returns text language sql as $$
  select concat_ws(' ', r.outcome, r.price_id, r.trial_days) from api.reserve_checkout(p_account, p_processor, p_plan, p_interval) r
$$;

-- the slot
create temp table slot as select * from api.reserve_checkout('user_1', 'stripe', 'growth', 'month');
select results_eq($$ select outcome, processor, plan, billing_interval, price_id, trial_days, customer_id, processor_checkout_id, url, expires_at from slot $$,
  $$ values ('reserved', 'stripe', 'growth', 'month', 'price_growth_monthly', 14, null::text, null::text, null::text, app.clock() + interval '40 minutes') $$,
  'a first purchase takes the slot for forty minutes, and says what to ask the processor for');
select results_eq($$ select account_id, id, status, settled_at from app.checkouts $$,
  $$ select 'user_1', checkout_id, 'reserved', null::timestamptz from slot $$, 'the slot is stored under its account, which is made on the way');
select results_eq($$ select outcome, checkout_id, url from api.reserve_checkout('user_1', 'stripe', 'growth', 'month') $$,
  $$ select 'open', checkout_id, null::text from slot $$, 'the same purchase again finds its own slot; without a url its page must still be made');
select is((select status from slot, api.open_checkout('user_1', slot.checkout_id, 'cs_1', 'https://pay.test/1')), 'open', 'its page is made');
select results_eq($$ select outcome, checkout_id, processor_checkout_id, url from api.reserve_checkout('user_1', 'stripe', 'growth', 'month') $$,
  $$ select 'open', checkout_id, 'cs_1', 'https://pay.test/1' from slot $$, 'then the same purchase finds the page');
select results_eq(format($$ select outcome, checkout_id, processor, plan, billing_interval, price_id, processor_checkout_id from api.reserve_checkout('user_1', %L, %L, %L) $$, p, q, i),
  $$ select 'other_open', checkout_id, 'stripe', 'growth', 'month', 'price_growth_monthly', 'cs_1' from slot $$,
  format('another purchase (%s %s %s) is shown the one in the way', p, q, i))
from (values ('stripe', 'starter', 'month'), ('stripe', 'growth', 'year'), ('paddle', 'growth', 'month')) v (p, q, i);
select is((select count(*) from app.checkouts), 1::bigint, 'all this took one slot');
select is(pg_temp.reserved('user_2'), 'reserved price_growth_monthly 14', 'another account has its own slot');

-- its time
select pg_temp.travel_to('2027-03-10 12:39:59.999999+00');
select is((select outcome from api.reserve_checkout('user_1', 'stripe', 'growth', 'month')), 'open', 'a purchase is under way until its last microsecond');
select pg_temp.travel_to('2027-03-10 12:40:00+00');
select results_eq($$ select outcome, checkout_id, processor_checkout_id from api.reserve_checkout('user_1', 'stripe', 'growth', 'month') $$,
  $$ select 'other_open', checkout_id, 'cs_1' from slot $$, 'then it was given up, and is to be ended first, even for the same purchase');
select is((select status from slot, api.settle_checkout('user_1', slot.checkout_id, 'expired')), 'expired', 'it is ended');
select isnt((select checkout_id from api.reserve_checkout('user_1', 'stripe', 'growth', 'month')), (select checkout_id from slot),
  'once it is ended the slot is free, and the next purchase has another key');
select is((select count(*) from app.checkouts where account_id = 'user_1' and status = 'reserved'), 1::bigint, '… and is the only one');

select results_eq($$ select trial_days, price_trial_days from api.reserve_checkout('user_price_trial', 'paddle', 'growth', 'month') $$, $$ values (0, 14) $$,
  'a trial that is in the price is not asked for, and told all the same');

-- beside a subscription
do $$ begin perform pg_temp.subscribe('user_' || s, p_status => s) from unnest(array['trialing', 'active', 'past_due', 'paused', 'incomplete', 'canceled']) s; end $$;
select results_eq(format($$ select r.* from api.reserve_checkout(%L, 'stripe', 'enterprise', 'month') r $$, 'user_' || s),
  $$ values ('subscribed', null::uuid, null::text, null::text, null::text, null::text, null::integer, null::text, null::text, null::text, null::timestamptz, null::integer) $$,
  format('who has a subscription that is %s changes that one instead', s))
from unnest(array['trialing', 'active', 'past_due', 'paused']) s;
select is((select outcome from api.reserve_checkout('user_active', 'paddle', 'growth', 'month')), 'subscribed', '… also at another processor');
select is_empty($$ select from app.checkouts where account_id in ('user_trialing', 'user_active', 'user_past_due', 'user_paused') $$, '… and takes no slot');
select is(pg_temp.reserved('user_' || s, 'stripe', 'starter'), 'reserved price_starter_monthly 0', format('one that is %s is in nobody''s way', s))
from unnest(array['incomplete', 'canceled']) s;
do $$ begin perform api.reserve_checkout('user_late', 'stripe', 'growth', 'month'); perform pg_temp.subscribe('user_late'); end $$;
select results_eq($$ select r.outcome, c.status, c.subscription_id from api.reserve_checkout('user_late', 'stripe', 'growth', 'month') r, app.checkouts c where c.account_id = 'user_late' $$,
  $$ values ('subscribed', 'complete', 'sub_user_late') $$, 'the arrival of the subscription that was bought ends the purchase');

-- the trial
do $$ begin perform pg_temp.subscribe('user_again', p_status => 'active'); perform pg_temp.subscribe('user_again', p_status => 'canceled'); end $$;
select is(pg_temp.reserved('user_again'), 'reserved price_growth_monthly 0', 'who subscribed before pays at once');
select is(pg_temp.reserved('user_t1', 'stripe', 'starter'), 'reserved price_starter_monthly 0', 'a plan without a trial has none');
select is(pg_temp.reserved('user_t2', 'razorpay'), 'reserved plan_growth_monthly 14', 'Razorpay is asked for the trial');
select is(pg_temp.reserved('user_t3', 'paddle'), 'reserved pri_growth_monthly_trial 0', 'of Paddle the price with the trial is bought, and none is asked for');
select is(pg_temp.reserved('user_t3b', 'paddle', 'starter'), 'reserved pri_starter_monthly 0', '… where the plan has one');
do $$ begin perform pg_temp.subscribe('user_t4', 'pri_growth_monthly', 'active'); perform pg_temp.subscribe('user_t4', 'pri_growth_monthly', 'canceled'); end $$;
select is(pg_temp.reserved('user_t4', 'paddle'), 'reserved pri_growth_monthly 0', '… and the one without by who subscribed before');
update app.plans set trial_days = 0 where plan = 'growth';
select is(pg_temp.reserved('user_t5', 'paddle'), 'reserved pri_growth_monthly 0', 'a plan that has no trial any more is not sold with one');
update app.plans set trial_days = 14 where plan = 'growth';

-- the price
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('starter', 'month', 2, 'USD', 2400);
select is(pg_temp.reserved('user_p1', 'stripe', 'starter'), 'reserved price_starter_monthly 0', 'a processor that has no price of the newest version sells the newest it has');
do $$ begin perform api.upsert_price('stripe', 'price_starter_monthly_2', 'starter', 'month', 2); end $$;
select is(pg_temp.reserved('user_p2', 'stripe', 'starter'), 'reserved price_starter_monthly_2 0', 'once it has one, that is sold');
select results_eq($$ select outcome, checkout_id, plan, expires_at from api.reserve_checkout('user_p3', 'stripe', 'free', 'month') $$,
  $$ values ('not_sold', null::uuid, null::text, null::timestamptz) $$, 'a plan for which the processor has no price is not sold');
select is_empty($$ select from app.checkouts where account_id = 'user_p3' $$, '… and takes no slot');

-- the customer
select is((select customer_id from api.reserve_checkout('user_again', 'stripe', 'growth', 'month')), 'cus_user_again', 'who subscribed before is the same customer');
select is((select customer_id from api.reserve_checkout('user_canceled', 'stripe', 'starter', 'month')), 'cus_user_canceled', '… whatever became of the subscription');
do $$ begin perform pg_temp.subscribe('user_c1', p_status => 'canceled'); end $$;
select is((select customer_id from api.reserve_checkout('user_c1', 'paddle', 'growth', 'month')), null, '… but not at another processor');
do $$ begin
  perform pg_temp.subscribe('user_c2', p_status => 'active');
  perform api.record_billing_event(null, 'stripe', 'evt_gone', 'customer.deleted', 'closed', app.clock(), 3, 'cus_user_c2', null, null, null, null, null, null, null, null, null, '{}');
end $$;
select is((select concat_ws(' ', outcome, customer_id) from api.reserve_checkout('user_c2', 'stripe', 'growth', 'month')), 'reserved', 'a customer who was deleted there is not asked for again');
do $$ begin
  perform api.record_billing_event('user_c3', 'stripe', 'evt_shared', 't', 'state', app.clock(), 2, 'cus_user_c1', 'sub_c3', 'canceled', null,
    array['price_growth_monthly'], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, '{}');
end $$;
select is((select concat_ws(' ', outcome, customer_id) from api.reserve_checkout('user_c3', 'stripe', 'growth', 'month')), 'reserved',
  'the customer of another account is not shared with this one');

-- arguments
do $$ begin perform app.ensure_account('user_closed'); perform pg_temp.close('user_closed'); end $$;
select throws_ok($$ select * from api.reserve_checkout('user_closed', 'stripe', 'growth', 'month') $$, 'PY415', 'the account is closed', 'a closed account buys nothing');
select is_empty($$ select from app.checkouts where account_id = 'user_closed' $$, '… and takes no slot');
select throws_ok($$ select * from api.reserve_checkout('user_x', 'stripe', 'gold', 'month') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok($$ select * from api.reserve_checkout('user_x', 'stripe', null, 'month') $$, 'PY002', 'unknown plan null', 'no plan is an error');
select throws_ok(format($$ select * from api.reserve_checkout('user_x', %L, 'growth', 'month') $$, p), 'PY004', 'processor must be stripe, paddle or razorpay',
  format('processor %L is an error', p)) from unnest(array['clerk', null]) p;
select throws_ok(format($$ select * from api.reserve_checkout('user_x', 'stripe', 'growth', %L) $$, i), 'PY004', 'interval must be month or year',
  format('interval %L is an error', i)) from unnest(array['week', null]) i;
select throws_ok(format($$ select * from api.reserve_checkout(%s, 'stripe', 'growth', 'month') $$, a), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(a, 10))) from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;
select is_empty($$ select from app.accounts where account_id = 'user_x' $$, 'a refused call leaves no account behind');

select * from finish();
rollback;
