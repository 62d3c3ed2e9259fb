begin;
select plan(42);
update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a; perform api.check_and_increment_usage('user_1', 'messages', 30); end $$;
create temp table usage_before as select * from app.counters;

create function pg_temp.has(p_subscription text, p_status text, p_plan text, p_start timestamptz default null, p_end timestamptz default null, p_past_due_since timestamptz default null) returns void language sql as $$
  insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, period_start, period_end, past_due_since, as_of, as_of_rank, as_of_event_id)
  values ('user_1', 'stripe', p_subscription, p_status, p_plan, p_start, p_end, p_past_due_since, now(), 2, 'e')
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, plan = excluded.plan, period_start = excluded.period_start, period_end = excluded.period_end, past_due_since = excluded.past_due_since;
  select app.apply_subscriptions('user_1')
$$;
create function pg_temp.account() returns text language sql as $$
  select concat_ws(' ', a.plan, 'until ' || to_char(a.plan_ends_at, 'YYYY-MM-DD HH24:MI'), 'from ' || to_char(a.anchor, 'YYYY-MM-DD HH24:MI'), 'by ' || s.subscription_id)
  from app.accounts a left join app.processor_subscriptions s on s.account_id = a.account_id and s.in_force where a.account_id = 'user_1'
$$;

do $$ begin perform app.apply_subscriptions('user_1'); end $$;
select is(pg_temp.account(), 'free from 2027-03-10 12:00', 'without a subscription: free, anchored at the creation of the account');
do $$ begin perform pg_temp.has('sub_1', 'incomplete', 'growth'); end $$;
select is(pg_temp.account(), 'free from 2027-03-10 12:00', 'an incomplete one grants nothing');
do $$ begin perform pg_temp.has('sub_1', 'active', 'growth', '2027-03-10 11:00+00', '2027-04-10 11:00+00'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-10 11:00 by sub_1', 'an active one grants its plan, anchored at its period');
do $$ begin perform pg_temp.has('sub_1', 'trialing', 'growth', '2027-03-10 11:00+00', '2027-04-10 11:00+00'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-10 11:00 by sub_1', 'so does one on trial');
do $$ begin perform pg_temp.has('sub_1', 'past_due', 'growth', '2027-03-10 11:00+00', '2027-04-10 11:00+00', '2027-03-10 11:30+00'); end $$;
select is(pg_temp.account(), 'growth until 2027-03-17 11:30 from 2027-03-10 11:00 by sub_1', 'one past due until the grace of its plan is over, in days of 24 hours');
do $$ begin perform pg_temp.has('sub_1', 'past_due', 'enterprise', '2027-03-10 11:00+00', '2027-04-10 11:00+00', '2027-03-10 11:30+00'); end $$;
select is(pg_temp.account(), 'enterprise until 2027-03-24 11:30 from 2027-03-10 11:00 by sub_1', 'a plan with more grace longer');
do $$ begin perform pg_temp.has('sub_1', 'past_due', 'free', '2027-03-10 11:00+00', '2027-04-10 11:00+00', '2027-03-10 11:30+00'); end $$;
select is(pg_temp.account(), 'free from 2027-03-10 11:00 by sub_1', 'plan free never ends');
do $$ begin perform pg_temp.has('sub_1', 'active', null, '2027-03-10 11:00+00', '2027-04-10 11:00+00'); end $$;
select is(pg_temp.account(), 'free from 2027-03-10 11:00', 'one whose plan is not known grants nothing');
do $$ begin perform pg_temp.has('sub_1', 'canceled', 'growth', '2027-03-10 11:00+00', '2027-04-10 11:00+00'); end $$;
select is(pg_temp.account(), 'free from 2027-03-10 11:00', 'a canceled one grants nothing; its last period stays the anchor');
do $$ begin perform pg_temp.has('sub_1', 'paused', 'growth', '2027-03-10 11:00+00', '2027-04-10 11:00+00'); end $$;
select is(pg_temp.account(), 'free from 2027-03-10 11:00', 'nor does a paused one');
do $$ begin perform pg_temp.has('sub_1', 'active', 'growth', '2027-02-28 11:00+00', '2027-03-31 11:00+00'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-31 11:00 by sub_1', 'a period from 28 February to 31 March is anchored on the 31st');

-- several
do $$ begin perform pg_temp.has('sub_1', 'active', 'starter', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); perform pg_temp.has('sub_2', 'active', 'growth', '2027-02-15 11:00+00', '2027-03-15 11:00+00'); end $$;
select is(pg_temp.account(), 'growth from 2027-02-15 11:00 by sub_2', 'of two the larger plan is in force, and its period is the anchor, though the other''s began later');
do $$ begin perform pg_temp.has('sub_2', 'past_due', 'growth', '2027-02-15 11:00+00', '2027-03-15 11:00+00', '2027-03-10 00:00+00'); end $$;
select is(pg_temp.account(), 'starter from 2027-03-01 11:00 by sub_1', 'one that is paid goes before a larger one past due');
do $$ begin perform pg_temp.has('sub_1', 'canceled', 'starter', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); end $$;
select is(pg_temp.account(), 'growth until 2027-03-17 00:00 from 2027-02-15 11:00 by sub_2', 'one past due goes before none');
do $$ begin perform pg_temp.has('sub_2', 'canceled', 'growth', '2027-02-15 11:00+00', '2027-03-15 11:00+00'); end $$;
select is(pg_temp.account(), 'free from 2027-03-01 11:00', 'with none in force the latest period of any is the anchor');
do $$ begin perform pg_temp.has('sub_2', 'active', 'growth'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-01 11:00 by sub_2', 'one in force without a period of its own moves no anchor');
do $$ begin perform pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); perform pg_temp.has('sub_2', 'active', 'growth', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-02 11:00 by sub_2', 'of two of one plan the later period');
do $$ begin perform pg_temp.has('sub_2', 'active', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-01 11:00 by sub_1', 'of two that are alike always the same');

create temp table once as select * from app.processor_subscriptions;
do $$ begin perform app.apply_subscriptions('user_1'); end $$;
select set_eq($$ select * from app.processor_subscriptions $$, $$ select * from once $$, 'applying again changes nothing');
select results_eq($$ select * from app.counters $$, $$ select * from usage_before $$, 'nothing of all this moves a counter');
select results_eq($$ select plan, plan_ends_at, anchor from app.accounts where account_id = 'user_2' $$, $$ values ('free', null::timestamptz, '2027-03-10 12:00+00'::timestamptz) $$, 'nor touches another account');
-- what is asked of a processor in consequence: one that is paid beside the one in force
create function pg_temp.asked() returns text language sql as $$
  select string_agg(concat_ws(' ', o.subscription_id, o.kind, o.reason, case when o.status = 'pending' then 'in ' || to_char(o.next_attempt_at - app.clock(), 'MI') else o.status end), ', ' order by o.subscription_id, o.created_at, o.status)
  from app.processor_operations o where o.account_id = 'user_1'
$$;
do $$ begin delete from app.processor_operations; delete from app.processor_subscriptions; perform pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); end $$;
select is(pg_temp.asked(), null, 'of one subscription nothing is asked');
do $$ begin perform pg_temp.has('sub_2', 'active', 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate in 15', 'of a second one, that it end, after a quarter of an hour: nobody pays twice');
do $$ begin perform app.apply_subscriptions('user_1'), app.apply_subscriptions('user_1'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate in 15', '… once');
do $$ begin perform pg_temp.has('sub_2', 'canceled', 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate refused', 'that is withdrawn when it ended by itself');
select is((select last_error from app.processor_operations), 'it is no longer needed', '… and says why');
do $$ begin delete from app.processor_operations; perform pg_temp.has('sub_2', 'trialing', 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); perform pg_temp.has('sub_1', 'canceled', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate refused', '… and when it came into force');
do $$ begin delete from app.processor_operations; perform pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); update app.processor_operations set first_sent_at = app.clock(), status = 'unknown';
  perform pg_temp.has('sub_1', 'canceled', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate unknown', 'what was asked already is not withdrawn: its answer is waited for');
do $$ begin delete from app.processor_operations; perform pg_temp.has('sub_1', 'active', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); update app.processor_operations set status = 'done', next_attempt_at = null, settled_at = app.clock();
  perform app.apply_subscriptions('user_1'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate done', 'what was done is not asked again');
do $$ begin update app.processor_operations set status = 'refused'; perform app.apply_subscriptions('user_1'); end $$;
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate in 15, sub_2 cancel_now duplicate refused', 'what was refused is');
do $$ begin delete from app.processor_operations; perform pg_temp.has('sub_2', s, 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00') from unnest(array['paused', 'incomplete']) s; end $$;
select is(pg_temp.asked(), null, 'of one that is paused or was never paid for nothing is asked');

-- suspended
create function pg_temp.suspends(p_subscription text, p_status text) returns void language sql as $$
  insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, payment, period_start, period_end, amount_minor, payment_id)
  values ('user_1', 'stripe', p_subscription, 'paid_' || p_subscription, '2027-03-01', 1, 'paid', '2027-03-01 11:00+00', '2027-04-01 11:00+00', 7900, 'in_' || p_subscription) on conflict do nothing;
  insert into app.reversal_events (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids)
  select 'user_1', 'stripe', 'dp_' || p_subscription, 'dp' || count(*), 'dispute', p_status, '2027-03-02'::timestamptz + make_interval(hours => count(*)::int), 2, array['in_' || p_subscription] from app.reversal_events;
  select app.apply_subscriptions('user_1')
$$;
do $$ begin perform pg_temp.suspends('sub_1', 'reversed'); end $$;
select is(pg_temp.account(), 'free from 2027-03-02 11:00', 'one whose payment is disputed gives nothing');
select is((select suspended_by from app.processor_subscriptions where subscription_id = 'sub_1'), 'dp_sub_1', '… and says by what it is suspended');
do $$ begin perform pg_temp.has('sub_2', 'active', 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); end $$;
select is(pg_temp.account(), 'starter from 2027-03-02 11:00 by sub_2', '… another one is in force instead');
select is(pg_temp.asked(), null, '… and of the suspended one nothing is asked: its dispute may be won');
do $$ begin perform pg_temp.suspends('sub_1', 'restored'); end $$;
select is(pg_temp.account(), 'growth from 2027-03-01 11:00 by sub_1', 'won, it is in force again');
select is(pg_temp.asked(), 'sub_2 cancel_now duplicate in 15', '… and the other one is the one too many');
do $$ begin delete from app.processor_operations; perform pg_temp.has('sub_2', 'canceled', 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); end $$;

-- closed
do $$ begin update app.accounts set closed_at = app.clock() where account_id = 'user_1'; perform app.apply_subscriptions('user_1'); end $$;
select is(pg_temp.account(), 'free from 2027-03-02 11:00', 'a closed account has plan free');
select is(pg_temp.asked(), 'sub_1 cancel_now account_closed in 00', '… and its subscription is to end at once');
do $$ begin perform app.apply_subscriptions('user_1'); end $$;
select is(pg_temp.asked(), 'sub_1 cancel_now account_closed in 00', '… which is asked once');
do $$ begin delete from app.processor_operations; perform pg_temp.has('sub_2', 'past_due', 'starter', '2027-03-02 11:00+00', '2027-04-02 11:00+00'); perform pg_temp.has('sub_3', 'trialing', 'starter'); end $$;
select is(pg_temp.asked(), 'sub_1 cancel_now account_closed in 00, sub_2 cancel_now account_closed in 00, sub_3 cancel_now account_closed in 00', 'so are all that are live');
do $$ begin delete from app.processor_operations; update app.accounts set closed_at = null; perform pg_temp.has('sub_1', 'canceled', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00');
  perform pg_temp.has('sub_2', 'canceled', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'), pg_temp.has('sub_3', 'canceled', 'growth', '2027-03-01 11:00+00', '2027-04-01 11:00+00'); end $$;

select throws_ok($$ select app.apply_subscriptions('user_nobody') $$, 'P0002', null, 'an account that is not there is a broken assumption');

select * from finish();
rollback;
