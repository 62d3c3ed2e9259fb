-- read_processor_health: who is silent for longer than it normally is.
begin;
select plan(23);

create function pg_temp.travel(p_to timestamptz) returns void language sql as $$
  update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from p_to - now())::float8)
$$;
do $$ begin perform pg_temp.travel('2027-03-10 12:00+00'); end $$;
-- Deliveries of a processor, p_apart from each other, the last one at p_last.
create function pg_temp.delivered(p_processor text, p_count integer, p_last timestamptz, p_apart interval, p_type text default 't', p_status text default 'processed') returns void language sql as $$
  insert into app.webhook_events (processor, id, event_type, status, occurred_at, payload, payload_sha256, created_at)
  select p_processor, concat_ws(':', p_type, p_last, i), p_type, p_status, p_last, '{}', '', p_last - i * p_apart from generate_series(0, p_count - 1) i
$$;
create function pg_temp.is_silent(p_processor text) returns boolean language sql as $$ select silent from api.read_processor_health() where processor = p_processor $$;

select is_empty('select * from api.read_processor_health()', 'who never delivered is not told of');
do $$ begin perform pg_temp.delivered('stripe', 20, '2027-03-10 08:00+00', '3 hours'); end $$;
select results_eq('select * from api.read_processor_health()', $$ values ('stripe', '2027-03-10 08:00+00'::timestamptz, 20::bigint, 0::bigint, 0::bigint, 10800::bigint, 14400::bigint, false) $$,
  'the last delivery, how many, what failed, the longest pause before, and the present one');
do $$ begin perform pg_temp.travel('2027-03-10 14:00+00'); end $$;
select is(pg_temp.is_silent('stripe'), false, 'twice the longest pause is not silent yet');
do $$ begin perform pg_temp.travel('2027-03-10 14:00:01+00'); end $$;
select is(pg_temp.is_silent('stripe'), true, 'longer is');
do $$ begin perform pg_temp.delivered('stripe', 1, '2027-03-10 14:00+00', '0', 'another'); end $$;
select is(pg_temp.is_silent('stripe'), false, 'a delivery ends the silence');
select is((select normal_gap_seconds from api.read_processor_health()), 21600::bigint, '… which is then what was normal');

-- busy ones
do $$ begin perform pg_temp.delivered('paddle', 30, '2027-03-10 14:00+00', '1 minute'), pg_temp.travel('2027-03-10 16:00+00'); end $$;
select results_eq($$ select normal_gap_seconds, gap_seconds, silent from api.read_processor_health() where processor = 'paddle' $$, $$ values (3600::bigint, 7200::bigint, false) $$,
  'a pause of less than an hour is as an hour: two hours are no silence');
do $$ begin perform pg_temp.travel('2027-03-10 16:00:01+00'); end $$;
select is(pg_temp.is_silent('paddle'), true, 'more than two are');

-- few
do $$ begin perform pg_temp.delivered('razorpay', 19, '2027-03-08 12:00+00', '1 minute'); end $$;
select is(pg_temp.is_silent('razorpay'), false, 'nineteen deliveries tell nothing');
do $$ begin perform pg_temp.delivered('razorpay', 1, '2027-03-08 11:00+00', '1 minute', 'twentieth'); end $$;
select is(pg_temp.is_silent('razorpay'), true, 'twenty do');

-- what was not delivered
do $$ begin perform pg_temp.delivered('razorpay', 1, '2027-03-10 15:59+00', '0', 'fetched'); end $$;
select results_eq($$ select last_event_at, deliveries, silent from api.read_processor_health() where processor = 'razorpay' $$, $$ values ('2027-03-08 12:00+00'::timestamptz, 20::bigint, true) $$,
  'what was fetched is no delivery');
create temp table run as select run_id from api.begin_reconciliation('razorpay');
do $$ begin perform api.upsert_price('razorpay', 'plan_growth_monthly', 'growth', 'month'); end $$;
select is((select r.outcome from run, api.reconcile_event(run_id, false, 'user_1', 'razorpay', 'evt_missed', 'subscription.charged', 'payment', '2027-03-10 15:00+00', 1, 'cus_1', 'sub_1', null, 'paid',
  array['plan_growth_monthly'], array['2027-03-10 15:00+00'::timestamptz], array['2027-04-10 15:00+00'::timestamptz], null, 1, 'USD', '{}') r), 'corrected', 'a comparison finds a delivery that never came');
select results_eq($$ select last_event_at, silent from api.read_processor_health() where processor = 'razorpay' $$, $$ values ('2027-03-08 12:00+00'::timestamptz, true) $$,
  '… which is no delivery either: it is the silence itself that made it missing');

-- what failed
do $$ begin perform pg_temp.delivered('clerk', 2, '2027-03-10 15:00+00', '1 minute', 'a', 'failed'), pg_temp.delivered('clerk', 3, '2027-03-10 15:00+00', '1 minute', 'b', 'dead'),
  pg_temp.delivered('clerk', 1, '2027-03-10 15:00+00', '1 minute', 'c', 'ignored'); end $$;
select results_eq($$ select deliveries, failed, dead from api.read_processor_health() where processor = 'clerk' $$, $$ values (6::bigint, 2::bigint, 3::bigint) $$, 'what failed and what is dead is counted');
select results_eq('select processor from api.read_processor_health()', array['clerk', 'paddle', 'razorpay', 'stripe'], 'each processor has a row');

-- a silence does not end by lasting
do $$ begin perform pg_temp.travel('2027-04-01 12:00+00'); end $$;
select is(pg_temp.is_silent('paddle'), true, 'three weeks later the silence still lasts');
do $$ begin perform pg_temp.travel('2027-04-09 13:45+00'); end $$;
select is(pg_temp.is_silent('paddle'), true, '… and when the first of its deliveries are thirty days old');
do $$ begin perform pg_temp.travel('2027-05-01 12:00+00'); end $$;
select is(pg_temp.is_silent('paddle'), true, '… and when all of them are');
select is((select last_event_at from api.read_processor_health() where processor = 'paddle'), '2027-03-10 14:00+00', '… and it is told when the last one came');

-- who may call it
set local role service_role;
select lives_ok('select * from api.read_processor_health()', 'the server may call it');
set local role authenticated;
select throws_ok('select * from api.read_processor_health()', '42501', null, 'a signed-in user may not');
set local role anon;
select throws_ok('select * from api.read_processor_health()', '42501', null, 'nor a visitor');
set local role operator;
select throws_ok('select * from api.read_processor_health()', '42501', null, 'nor an operator');
reset role;

select * from finish();
rollback;
