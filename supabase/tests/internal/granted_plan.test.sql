-- granted_plan: which plan the state of an account's subscriptions gives it. More of it: internal/apply_subscriptions.
begin;
select plan(28);
update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a; end $$;
create function pg_temp.has(p_subscription text, p_status text, p_plan text, p_start timestamptz default null, p_end timestamptz default null, p_suspended_by text default null, p_processor text default 'stripe',
  p_price text default null) returns void language sql as $$
  insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end, past_due_since, suspended_by, as_of, as_of_rank, as_of_event_id)
  values ('user_1', p_processor, p_subscription, p_status, p_plan, coalesce(p_price, 'price_' || p_plan), p_start, p_end, case when p_status = 'past_due' then '2027-03-09 10:00+00'::timestamptz end, p_suspended_by, now(), 2, 'e')
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, plan = excluded.plan, price_id = excluded.price_id, period_start = excluded.period_start, period_end = excluded.period_end, past_due_since = excluded.past_due_since, suspended_by = excluded.suspended_by
$$;
create function pg_temp.granted() returns text language sql as $$
  select concat_ws(' ', g.plan, 'until ' || to_char(g.plan_ends_at at time zone 'UTC', 'MM-DD HH24:MI'), 'by ' || g.subscription_id, 'from ' || to_char(g.anchor at time zone 'UTC', 'MM-DD HH24:MI'),
    'ahead ' || nullif(to_char(g.anchor_offset, 'HH24:MI'), '00:00'), 'counting ' || nullif(to_char(g.counts_from at time zone 'UTC', 'MM-DD HH24:MI'), to_char(g.anchor at time zone 'UTC', 'MM-DD HH24:MI')))
  from app.granted_plan('user_1') g
$$;

select is(pg_temp.granted(), 'free from 03-10 12:00', 'without a subscription: free, from the creation of the account');
select is((select plan from app.granted_plan('user_nobody')), 'free', 'an account that is not there has plan free');
select is((select anchor from app.granted_plan('user_nobody')), null, '… and no windows');
select pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select is(pg_temp.granted(), 'growth by sub_1 from 03-01 10:00', 'an active one gives its plan');
select pg_temp.has('sub_1', 'past_due', 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select is(pg_temp.granted(), 'growth until 03-16 10:00 by sub_1 from 03-01 10:00', 'one past due until its grace ends');
create function pg_temp.granted_when(p_status text) returns text language plpgsql as $$
begin
  perform pg_temp.has('sub_1', p_status, 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
  return pg_temp.granted();
end
$$;
select is(pg_temp.granted_when(status), 'free from 03-01 10:00', format('one that is %s gives nothing; windows go on from its period', status)) from unnest(array['canceled', 'paused', 'incomplete']) status;

-- suspended
select pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00', 'dp_1');
select is(pg_temp.granted(), 'free from 03-01 10:00', 'one that is suspended gives nothing; its windows go on');
select pg_temp.has('sub_1', 'past_due', 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00', 'dp_1');
select is(pg_temp.granted(), 'free from 03-01 10:00', '… also when it is past due');
select pg_temp.has('sub_2', 'past_due', 'starter', '2027-02-20 10:00+00', '2027-03-20 10:00+00');
select is(pg_temp.granted(), 'starter until 03-16 10:00 by sub_2 from 02-20 10:00', 'a smaller one, even past due, goes before a suspended one');
select pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select is(pg_temp.granted(), 'growth by sub_1 from 03-01 10:00', 'restored, the larger one is in force again');

-- closed
update app.accounts set closed_at = '2027-03-05 10:00+00' where account_id = 'user_1';
select is(pg_temp.granted(), 'free from 03-01 10:00', 'a closed account has plan free, whatever it is subscribed to');
update app.accounts set closed_at = null where account_id = 'user_1';

-- a change that was told to the processor early, and is held back until the period ends
create function pg_temp.scheduled(p_to text, p_held boolean default true, p_status text default 'scheduled', p_subscription text default 'sub_1') returns void language sql as $$
  delete from app.plan_changes;
  insert into app.plan_changes (account_id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, status, effective_at, settled_at)
  values ('user_1', 'stripe', p_subscription, 'downgrade', 'growth', 'price_growth', p_to, 'price_' || p_to, p_held, p_status, '2027-04-01 10:00+00', case when p_status <> 'scheduled' then now() end)
$$;
select pg_temp.has('sub_2', 'canceled', 'starter', '2027-02-20 10:00+00', '2027-03-20 10:00+00');
select pg_temp.scheduled('starter');
select is(pg_temp.granted(), 'growth by sub_1 from 03-01 10:00', 'a downgrade that is scheduled takes nothing yet');
select pg_temp.has('sub_1', 'active', 'starter', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select is(pg_temp.granted(), 'growth by sub_1 from 03-01 10:00', '… nor when the processor was told early: what was paid for is kept to the end of its period');
select pg_temp.has('sub_1', 'past_due', 'starter', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select is(pg_temp.granted(), 'growth until 03-16 10:00 by sub_1 from 03-01 10:00', '… past due, with the grace of the plan that is kept');
select pg_temp.has('sub_1', 'active', 'starter', '2027-04-01 10:00+00', '2027-05-01 10:00+00');
select is(pg_temp.granted(), 'starter by sub_1 from 04-01 10:00', '… with the next period it comes');
select pg_temp.has('sub_1', 'active', 'starter', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select pg_temp.scheduled('starter', false);
select is(pg_temp.granted(), 'starter by sub_1 from 03-01 10:00', 'one that is not held back by Parley is as the processor says');
select pg_temp.scheduled('starter', p_status => 'undone');
select is(pg_temp.granted(), 'starter by sub_1 from 03-01 10:00', '… as is one that is not scheduled any more');
select pg_temp.scheduled('starter', p_subscription => 'sub_2');
select is(pg_temp.granted(), 'starter by sub_1 from 03-01 10:00', '… or that is about another subscription');
select pg_temp.scheduled('enterprise');
select is(pg_temp.granted(), 'starter by sub_1 from 03-01 10:00', '… or about another price than it has');
delete from app.plan_changes;

-- by which clock
select pg_temp.has('sub_1', 'canceled', 'growth', '2027-03-01 10:00+00', '2027-04-01 10:00+00');
select pg_temp.has('sub_r', 'active', 'growth', '2027-02-27 18:30+00', '2027-03-30 18:30+00', p_processor => 'razorpay');
select is(pg_temp.granted(), 'growth by sub_r from 03-30 18:30 ahead 05:30 counting 02-27 18:30', 'Razorpay''s months go by the clock of India: begun on a 31st there');
select pg_temp.has('sub_r', 'active', 'growth', '2027-02-28 18:30+00', '2027-03-31 18:30+00', p_processor => 'razorpay');
select is(pg_temp.granted(), 'growth by sub_r from 02-28 18:30 ahead 05:30', '… begun on a 1st there, though it is the 28th and the 31st in UTC');
select pg_temp.has('sub_r', 'canceled', 'growth', '2027-02-28 18:30+00', '2027-03-31 18:30+00', p_processor => 'razorpay');
select is(pg_temp.granted(), 'free from 03-01 10:00', 'with none in force, the clock is that of the latest period');
select pg_temp.has('sub_1', 'active', 'growth', '2027-02-28 10:00+00', '2027-03-31 10:00+00');
select is(pg_temp.granted(), 'growth by sub_1 from 03-31 10:00 counting 02-28 10:00', 'the others'' go by UTC');
select is((select plan from app.granted_plan('user_2')), 'free', 'nothing of all this is another account''s');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.granted_plan('user_1') $$, '42501', null, 'the server may not call it');
set local role operator;
select throws_ok($$ select app.granted_plan('user_1') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
