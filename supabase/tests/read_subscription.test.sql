-- read_subscription: all there is to show of an account's subscription.
begin;
select plan(30);

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

create function pg_temp.shown(p_account text) returns text language sql as $$
  select concat_ws(' ', s.plan, s.status, s.processor, s.subscribed_plan, s.billing_interval, s.amount_minor, s.currency) from api.read_subscription(p_account) s
$$;

select results_eq($$ select s.* from api.read_subscription('user_new') s $$,
  $$ values ('free', 'Free', 'none', null::text, null::text, null::text, null::text, null::text, null::bigint, null::text, null::integer, null::integer, null::bigint,
             null::timestamptz, null::timestamptz, null::timestamptz, null::timestamptz, null::timestamptz, null::text, null::text,
             null::text, null::text, null::text, null::timestamptz, null::text, null::text, null::uuid, null::text, null::text, null::timestamptz) $$,
  'a new account is on free and has nothing');
select isnt_empty($$ select from app.accounts where account_id = 'user_new' $$, '… and is made on its first use');
do $$ begin perform pg_temp.subscribe('user_1'), pg_temp.subscribe('user_2', 'price_starter_yearly'); end $$;
select results_eq($$ select plan, plan_name, status, processor, subscription_id, customer_id, subscribed_plan, billing_interval, amount_minor, currency, price_version, newest_version, newest_amount_minor, period_start, period_end,
                            trial_ends_at, cancels_at, grace_ends_at, suspended_by, operation, checkout_id, change_plan, closed_at from api.read_subscription('user_1') $$,
  $$ values ('growth', 'Growth', 'active', 'stripe', 'sub_user_1', 'cus_user_1', 'growth', 'month', 7900::bigint, 'USD', 1, 1, 7900::bigint, '2027-03-01 10:00+00'::timestamptz, '2027-04-01 10:00+00'::timestamptz,
             null::timestamptz, null::timestamptz, null::timestamptz, null::text, null::text, null::uuid, null::text, null::timestamptz) $$, 'one that runs shows plan, price and period');
select is(pg_temp.shown('user_2'), 'starter active stripe starter year 19380 USD', 'nobody sees another account''s');
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 9900);
select results_eq($$ select amount_minor, price_version, newest_version, newest_amount_minor from api.read_subscription('user_1') $$, $$ values (7900::bigint, 1, 2, 9900::bigint) $$,
  'who has an older price sees both');
do $$ begin perform pg_temp.subscribe('user_ended', p_status => 'canceled'), pg_temp.subscribe('user_paused', p_status => 'paused'); end $$;
select is(pg_temp.shown('user_ended'), 'free canceled stripe growth month 7900 USD', 'one that ended is shown, on plan free');
select is(pg_temp.shown('user_paused'), 'free paused stripe growth month 7900 USD', 'so is one that is paused');
do $$ begin
  perform pg_temp.subscribe('user_two', 'price_growth_monthly', p_subscription => 'sub_old');
  perform pg_temp.subscribe('user_two', 'pri_starter_monthly', p_subscription => 'sub_new');
end $$;
select is((select subscription_id from api.read_subscription('user_two')), 'sub_old', 'of two the one in force is shown');

-- what ends it
do $$ begin perform pg_temp.subscribe('user_due', p_status => 'past_due'); end $$;
select is((select grace_ends_at from api.read_subscription('user_due')), app.clock() + interval '7 days', 'one past due shows until when the plan stays');
select pg_temp.travel_to('2027-03-17 12:00+00');
select is(pg_temp.shown('user_due'), 'free past_due stripe growth month 7900 USD', '… and then the plan is free');
do $$ begin perform pg_temp.subscribe('user_leaving', p_cancels_at => '2027-04-01 10:00+00'), pg_temp.subscribe('user_leaving_r', 'plan_growth_monthly'), api.begin_subscription_change('user_leaving_r', 'cancel_at_period_end'); end $$;
select is((select cancels_at from api.read_subscription(a)), '2027-04-01 10:00+00'::timestamptz, format('a planned cancellation is shown (%s)', a))
from unnest(array['user_leaving', 'user_leaving_r']) a;
select is((select concat_ws(' ', change_plan, change_direction, change_at) from api.read_subscription('user_leaving_r')), '', '… and is no change of plan, also where Parley keeps it');
do $$ begin
  perform api.record_billing_event('user_trial', 'stripe', 'evt_trial', 't', 'state', app.clock(), 2, 'cus_trial', 'sub_trial', 'trialing', null, array['price_growth_monthly'],
    array['2027-03-17 12:00+00'::timestamptz], array['2027-03-31 12:00+00'::timestamptz], null, null, null, '{}', p_trial_ends_at => '2027-03-31 12:00+00');
  perform pg_temp.subscribe('user_back');
  perform api.record_billing_event('user_back', 'stripe', 'evt_paid', 't', 'payment', app.clock(), 1, 'cus_user_back', 'sub_user_back', null, 'paid',
    array['price_growth_monthly'], array['2027-03-01 10:00+00'::timestamptz], array['2027-04-01 10:00+00'::timestamptz], null, 7900, 'USD', '{}', p_payment_id => 'in_1');
  perform api.record_billing_event('user_back', 'stripe', 'evt_dispute', 't', 'dispute', app.clock(), 2, null, null, null, null, null, null, null, null, 7900, 'USD', '{}',
    p_payment_id => 'in_1', p_reversal_id => 'dp_1', p_reversal_status => 'reversed');
end $$;
select results_eq($$ select status, trial_ends_at from api.read_subscription('user_trial') $$, $$ values ('trialing', '2027-03-31 12:00+00'::timestamptz) $$, 'a trial shows its end');
select results_eq($$ select plan, status, suspended_by, suspended_kind from api.read_subscription('user_back') $$, $$ values ('free', 'active', 'dp_1', 'dispute') $$,
  'one that is suspended shows by what');
do $$ begin perform app.ensure_account('user_closed'), pg_temp.close('user_closed'); end $$;
select is((select closed_at from api.read_subscription('user_closed')), app.clock(), 'a closed account shows since when');

-- what is scheduled and under way
do $$ begin perform pg_temp.subscribe('user_down', 'pri_growth_yearly', p_end => '2028-03-01 10:00+00'), api.begin_plan_change('user_down', 'starter', 'month'); end $$;
select results_eq($$ select plan, change_plan, change_interval, change_direction, change_at, cancels_at, operation from api.read_subscription('user_down') $$,
  $$ values ('growth', 'starter', 'month', 'downgrade', '2028-03-01 10:00+00'::timestamptz, null::timestamptz, null::text) $$, 'a change that is scheduled is shown, with when it comes');
do $$ begin perform api.begin_plan_change_undo('user_down'); end $$;
select is((select change_plan from api.read_subscription('user_down')), null, '… until it is undone');
do $$ begin perform pg_temp.subscribe('user_up'), api.begin_plan_change('user_up', 'enterprise', 'month'); end $$;
select results_eq($$ select plan, operation, operation_status from api.read_subscription('user_up') $$, $$ values ('growth', 'change_now', 'pending') $$, 'what the processor is being asked is shown');
do $$ begin perform api.settle_operation('user_up', id, 'unknown') from app.processor_operations where account_id = 'user_up'; end $$;
select is((select operation_status from api.read_subscription('user_up')), 'unknown', '… also while its answer is not known');
do $$ begin perform api.settle_operation('user_up', id, 'done') from app.processor_operations where account_id = 'user_up'; end $$;
select is((select operation from api.read_subscription('user_up')), null, '… and not when it is');
create temp table slot as select * from api.reserve_checkout('user_buys', 'stripe', 'starter', 'month');
do $$ begin perform api.open_checkout('user_buys', checkout_id, 'cs_1', 'https://pay.test/1') from slot; end $$;
select results_eq($$ select status, checkout_id, checkout_url, checkout_plan from api.read_subscription('user_buys') $$,
  $$ select 'none', checkout_id, 'https://pay.test/1', 'starter' from slot $$, 'a purchase under way is shown, with its page');
select pg_temp.travel_to('2027-03-17 12:40+00');
select is((select checkout_id from api.read_subscription('user_buys')), null, '… until its time is over');
select is((select count(*) from api.read_subscription(a)), 1::bigint, format('there is one row, whatever there is to show (%s)', a))
from unnest(array['user_two', 'user_down', 'user_up', 'user_buys']) a;
select throws_ok(format($$ select * from api.read_subscription(%s) $$, a), 'PY004', 'account_id must have 1 to 255 characters', format('account id %s is an error', left(a, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;

select * from finish();
rollback;
