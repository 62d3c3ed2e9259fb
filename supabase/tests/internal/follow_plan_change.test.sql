-- follow_plan_change: whether a scheduled change has come or was overtaken, and to which plan levels are held.
begin;
select plan(21);

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

create function pg_temp.state(p_account text) returns text language sql as $$
  select concat_ws(' ', (select string_agg(concat_ws(' ', c.direction, c.status, c.settled_at = app.clock()), ', ' order by c.created_at, c.status) from app.plan_changes c where c.account_id = a.account_id),
                   'on ' || a.plan, 'held to ' || a.pending_plan)
  from app.accounts a where a.account_id = p_account
$$;
-- A downgrade of growth to starter for 1 April, told to who is told.
create function pg_temp.scheduled(p_account text, p_price text, p_change text default 'starter', p_interval text default 'month') returns void language plpgsql as $$
begin
  perform pg_temp.subscribe(p_account, p_price);
  if p_change = 'cancel' then
    perform api.begin_subscription_change(p_account, 'cancel_at_period_end');
  else
    perform api.begin_plan_change(p_account, p_change, p_interval);
  end if;
  perform api.settle_operation(p_account, o.id, 'done') from app.processor_operations o where o.account_id = p_account and o.next_attempt_at is not null;
end
$$;
-- What the processor says once the next period has begun.
create function pg_temp.renewed(p_account text, p_price text, p_status text default 'active', p_start timestamptz default '2027-04-01 10:00+00') returns text language sql as $$
  select pg_temp.subscribe(p_account, p_price, p_status, p_start, p_start + interval '1 month')
$$;

do $$ begin
  perform pg_temp.scheduled(a, 'price_growth_monthly')
from unnest(array['user_applied', 'user_old', 'user_other', 'user_ended', 'user_early', 'user_due', 'user_before', 'user_still']) a;
  perform pg_temp.scheduled('user_paddle', 'pri_growth_monthly');
  perform pg_temp.scheduled(a, 'plan_growth_monthly', 'cancel') from unnest(array['user_left', 'user_stays']) a;
end $$;
select is(pg_temp.state('user_applied'), 'downgrade scheduled on growth held to starter', 'a downgrade that is scheduled holds levels to the smaller plan');
select is(pg_temp.state('user_left'), 'cancel scheduled on growth', 'a cancellation holds none');
do $$ begin perform pg_temp.subscribe('user_still', 'price_growth_monthly'); end $$;
select is(pg_temp.state('user_still'), 'downgrade scheduled on growth held to starter', 'an event that says nothing new changes nothing');
do $$ begin perform pg_temp.subscribe('user_early', 'price_starter_monthly'); end $$;
select is(pg_temp.state('user_early'), 'downgrade scheduled on starter held to starter', 'the new price in the old period is not the change: it may still be taken back');
do $$ begin perform pg_temp.subscribe('user_other', 'price_enterprise_monthly'); end $$;
select is(pg_temp.state('user_other'), 'downgrade superseded t on enterprise', 'another price than the one before and the one to come overtakes it');
do $$ begin perform pg_temp.subscribe('user_ended', p_status => 'canceled'); end $$;
select is(pg_temp.state('user_ended'), 'downgrade superseded t on free', 'so does the end of the subscription');
do $$ begin perform pg_temp.subscribe('user_left', 'plan_growth_monthly', 'canceled'); end $$;
select is(pg_temp.state('user_left'), 'cancel applied t on free', '… which is what a cancellation waits for');
do $$ begin perform pg_temp.subscribe('user_stays', 'plan_starter_monthly'); end $$;
select is(pg_temp.state('user_stays'), 'cancel scheduled on starter', 'a cancellation is not overtaken by another price');

select pg_temp.travel_to('2027-04-01 10:01+00');
do $$ begin
  perform pg_temp.renewed('user_applied', 'price_starter_monthly'), pg_temp.renewed('user_old', 'price_growth_monthly'), pg_temp.renewed('user_early', 'price_starter_monthly'),
          pg_temp.renewed('user_due', 'price_starter_monthly', 'past_due'), pg_temp.renewed('user_before', 'price_starter_monthly', p_start => '2027-04-01 09:59:59+00');
  perform pg_temp.subscribe('user_paddle', 'pri_starter_monthly');
end $$;
select is(pg_temp.state('user_applied'), 'downgrade applied t on starter', 'the new price in the next period is the change: it has come');
select is(pg_temp.state('user_early'), 'downgrade applied t on starter', '… whenever the price was said first');
select is(pg_temp.state('user_due'), 'downgrade applied t on starter', '… also where the payment failed');
select is(pg_temp.state('user_old'), 'downgrade scheduled on growth held to starter', 'the next period at the old price is not: it is still to come');
select is(pg_temp.state('user_before'), 'downgrade scheduled on starter held to starter', 'a period that begins before its time is not the next');
select is(pg_temp.state('user_paddle'), 'downgrade scheduled on growth held to starter', 'a price that had to be told early is not, and the plan that was paid for stays');
do $$ begin perform pg_temp.renewed('user_paddle', 'pri_starter_monthly'); end $$;
select is(pg_temp.state('user_paddle'), 'downgrade applied t on starter', '… until the next period begins');

-- a function of the state alone
create temp table once as select account_id, id, status, settled_at from app.plan_changes;
create temp table held as select account_id, plan, pending_plan from app.accounts;
select pg_temp.travel_to('2027-04-01 11:00+00');
do $$ begin perform app.follow_plan_change(a.account_id) from app.accounts a; end $$;
select set_eq('select account_id, id, status, settled_at from app.plan_changes', 'select * from once', 'looking again changes nothing');
select set_eq('select account_id, plan, pending_plan from app.accounts', 'select * from held', '… of any account');
update app.accounts set pending_plan = null where account_id = 'user_old';
update app.accounts set pending_plan = 'starter' where account_id = 'user_applied';
do $$ begin perform app.follow_plan_change(a) from unnest(array['user_old', 'user_applied']) a; end $$;
select results_eq($$ select account_id, pending_plan from app.accounts where account_id in ('user_old', 'user_applied') order by account_id $$,
  $$ values ('user_applied', null::text), ('user_old', 'starter') $$, 'levels that are held wrongly are put right');
select lives_ok($$ select app.follow_plan_change('user_nobody') $$, 'an unknown account has nothing to follow');

-- what does not fit any more when it comes
do $$ begin
  perform pg_temp.travel_to('2027-05-10 12:00+00');
  perform pg_temp.subscribe('user_full', 'price_growth_monthly', p_start => '2027-05-01 10:00+00', p_end => '2027-06-01 10:00+00');
  perform api.create_chatbot('user_full', 'Bot ' || n) from generate_series(1, 3) n;
  perform api.begin_plan_change('user_full', 'starter', 'month');
  update app.plan_quotas set quota = 1 where plan = 'starter' and metric = 'chatbots';
  perform pg_temp.travel_to('2027-06-01 11:00+00');
  perform pg_temp.subscribe('user_full', 'price_starter_monthly', p_start => '2027-06-01 10:00+00', p_end => '2027-07-01 10:00+00');
end $$;
select is((select status || ': ' || last_error from app.plan_changes where account_id = 'user_full'), 'applied: Please delete 2 chatbot(s) before downgrading',
  'a downgrade is looked at again when it comes: what does not fit then is kept with it');
select is((select count(*) from app.read_only_chatbots('user_full')), 2::bigint, '… and is read-only, not deleted');

select * from finish();
rollback;
