-- upsert_price: what its docstring promises.
begin;
select plan(44);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
select pg_temp.travel_to('2026-03-10 09:00:00+00');

-- The price
select results_eq(
  $$ select processor, price_id, plan, billing_interval from api.upsert_price('stripe', 'price_1', 'starter', 'month') $$,
  $$ values ('stripe', 'price_1', 'starter', 'month') $$, 'a new price is stored and told');
select results_eq(
  $$ select plan, billing_interval, created_at from app.processor_prices where price_id = 'price_1' $$,
  $$ values ('starter', 'month', timestamptz '2026-03-10 09:00:00+00') $$, 'as it was said');
select lives_ok($$ select * from api.upsert_price('stripe', 'price_1', 'starter', 'month') $$, 'saying it again changes nothing');
select results_eq(
  $$ select processor, price_id, plan, billing_interval from api.upsert_price('stripe', 'price_1', 'growth', 'year') $$,
  $$ values ('stripe', 'price_1', 'growth', 'year') $$, 'a price may come to mean another plan and interval');
select results_eq(
  $$ select processor, plan, billing_interval from app.processor_prices where price_id = 'price_1' $$,
  $$ values ('stripe', 'growth', 'year') $$, 'there is one row per price');
select lives_ok(
  $$ select * from api.upsert_price('paddle', 'price_1', 'starter', 'month'); select * from api.upsert_price('razorpay', 'price_1', 'enterprise', 'year') $$,
  'every processor has price ids of its own');
select results_eq(
  $$ select processor, plan from app.processor_prices where price_id = 'price_1' order by 1 $$,
  $$ values ('paddle', 'starter'), ('razorpay', 'enterprise'), ('stripe', 'growth') $$, 'even where they are alike');
select lives_ok($$ select * from api.upsert_price('stripe', repeat('x', 255), 'free', 'month') $$, 'a price id may have 255 characters; a price may mean free');

-- The deliveries that waited for it
select lives_ok(
  $$ insert into app.webhook_events (processor, id, event_type, status, attempts, last_error, occurred_at, payload, payload_sha256, next_attempt_at) values
       ('stripe', 'evt_dead', 't', 'dead', 10, 'PY412: unknown price price_2', now(), '{}', '', null),
       ('stripe', 'evt_failed', 't', 'failed', 3, 'PY412: unknown price price_2', now(), '{}', '', '2026-04-01 00:00:00+00'),
       ('stripe', 'evt_other', 't', 'dead', 10, '23514: something else', now(), '{}', '', null),
       ('stripe', 'evt_done', 't', 'processed', 4, 'PY412: unknown price price_2', now(), '{}', '', null),
       ('paddle', 'evt_paddle', 't', 'dead', 10, 'PY412: unknown price price_2', now(), '{}', '', null) $$,
  'deliveries failed for not knowing a price');
select is_empty(
  $$ select from app.webhook_events where next_attempt_at <= app.clock() $$, 'none of them is due');
select lives_ok($$ select * from api.upsert_price('stripe', 'price_2', 'growth', 'month') $$, 'the price becomes known');
select results_eq(
  $$ select id, status, attempts, next_attempt_at from app.webhook_events order by id $$,
  $$ values
     ('evt_dead', 'failed', 0, timestamptz '2026-03-10 09:00:00+00'),
     ('evt_done', 'processed', 4, null),
     ('evt_failed', 'failed', 0, '2026-03-10 09:00:00+00'),
     ('evt_other', 'dead', 10, null),
     ('evt_paddle', 'dead', 10, null) $$,
  'those of its processor are due at once, dead ones too; other failures, other processors and what is done are left alone');

-- Version and trial
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 8900);
select results_eq($$ select plan, billing_interval, version, trial_days from api.upsert_price('stripe', 'price_new', 'growth', 'month') $$, $$ values ('growth', 'month', 2, 0) $$, 'a price that says no version is of the newest');
select results_eq($$ select version, trial_days from api.upsert_price('stripe', 'price_old', 'growth', 'month', 1) $$, $$ values (1, 0) $$, 'an older version is taken where it is said');
select results_eq($$ select version from api.upsert_price('stripe', 'price_yearly', 'growth', 'year') $$, $$ values (1) $$, 'each interval has versions of its own');
select results_eq($$ select version from api.upsert_price('stripe', 'price_free', 'free', 'month') $$, $$ values (1) $$, 'a plan without prices has version 1');
select results_eq($$ select version, trial_days from api.upsert_price('paddle', 'pri_trial', 'growth', 'month', null, 14) $$, $$ values (2, 14) $$, 'a price may have a trial');
select results_eq($$ select processor, price_id, version, trial_days from app.processor_prices where price_id in ('pri_trial', 'price_2', 'price_new', 'price_old', 'price_yearly') order by price_id collate "C" $$,
  $$ values ('paddle', 'pri_trial', 2, 14), ('stripe', 'price_2', 1, 0), ('stripe', 'price_new', 2, 0), ('stripe', 'price_old', 1, 0), ('stripe', 'price_yearly', 1, 0) $$, 'all are stored as told; what was stored before keeps its version');
select results_eq($$ select version, trial_days from api.upsert_price('paddle', 'pri_trial', 'growth', 'month', 1, 0) $$, $$ values (1, 0) $$, 'saying it otherwise changes it');
select results_eq($$ select version, trial_days from app.processor_prices where price_id = 'pri_trial' $$, $$ values (1, 0) $$, '… there is one row per price');
select throws_ok(format($$ select * from api.upsert_price('stripe', 'price_3', 'growth', 'month', %s) $$, bad), 'PY004', format('plan growth has no version %s of its price per month', bad), format('version %s is an error', bad)) from unnest(array['3', '0', '-1']) bad;
select throws_ok($$ select * from api.upsert_price('stripe', 'price_3', 'growth', 'year', 2) $$, 'PY004', 'plan growth has no version 2 of its price per year', 'so is a version that only another interval has');
select throws_ok(format($$ select * from api.upsert_price('stripe', 'price_3', 'growth', 'month', null, %s) $$, bad), 'PY004', 'trial_days must be from 0 to 365', format('a trial of %s days is an error', bad)) from unnest(array['-1', '366', 'null']) bad;

-- Arguments
select throws_ok(
  format($$ select * from api.upsert_price(%s, 'price_3', 'starter', 'month') $$, bad), 'PY004', 'processor must be stripe, paddle or razorpay',
  format('processor %s is an error', bad))
from unnest(array['''paypal''', '''''', '''Stripe''', 'null']) bad;
select throws_ok(
  format($$ select * from api.upsert_price('stripe', 'price_3', 'starter', %s) $$, bad), 'PY004', 'interval must be month or year',
  format('interval %s is an error', bad))
from unnest(array['''week''', '''''', 'null']) bad;
select throws_ok(
  format($$ select * from api.upsert_price('stripe', %s, 'starter', 'month') $$, bad), 'PY004', 'price_id must have 1 to 255 characters',
  format('price id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;
select throws_ok(
  $$ select * from api.upsert_price('stripe', 'price_3', 'gold', 'month') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok(
  $$ select * from api.upsert_price('stripe', 'price_3', null, 'month') $$, 'PY002', 'unknown plan null', 'no plan is an error');
select is_empty($$ select from app.processor_prices where price_id = 'price_3' $$, 'a call with a bad argument stores nothing');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.upsert_price('stripe', 'price_w', 'starter', 'month') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.upsert_price('stripe', 'price_w', 'starter', 'month') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.upsert_price('stripe', 'price_w', 'starter', 'month') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select lives_ok($$ select * from api.upsert_price('stripe', 'price_w', 'starter', 'month') $$, 'an operator may call it');
reset role;

select * from finish();
rollback;
