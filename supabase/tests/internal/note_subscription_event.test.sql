-- note_subscription_event: what of an event is kept.
begin;
select plan(19);
do $$ begin
  perform app.ensure_account('user_1');
  perform api.upsert_price('stripe', 'price_' || p, p, 'month') from unnest(array['starter', 'growth', 'enterprise']) p;
end $$;
create function pg_temp.note(
  p_id text, p_prices text[] default array['price_growth'], p_status text default 'active', p_payment text default null, p_starts timestamptz[] default array['2027-03-01'::timestamptz],
  p_ends timestamptz[] default array['2027-04-01'::timestamptz], p_subscription text default 'sub_1'
) returns void language sql as $$
  select app.note_subscription_event('user_1', 'stripe', p_subscription, p_id, '2027-03-01 10:00+00', 2, 'cus_1', case when p_payment is null then p_status end, p_payment, p_prices, p_starts, p_ends,
    '2027-12-01 00:00+00', '2027-03-15 00:00+00', 7900, 'USD', 'in_1')
$$;
create function pg_temp.noted(p_id text) returns text language sql as $$
  select concat_ws(' ', coalesce(status, payment), plan, price_id, period_start::date, period_end::date) from app.subscription_events where event_id = p_id
$$;

select lives_ok($$ select pg_temp.note('e1') $$, 'an event is noted');
select results_eq($$ select account_id, processor, subscription_id, occurred_at, event_rank::int, status, payment, plan, price_id, period_start, period_end, cancels_at, amount_minor, currency, customer_id, payment_id, trial_ends_at, created_at
  from app.subscription_events $$, $$ values ('user_1', 'stripe', 'sub_1', '2027-03-01 10:00+00'::timestamptz, 2, 'active', null::text, 'growth', 'price_growth', '2027-03-01'::timestamptz, '2027-04-01'::timestamptz,
  '2027-12-01 00:00+00'::timestamptz, 7900::bigint, 'USD', 'cus_1', 'in_1', '2027-03-15 00:00+00'::timestamptz, app.clock()) $$, '… whole');
select results_eq($$ select status, plan, trial_ends_at, customer_id from app.processor_subscriptions $$, $$ values ('active', 'growth', '2027-03-15 00:00+00'::timestamptz, 'cus_1') $$, '… and the state follows from it');
select lives_ok($$ select pg_temp.note('e1', p_status => 'canceled') $$, 'the same event with another content is no error');
select is(pg_temp.noted('e1'), 'active growth price_growth 2027-03-01 2027-04-01', '… and changes nothing');

-- items
select pg_temp.note('e2', array['price_addon', 'price_starter', 'price_enterprise', 'price_growth'], p_starts => array['2027-01-01', '2027-02-01', '2027-03-01', '2027-04-01']::timestamptz[],
  p_ends => array['2027-02-01', '2027-03-01', '2027-04-01', '2027-05-01']::timestamptz[]);
select is(pg_temp.noted('e2'), 'active enterprise price_enterprise 2027-03-01 2027-04-01', 'of several items the one for the largest plan speaks, with its period');
select pg_temp.note('e3', array['price_growth', 'price_growth'], p_starts => array['2027-02-01', '2027-03-01']::timestamptz[], p_ends => array['2027-03-01', '2027-04-01']::timestamptz[]);
select is(pg_temp.noted('e3'), 'active growth price_growth 2027-02-01 2027-03-01', 'of several for one plan the first');
select pg_temp.note('e4', null, p_starts => null, p_ends => null);
select is(pg_temp.noted('e4'), 'active', 'an event without items says no plan and no period');
select pg_temp.note('e5', '{}', p_starts => '{}', p_ends => '{}');
select is(pg_temp.noted('e5'), 'active', '… nor does one with an empty list of them');
select pg_temp.note('e6', p_ends => array['2027-03-01'::timestamptz]);
select is(pg_temp.noted('e6'), 'active growth price_growth', 'a period without length is none');
select pg_temp.note('e7', p_ends => array[null::timestamptz]);
select is(pg_temp.noted('e7'), 'active growth price_growth', 'nor is one without an end');

-- unknown prices
select throws_ok(format($$ select pg_temp.note('e8', array['price_9'], %L, %L) $$, status, payment), 'PY412', 'unknown price price_9 of stripe: tell which plan it is with upsert_price', format('an unknown price that grants something (%s) is an error', coalesce(status, payment)))
from (values ('active', null), ('trialing', null), ('past_due', null), (null, 'paid')) v (status, payment);
select is((select count(*) from app.subscription_events where event_id = 'e8'), 0::bigint, '… and nothing is noted');
select lives_ok($$ select pg_temp.note('e9', array['price_9'], 'canceled', p_subscription => 'sub_9'), pg_temp.note('e10', array['price_9'], 'paused', p_subscription => 'sub_9'),
  pg_temp.note('e11', array['price_9'], 'incomplete', p_subscription => 'sub_9'), pg_temp.note('e12', array['price_9'], null, 'failed', p_subscription => 'sub_9') $$, 'one that grants nothing is none');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.note_subscription_event(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null) $$, '42501', null, 'the server may not call it');
set local role operator;
select throws_ok($$ select app.note_subscription_event(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
