-- begin_subscription_change: whether a subscription can be cancelled, resumed or paused, and what the processor must be asked.
begin;
select plan(58);

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

create function pg_temp.begun(p_account text, p_change text) returns text language sql as $$
  select concat_ws(' ', b.outcome, b.kind, b.price_id, b.operation_id is not null, to_char(b.effective_at, 'MM-DD HH24:MI')) from api.begin_subscription_change(p_account, p_change) b
$$;
create function pg_temp.change_of(p_account text) returns text language sql as $$
  select string_agg(concat_ws(' ', c.direction, c.to_plan, c.held, c.status), ', ' order by c.effective_at, c.status) from app.plan_changes c where c.account_id = p_account
$$;
create function pg_temp.settle(p_account text, p_outcome text) returns text language sql as $$
  select s.status from app.processor_operations o, api.settle_operation(p_account, o.id, p_outcome) s where o.account_id = p_account and o.next_attempt_at is not null
$$;
set local timezone = 'UTC';

-- none
select is(pg_temp.begun('user_nobody', c), 'no_subscription f', format('without a subscription there is nothing to change (%s)', c))
from unnest(array['cancel_at_period_end', 'cancel_now', 'resume', 'pause']) c;
do $$ begin perform pg_temp.subscribe('user_ended', p_status => 'canceled'), pg_temp.subscribe('user_begun', p_status => 'incomplete'); end $$;
select is(pg_temp.begun(a, 'cancel_now'), 'no_subscription f', format('nor of one that ended or has not begun (%s)', a)) from unnest(array['user_ended', 'user_begun']) a;

-- cancel at the end of the period
do $$ begin
  perform pg_temp.subscribe('user_s'), pg_temp.subscribe('user_p', 'pri_growth_monthly'), pg_temp.subscribe('user_r', 'plan_growth_monthly'),
          pg_temp.subscribe('user_other'), pg_temp.subscribe('user_other_r', 'plan_growth_monthly');
end $$;
select is(pg_temp.begun(a, 'cancel_at_period_end'), 'started cancel_at_period_end t 04-01 10:00', format('%s is told now that it ends with the period', n)) from (values ('user_s', 'Stripe'), ('user_p', 'Paddle')) v (a, n);
select results_eq($$ select processor, subscription_id, kind, price_id, plan_change_id, reason, status, next_attempt_at from app.processor_operations where account_id = 'user_s' $$,
  $$ values ('stripe', 'sub_user_s', 'cancel_at_period_end', null::text, null::uuid, 'owner', 'pending', app.clock() + interval '1 minute') $$, '… by an operation');
select is(pg_temp.change_of('user_s'), null, '… and nothing is scheduled here');
select is(pg_temp.begun('user_s', c), 'busy f ' || t, format('while it is asked nothing else is (%s)', c))
from (values ('cancel_at_period_end', '04-01 10:00'), ('cancel_now', '03-10 12:00'), ('resume', '03-10 12:00'), ('pause', '03-10 12:00')) v (c, t);
do $$ begin perform pg_temp.subscribe('user_s', p_cancels_at => '2027-04-01 10:00+00'); perform pg_temp.settle('user_s', 'done'); end $$;
select is(pg_temp.begun('user_s', 'cancel_at_period_end'), 'already f 04-01 10:00', 'what is cancelled is cancelled already');
select is(pg_temp.begun('user_s', 'pause'), 'not_running f 03-10 12:00', '… and is not paused any more');
select is(pg_temp.begun('user_s', 'resume'), 'started resume t 03-10 12:00', '… but can be taken back');
select is(pg_temp.begun('user_r', 'cancel_at_period_end'), 'done f 04-01 10:00', 'Razorpay would not take it back, so Parley keeps it');
select is(pg_temp.change_of('user_r'), 'cancel free t scheduled', '… until the period ends');
select results_eq($$ select direction, from_plan, from_price_id, to_plan, to_price_id, held, effective_at, subscription_id from app.plan_changes where account_id = 'user_r' $$,
  $$ values ('cancel', 'growth', 'plan_growth_monthly', 'free', null::text, true, '2027-04-01 10:00+00'::timestamptz, 'sub_user_r') $$, '… with all there is to know');
select is((select pending_plan from app.accounts where account_id = 'user_r'), null, '… holding no levels: nobody must delete before they may leave');
select is_empty($$ select from app.processor_operations where account_id = 'user_r' $$, '… and asks nothing');
select is(pg_temp.begun('user_r', 'cancel_at_period_end'), 'already f 04-01 10:00', 'what is kept is cancelled already');
select is(pg_temp.begun('user_r', 'resume'), 'done f 03-10 12:00', '… and is taken back at once');
select is(pg_temp.change_of('user_r'), 'cancel free t undone', '… it is undone');
select is(pg_temp.begun('user_r', 'resume'), 'already f 03-10 12:00', 'what goes on goes on already');
select is(pg_temp.change_of('user_other'), null, 'nobody else''s subscription is touched');
do $$ begin perform pg_temp.subscribe('user_due', p_status => 'past_due'); end $$;
select is(pg_temp.begun('user_due', 'cancel_at_period_end'), 'started cancel_at_period_end t 04-01 10:00', 'one that is past due can be cancelled');

-- cancel now
select is(pg_temp.begun('user_' || s, 'cancel_now'), 'started cancel_now t 03-10 12:00', format('one that is %s ends at once', s))
from unnest(array['trialing', 'active', 'past_due', 'paused']) s, lateral (select pg_temp.subscribe('user_' || s, p_status => s) limit 1) o (o) where o = 'processed';
select is((select plan from app.accounts where account_id = 'user_active'), 'growth', '… when the processor says so');

-- pause and resume
do $$ begin perform pg_temp.subscribe('user_pz'), pg_temp.subscribe('user_pz_t', p_status => 'trialing'), pg_temp.subscribe('user_pz_d', p_status => 'past_due'), pg_temp.subscribe('user_pz_p', p_status => 'paused'); end $$;
select is(pg_temp.begun(a, 'pause'), o, n) from (values
  ('user_pz', 'started pause t 03-10 12:00', 'one that runs is paused'), ('user_pz_t', 'started pause t 03-10 12:00', 'one on trial is'),
  ('user_pz_d', 'not_running f 03-10 12:00', 'one past due is not'), ('user_pz_p', 'already f 03-10 12:00', 'one that is paused is already')) v (a, o, n);
select is(pg_temp.begun('user_pz_p', 'resume'), 'started resume t 03-10 12:00', 'one that is paused goes on');
select is(pg_temp.begun('user_pz_d', 'resume'), 'already f 03-10 12:00', 'one that is past due needs a payment, no resumption');

-- a cancellation takes the place of a change that was scheduled
do $$ begin perform pg_temp.subscribe('user_sup', 'pri_growth_monthly'); perform api.begin_plan_change('user_sup', 'starter', 'month'); end $$;
select is(pg_temp.begun('user_sup', 'cancel_at_period_end'), 'started cancel_at_period_end t 04-01 10:00', 'who scheduled a downgrade may leave');
do $$ begin perform pg_temp.subscribe('user_sup', 'pri_growth_monthly', p_cancels_at => '2027-04-01 10:00+00'); perform pg_temp.settle('user_sup', 'done'); end $$;
select is(pg_temp.change_of('user_sup'), 'downgrade starter t superseded', '… the downgrade gives way');
select is((select pending_plan from app.accounts where account_id = 'user_sup'), null, '… and levels are held no longer');
do $$ begin perform pg_temp.subscribe('user_both', 'plan_growth_monthly'); perform api.begin_plan_change('user_both', 'starter', 'month'); perform pg_temp.settle('user_both', 'done'); end $$;
select is(pg_temp.begun('user_both', 'cancel_at_period_end'), 'pending f 04-01 10:00', '… but where Parley would have to keep both, the change is undone first');
select is((select count(*) from app.plan_changes where account_id = 'user_both' and status = 'scheduled'), 1::bigint, '… one is scheduled');

-- nothing is lost by asking for an end that the processor refuses
do $$ begin
  perform api.begin_subscription_change('user_other_r', 'cancel_at_period_end');
  perform api.begin_subscription_change('user_other_r', 'cancel_now');
  perform pg_temp.settle('user_other_r', 'refused');
end $$;
select is((select count(*) from app.plan_changes where account_id = 'user_other_r' and direction = 'cancel' and status = 'scheduled'), 1::bigint,
  'who cancelled, and was refused an end at once, has still cancelled');
do $$ begin
  perform pg_temp.subscribe('user_ref', 'pri_growth_monthly'); perform api.begin_plan_change('user_ref', 'starter', 'month');
  perform api.begin_subscription_change('user_ref', 'cancel_at_period_end'); perform pg_temp.settle('user_ref', 'refused');
end $$;
select is(pg_temp.change_of('user_ref'), 'downgrade starter t scheduled', 'a downgrade gives way to a cancellation that is done, not to one that was refused');
do $$ begin perform pg_temp.subscribe('user_early', 'pri_growth_monthly', p_end => '2027-03-10 14:00+00'); perform api.begin_plan_change('user_early', 'starter', 'month'); perform api.queue_due_changes();
  perform pg_temp.subscribe('user_early', 'pri_starter_monthly', p_end => '2027-03-10 14:00+00'); perform pg_temp.settle('user_early', 'done');
  perform api.begin_subscription_change('user_early', 'cancel_at_period_end'); end $$;
select is((select plan from app.accounts where account_id = 'user_early'), 'growth', 'a cancellation in the last hours does not take the plan that was paid for');

do $$ begin
  perform pg_temp.subscribe('user_back', 'plan_growth_monthly', p_end => '2027-03-10 14:00+00'); perform api.begin_subscription_change('user_back', 'cancel_at_period_end');
  perform api.queue_due_changes(); perform pg_temp.settle('user_back', 'done');
end $$;
select is(pg_temp.begun('user_back', 'resume'), 'too_late f 03-10 12:00', 'a cancellation the processor was told of is not taken back by one that cannot');
select is(pg_temp.change_of('user_back'), 'cancel free t scheduled', '… and it stays to be seen that it comes');

-- where it could not be told in time, or the period is over, Parley keeps nothing
do $$ begin perform pg_temp.subscribe('user_odd', 'plan_unheard_of', 'paused'); end $$;
select lives_ok($$ select * from api.begin_subscription_change('user_odd', 'cancel_at_period_end') $$, 'one whose price nobody knows can be cancelled all the same');
select pg_temp.travel_to('2027-04-01 09:30+00');
do $$ begin perform pg_temp.subscribe('user_last_r', 'plan_growth_monthly'); end $$;
select is(pg_temp.begun('user_last_r', 'cancel_at_period_end'), 'started cancel_at_period_end t 04-01 10:00',
  'in the last minutes Razorpay is told at once: kept, the cancellation would come after the renewal was charged');
select pg_temp.travel_to('2027-04-01 10:00+00');
do $$ begin perform pg_temp.subscribe('user_late_r', 'plan_growth_monthly'); end $$;
select is(pg_temp.begun('user_late_r', 'cancel_at_period_end'), 'started cancel_at_period_end t 04-01 10:00', 'a period that is over cannot be waited for: the processor is told');

-- arguments
select throws_ok(format($$ select * from api.begin_subscription_change('user_pz', %L) $$, c), 'PY004', 'change must be cancel_at_period_end, cancel_now, resume or pause', format('change %L is an error', c))
from unnest(array['cancel', 'change_now', null]) c;
select throws_ok(format($$ select * from api.begin_subscription_change(%s, 'pause') $$, a), 'PY004', 'account_id must have 1 to 255 characters', format('account id %s is an error', left(a, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;

select * from finish();
rollback;
