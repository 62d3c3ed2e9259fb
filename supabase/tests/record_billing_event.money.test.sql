-- record_billing_event, part 3: what a status grants, grace that ends by the clock alone, windows and their anchor.
begin;
select plan(60);

create function pg_temp.travel(p_to timestamptz) returns void language sql as $$
  update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from p_to - now())::float8)
$$;
do $$ begin
  perform pg_temp.travel('2027-01-10 08:00+00');
  perform api.upsert_price('stripe', 'price_' || p || '_' || i || 'ly', p, i) from unnest(array['starter', 'growth', 'enterprise']) p, unnest(array['month', 'year']) i;
end $$;

-- A state (or, with a payment, a payment) of a plan for the period from p_start on, as of p_at.
create function pg_temp.tell(
  p_account text, p_at timestamptz, p_status text, p_plan text default 'growth', p_start timestamptz default null, p_end timestamptz default null,
  p_payment text default null, p_rank integer default null, p_subscription text default null
) returns text language sql as $$
  select r.outcome from api.record_billing_event(
    p_account, 'stripe', concat_ws(':', 'evt', p_account, p_at, p_status, p_payment, p_start), 'test', case when p_payment is null then 'state' else 'payment' end,
    p_at, coalesce(p_rank, case when p_payment is null then 2 else 1 end), 'cus_' || p_account, coalesce(p_subscription, 'sub_' || p_account), p_status, p_payment,
    case when p_plan is not null then array['price_' || p_plan || '_monthly'] end, array[p_start], array[coalesce(p_end, p_start + interval '1 month')], null, null, null, '{}') r
$$;
create function pg_temp.plan_in_force(p_account text) returns text language sql as $$ select plan from api.read_account(p_account) $$;
-- The window a message would count in now.
create function pg_temp.window_now(p_account text) returns text language sql as $$
  select to_char(window_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' to ' || to_char(resets_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
  from app.entitlement(p_account, 'messages')
$$;

-- what a status grants
select is((select string_agg(s || ' ' || pg_temp.tell('user_' || s, '2027-01-10 07:00+00', s, 'growth', '2027-01-10 07:00+00') || ' ' || pg_temp.plan_in_force('user_' || s), ', ' order by s)
           from unnest(array['active', 'trialing', 'past_due', 'incomplete', 'paused', 'canceled']) s),
  'active processed growth, canceled processed free, incomplete processed free, past_due processed growth, paused processed free, trialing processed growth',
  'active, trialing and past due grant the plan; incomplete, paused and canceled do not');
select is((select string_agg(account_id, ' ' order by account_id) from app.windows), 'user_active user_past_due user_trialing', 'only what is live opens a window');
select is((select string_agg(account_id, ' ' order by account_id) from app.processor_subscriptions where in_force), 'user_active user_past_due user_trialing', 'only what is live is in force');

-- past due: the plan until its grace ends, then free without any event
select is(pg_temp.tell('user_late', '2027-01-10 08:00+00', 'active', 'growth', '2027-01-10 08:00+00'), 'processed', 'a subscription begins');
do $$ begin perform api.check_and_increment_usage('user_late', 'messages', 500); perform pg_temp.travel('2027-02-10 09:00+00'); end $$;
select is(pg_temp.tell('user_late', '2027-02-10 08:00+00', 'active', 'growth', '2027-02-10 08:00+00'), 'processed', 'it renews before the money arrives');
select is(pg_temp.tell('user_late', '2027-02-10 09:00+00', null, 'growth', '2027-02-10 08:00+00', p_payment => 'failed'), 'processed', 'the payment of the renewal fails');
select results_eq($$ select plan, subscribed_plan, status, grace_ends_at from api.read_account('user_late') $$,
  $$ values ('growth', 'growth', 'past_due', '2027-02-17 09:00+00'::timestamptz) $$, 'past due keeps the plan, until the days of grace of that plan are over');
select is((select quota from api.check_and_increment_usage('user_late', 'messages', 200)), 10000::bigint, 'its quota is still the plan''s');
do $$ begin perform pg_temp.tell('user_late', '2027-02-12 09:00+00', null, 'growth', '2027-02-10 08:00+00', p_payment => 'failed'); end $$;
do $$ begin perform pg_temp.tell('user_late', '2027-02-13 09:00+00', 'past_due', 'growth', '2027-02-10 08:00+00'); end $$;
select is((select grace_ends_at from api.read_account('user_late')), '2027-02-17 09:00+00', 'further failures do not make the grace longer');
do $$ begin perform pg_temp.travel('2027-02-17 08:59:59+00'); end $$;
select is((select plan from api.check_and_increment_usage('user_late', 'messages')), 'growth', 'a second before its end the grace holds');
do $$ begin perform pg_temp.travel('2027-02-17 09:00+00'); end $$;
select results_eq($$ select allowed, used, quota, remaining, plan from api.check_and_increment_usage('user_late', 'messages') $$,
  $$ values (false, 201::bigint, 100::bigint, 0::bigint, 'free') $$, 'at its end the account is free, without any event, and what it used stays used');
select results_eq($$ select plan, subscribed_plan, status from api.read_account('user_late') $$, $$ values ('free', 'growth', 'past_due') $$, '… and the account says so');
select results_eq($$ select plan, status from app.subscriptions where user_id = 'user_late' $$, $$ values ('free', 'past_due') $$, '… and the operator sees it so');
select results_eq($$ select distinct plan from api.read_usage('user_late') $$, $$ values ('free') $$, '… and the meters');
select is(pg_temp.tell('user_late', '2027-02-20 10:00+00', null, 'growth', '2027-02-10 08:00+00', p_payment => 'paid'), 'processed', 'the money arrives at last');
select results_eq($$ select plan, status, grace_ends_at from api.read_account('user_late') $$, $$ values ('growth', 'active', null::timestamptz) $$, 'paid, it has its plan again at once');
select is((select used from api.check_and_increment_usage('user_late', 'messages')), 202::bigint, 'recovery opens no new window: what was used in this one counts on');
select is((select count(*) from app.windows where account_id = 'user_late'), 2::bigint, 'two periods, two windows');
do $$ begin perform pg_temp.tell('user_late', '2027-03-10 09:00+00', 'past_due', 'growth', '2027-03-10 08:00+00'); end $$;
select is((select grace_ends_at from api.read_account('user_late')), '2027-03-17 09:00+00', 'another failure later has a grace of its own');
select is((select string_agg(p || ' ' || pg_temp.tell('user_grace_' || p, '2027-02-20 10:00+00', 'past_due', p, '2027-02-20 10:00+00') || ' '
    || (select to_char(grace_ends_at, 'YYYY-MM-DD') from api.read_account('user_grace_' || p)), ', ' order by p) from unnest(array['enterprise', 'growth', 'starter']) p),
  'enterprise processed 2027-03-06, growth processed 2027-02-27, starter processed 2027-02-27', 'each plan has its own days of grace');
do $$ begin update app.plans set grace_days = 0 where plan = 'starter'; perform pg_temp.tell('user_no_grace', '2027-02-10 10:00+00', 'past_due', 'starter', '2027-02-10 10:00+00'); end $$;
select is(pg_temp.plan_in_force('user_no_grace'), 'free', 'a plan without grace is free as soon as it is past due');

-- a first payment that fails
do $$ begin perform pg_temp.travel('2027-03-01 12:00+00'); perform pg_temp.tell('user_first', '2027-03-01 10:00+00', 'incomplete', 'growth', '2027-03-01 10:00+00', p_rank => 0);
  perform pg_temp.tell('user_first', '2027-03-01 10:00+00', null, 'growth', '2027-03-01 10:00+00', p_payment => 'failed'); end $$;
select results_eq($$ select plan, status from api.read_account('user_first') $$, $$ values ('free', 'incomplete') $$, 'a first payment that fails grants nothing, no grace either');
do $$ begin perform pg_temp.tell('user_first', '2027-03-01 11:00+00', null, 'growth', '2027-03-01 10:00+00', p_payment => 'paid'); end $$;
select results_eq($$ select plan, status, window_start from api.read_account('user_first') $$, $$ values ('growth', 'active', '2027-03-01 10:00+00'::timestamptz) $$, 'paid on the second try, it begins');

-- cancellation, pause, return
do $$ begin perform pg_temp.tell('user_gone', '2027-03-01 10:00+00', 'active', 'growth', '2027-03-01 10:00+00'); perform api.check_and_increment_usage('user_gone', 'messages', 150);
  perform pg_temp.tell('user_gone', '2027-03-01 11:00+00', 'canceled', null, null, p_rank => 3); end $$;
select results_eq($$ select plan, subscribed_plan, status, period_end from api.read_account('user_gone') $$,
  $$ values ('free', 'growth', 'canceled', '2027-04-01 10:00+00'::timestamptz) $$, 'canceled, it is free; its last plan and period are not forgotten');
select results_eq($$ select allowed, used, quota from api.check_and_increment_usage('user_gone', 'messages') $$, $$ values (false, 150::bigint, 100::bigint) $$,
  'what was used on the larger plan stays used on the smaller: no counter goes down');
select is(pg_temp.window_now('user_gone'), '2027-03-01 10:00 to 2027-04-01 10:00', 'a cancellation opens no new window');
do $$ begin perform pg_temp.tell('user_gone', '2027-03-01 11:30+00', null, 'growth', '2027-03-01 10:00+00', p_payment => 'paid'); end $$;
select is(pg_temp.plan_in_force('user_gone'), 'free', 'money after the cancellation revives nothing');
do $$ begin perform pg_temp.tell('user_pause', '2027-03-01 10:00+00', 'active', 'growth', '2027-03-01 10:00+00'); perform pg_temp.tell('user_pause', '2027-03-01 11:00+00', 'paused', null, null);
  perform pg_temp.tell('user_pause', '2027-03-01 11:30+00', null, 'growth', null, p_payment => 'paid'); end $$;
select results_eq($$ select plan, status from api.read_account('user_pause') $$, $$ values ('free', 'paused') $$, 'a paused subscription grants nothing, nor does money make it go on');
do $$ begin perform pg_temp.tell('user_pause', '2027-03-01 11:45+00', 'active', null, null); end $$;
select results_eq($$ select plan, status, window_start from api.read_account('user_pause') $$, $$ values ('growth', 'active', '2027-03-01 10:00+00'::timestamptz) $$,
  'resumed, it has the plan and the period it had');

-- change of plan within a period
do $$ begin perform pg_temp.tell('user_up', '2027-03-01 10:00+00', 'active', 'starter', '2027-03-01 10:00+00'); perform api.check_and_increment_usage('user_up', 'messages', 1900);
  perform pg_temp.tell('user_up', '2027-03-01 11:00+00', 'active', 'growth', '2027-03-01 10:00+00'); end $$;
select results_eq($$ select used, quota, plan from api.check_and_increment_usage('user_up', 'messages', 100) $$, $$ values (2000::bigint, 10000::bigint, 'growth') $$, 'an upgrade counts at once, and what was used stays used');
do $$ begin perform pg_temp.tell('user_up', '2027-03-01 11:30+00', 'active', 'starter', '2027-03-01 10:00+00'); end $$;
select results_eq($$ select allowed, used, quota, plan from api.check_and_increment_usage('user_up', 'messages') $$, $$ values (false, 2000::bigint, 2000::bigint, 'starter') $$, 'so does a downgrade');
select is((select count(*) from app.windows where account_id = 'user_up'), 1::bigint, 'a change of plan within the period opens no window');
do $$ begin perform pg_temp.tell('user_up', '2027-03-01 11:40+00', null, 'growth', '2027-03-01 10:00+00', p_payment => 'paid'); end $$;
select is(pg_temp.plan_in_force('user_up'), 'starter', 'the bill of the plan before, paid after the change, does not bring that plan back');

-- windows of a monthly subscription
do $$ begin perform pg_temp.travel('2027-03-05 09:00+00'); perform api.check_and_increment_usage('user_month', 'messages', 30); end $$;
select is(pg_temp.window_now('user_month'), '2027-03-05 09:00 to 2027-04-05 09:00', 'without a subscription windows follow the creation of the account');
do $$ begin perform pg_temp.travel('2027-03-20 12:00+00'); perform pg_temp.tell('user_month', '2027-03-20 10:00+00', 'active', 'starter', '2027-03-20 10:00+00'); end $$;
select is(pg_temp.window_now('user_month'), '2027-03-20 10:00 to 2027-04-20 10:00', 'with one they follow its period');
do $$ begin perform api.check_and_increment_usage('user_month', 'messages', 12); perform pg_temp.travel('2027-04-20 10:30+00'); end $$;
select results_eq($$ select used, window_start from api.read_usage('user_month') where metric = 'messages' $$, $$ values (0::bigint, '2027-04-20 10:00+00'::timestamptz) $$,
  'the next window opens by the clock, though the renewal is late');
do $$ begin perform api.check_and_increment_usage('user_month', 'messages', 5); perform pg_temp.tell('user_month', '2027-04-20 10:00+00', 'active', 'starter', '2027-04-20 10:00+00'); end $$;
select is((select used from api.read_usage('user_month') where metric = 'messages'), 5::bigint, 'a renewal that comes late does not give the window a second time');
do $$ begin perform pg_temp.tell('user_month', '2027-04-20 11:00+00', null, 'starter', '2027-04-20 10:00+00', p_payment => 'paid'); perform pg_temp.tell('user_month', '2027-04-20 11:30+00', 'active', 'starter', '2027-04-20 10:00+00'); end $$;
select is((select used from api.read_usage('user_month') where metric = 'messages'), 5::bigint, 'nor does its payment, nor a later update of the same period');
select results_eq($$ select window_start, used from app.counters where account_id = 'user_month' and metric = 'messages' order by window_start $$,
  $$ values ('2027-03-05 09:00+00'::timestamptz, 30::bigint), ('2027-03-20 10:00+00'::timestamptz, 12::bigint), ('2027-04-20 10:00+00'::timestamptz, 5::bigint) $$,
  'every window keeps its sum');
select results_eq($$ select window_start, window_end from app.windows where account_id = 'user_month' order by 1 $$,
  $$ values ('2027-03-20 10:00+00'::timestamptz, '2027-04-20 10:00+00'::timestamptz), ('2027-04-20 10:00+00'::timestamptz, '2027-05-20 10:00+00'::timestamptz) $$,
  'each confirmed period is noted once');
do $$ begin perform pg_temp.tell('user_month', '2027-04-20 11:40+00', null, 'starter', '2027-03-20 10:00+00', p_payment => 'paid'); end $$;
select is((select anchor from app.accounts where account_id = 'user_month'), '2027-04-20 10:00+00', 'an invoice of an older period paid late does not move the anchor back');
do $$ begin perform pg_temp.tell('user_month', '2027-04-20 11:50+00', 'canceled', null, null, p_rank => 3); perform pg_temp.travel('2027-06-01 00:00+00'); end $$;
select is(pg_temp.window_now('user_month'), '2027-05-20 10:00 to 2027-06-20 10:00', 'after the end windows go on from the last period');

-- yearly
do $$ begin perform pg_temp.tell('user_year', '2027-05-15 10:00+00', 'active', 'growth', '2027-05-15 10:00+00', '2028-05-15 10:00+00'); end $$;
select is(pg_temp.window_now('user_year'), '2027-05-15 10:00 to 2027-06-15 10:00', 'a yearly subscription has monthly windows');
do $$ begin perform pg_temp.travel('2028-02-20 00:00+00'); end $$;
select is(pg_temp.window_now('user_year'), '2028-02-15 10:00 to 2028-03-15 10:00', '… all the year');
select is((select count(*) from app.windows where account_id = 'user_year'), 1::bigint, '… of one confirmed period');

-- the last day of a month
do $$ begin perform pg_temp.travel('2027-01-31 12:00+00'); perform pg_temp.tell('user_31', '2027-01-31 10:00+00', 'active', 'growth', '2027-01-31 10:00+00', '2027-02-28 10:00+00'); end $$;
select is(pg_temp.window_now('user_31'), '2027-01-31 10:00 to 2027-02-28 10:00', 'a subscription begun on 31 January has its first window until 28 February');
do $$ begin perform pg_temp.travel('2027-03-05 12:00+00'); end $$;
select is(pg_temp.window_now('user_31'), '2027-02-28 10:00 to 2027-03-31 10:00', 'without the renewal its second window ends on 31 March');
do $$ begin perform pg_temp.tell('user_31', '2027-02-28 10:00+00', 'active', 'growth', '2027-02-28 10:00+00', '2027-03-31 10:00+00'); end $$;
select is(pg_temp.window_now('user_31'), '2027-02-28 10:00 to 2027-03-31 10:00', 'with the renewal of 28 February too');
do $$ begin perform pg_temp.travel('2027-03-29 12:00+00'); end $$;
select is(pg_temp.window_now('user_31'), '2027-02-28 10:00 to 2027-03-31 10:00', '… on 29 March still: no window opens three days early');
do $$ begin perform pg_temp.tell('user_31', '2027-03-31 10:00+00', 'active', 'growth', '2027-03-31 10:00+00', '2027-04-30 10:00+00'); perform pg_temp.travel('2027-04-15 12:00+00'); end $$;
select is(pg_temp.window_now('user_31'), '2027-03-31 10:00 to 2027-04-30 10:00', 'then 31 March to 30 April');
do $$ begin perform pg_temp.tell('user_31', '2027-04-30 10:00+00', 'active', 'growth', '2027-04-30 10:00+00', '2027-05-31 10:00+00'); perform pg_temp.travel('2027-05-30 12:00+00'); end $$;
select is(pg_temp.window_now('user_31'), '2027-04-30 10:00 to 2027-05-31 10:00', 'then 30 April to 31 May');

-- two subscriptions of one account
do $$ begin perform pg_temp.travel('2027-06-01 12:00+00'); perform pg_temp.tell('user_two', '2027-06-01 10:00+00', 'active', 'starter', '2027-06-01 10:00+00', p_subscription => 'sub_small');
  perform pg_temp.tell('user_two', '2027-06-01 11:00+00', 'active', 'growth', '2027-06-01 11:00+00', p_subscription => 'sub_large'); end $$;
select results_eq($$ select subscription_id from app.processor_subscriptions where account_id = 'user_two' and in_force $$, $$ values ('sub_large') $$, 'of two live subscriptions the larger plan is in force, and only that one');
do $$ begin perform pg_temp.tell('user_two', '2027-06-01 11:30+00', 'past_due', 'growth', '2027-06-01 11:00+00', p_subscription => 'sub_large'); end $$;
select results_eq($$ select plan, plan_ends_at from app.accounts where account_id = 'user_two' $$, $$ values ('starter', null::timestamptz) $$, 'one that is paid goes before a larger one past due');

-- a second, cheaper or trial subscription does not give the quota of the first again
do $$ begin perform pg_temp.travel('2027-06-10 12:00+00'); perform pg_temp.tell('user_again', '2027-06-01 10:00+00', 'active', 'growth', '2027-06-01 10:00+00', p_subscription => 'sub_paid');
  perform api.check_and_increment_usage('user_again', 'messages', 10000); end $$;
select is(pg_temp.tell('user_again', '2027-06-09 10:00+00', 'trialing', 'starter', '2027-06-09 10:00+00', p_subscription => 'sub_extra'), 'processed', 'a trial begins beside a subscription whose quota is used up');
select is(pg_temp.window_now('user_again'), '2027-06-01 10:00 to 2027-07-01 10:00', '… it opens no window');
select results_eq($$ select allowed, used, plan from api.check_and_increment_usage('user_again', 'messages') $$, $$ values (false, 10000::bigint, 'growth') $$, '… and grants nothing more');
do $$ begin perform pg_temp.tell('user_again', '2027-06-09 11:00+00', 'canceled', null, null, p_rank => 3, p_subscription => 'sub_extra'); end $$;
select results_eq($$ select allowed, used from api.check_and_increment_usage('user_again', 'messages') $$, $$ values (false, 10000::bigint) $$, '… nor does its end');
do $$ begin perform pg_temp.travel('2027-07-05 12:00+00'); perform pg_temp.tell('user_again', '2027-07-01 10:00+00', 'active', 'growth', '2027-07-01 10:00+00', p_subscription => 'sub_paid');
  perform api.check_and_increment_usage('user_again', 'messages', 10000); perform pg_temp.tell('user_again', '2027-07-04 10:00+00', 'active', 'starter', '2027-07-04 10:00+00', p_subscription => 'sub_cheap'); end $$;
select results_eq($$ select window_start, used from app.counters where account_id = 'user_again' and metric = 'messages' order by 1 $$,
  $$ values ('2027-06-01 10:00+00'::timestamptz, 10000::bigint), ('2027-07-01 10:00+00'::timestamptz, 10000::bigint) $$, 'each month of the larger one has one counter, whatever the smaller one does');
do $$ begin perform pg_temp.tell('user_again', '2027-07-05 10:00+00', 'canceled', null, null, p_rank => 3, p_subscription => 'sub_paid'); end $$;
select results_eq($$ select plan, window_start from api.read_account('user_again') $$, $$ values ('starter', '2027-07-04 10:00+00'::timestamptz) $$, 'when the larger one ends, the smaller one counts, in its own windows');

-- the ledger agrees with every counter there is
select is_empty($$ select c.account_id, c.metric, c.window_start from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$,
  'after all this every counter is the sum of its ledger');

select * from finish();
rollback;
