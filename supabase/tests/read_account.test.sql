-- read_account: what its docstring promises.
begin;
select plan(20);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
select pg_temp.travel_to('2026-01-31 23:30:00+00');

-- Without a subscription
select results_eq(
  $$ select account_id, plan, plan_name, subscribed_plan, status, processor, subscription_id, window_start, window_end, period_end, cancels_at,
            grace_ends_at, created_at from api.read_account('org_a') $$,
  $$ values ('org_a', 'free', 'Free', null::text, 'none', null::text, null::text, timestamptz '2026-01-31 23:30:00+00',
             timestamptz '2026-02-28 23:30:00+00', null::timestamptz, null::timestamptz, null::timestamptz, timestamptz '2026-01-31 23:30:00+00') $$,
  'an account is made on its first use: plan free, no subscription, windows from now on');
select pg_temp.travel_to('2026-03-01 00:00:00+00');
select results_eq(
  $$ select window_start, window_end, created_at from api.read_account('org_a') $$,
  $$ values (timestamptz '2026-02-28 23:30:00+00', timestamptz '2026-03-31 23:30:00+00', timestamptz '2026-01-31 23:30:00+00') $$,
  'its window moves on: 31 January, 28 February, 31 March');
select is((select count(*) from app.accounts where account_id = 'org_a'), 1::bigint, 'reading again makes no second account');
select is((select count(*) from api.read_account('org_b')), 1::bigint, 'one row is told, however many accounts there are');

-- With a subscription. Its state is put there as record_billing_event would leave it.
create function pg_temp.subscribe(p_account_id text, p_status text, p_plan text, p_start timestamptz, p_end timestamptz,
  p_past_due_since timestamptz default null, p_cancels_at timestamptz default null) returns void language sql as $$
  select app.ensure_account(p_account_id);
  insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, price_id, period_start, period_end,
    cancels_at, past_due_since, as_of, as_of_rank, as_of_event_id)
  values (p_account_id, 'stripe', 'sub_1', p_status, p_plan, 'price_1', p_start, p_end, p_cancels_at, p_past_due_since, app.clock(), 2, 'evt_1')
  on conflict (account_id, processor, subscription_id) do update
  set status = excluded.status, past_due_since = excluded.past_due_since, cancels_at = excluded.cancels_at;
  select app.apply_subscriptions(p_account_id);
$$;
select pg_temp.subscribe('org_c', 'active', 'growth', '2026-02-15 12:00:00+00', '2026-03-15 12:00:00+00');
select results_eq(
  $$ select plan, plan_name, subscribed_plan, status, processor, subscription_id, window_start, window_end, period_end, cancels_at, grace_ends_at, created_at
     from api.read_account('org_c') $$,
  $$ values ('growth', 'Growth', 'growth', 'active', 'stripe', 'sub_1', timestamptz '2026-02-15 12:00:00+00', timestamptz '2026-03-15 12:00:00+00',
             timestamptz '2026-03-15 12:00:00+00', null::timestamptz, null::timestamptz, timestamptz '2026-03-01 00:00:00+00') $$,
  'an active subscription decides the plan and the windows');
select pg_temp.subscribe('org_c', 'active', 'growth', null, null, null, '2026-03-15 12:00:00+00');
select is(
  (select (plan, status, cancels_at)::text from api.read_account('org_c')),
  ('growth', 'active', timestamptz '2026-03-15 12:00:00+00')::text, 'a cancellation to come is told; the plan stays in force');
select pg_temp.subscribe('org_c', 'canceled', 'growth', null, null);
select results_eq(
  $$ select plan, plan_name, subscribed_plan, status, window_start from api.read_account('org_c') $$,
  $$ values ('free', 'Free', 'growth', 'canceled', timestamptz '2026-02-15 12:00:00+00') $$,
  'after the cancellation the plan in force is free, and the window stays');
select pg_temp.subscribe('org_d', 'active', 'growth', '2026-02-15 12:00:00+00', '2026-03-15 12:00:00+00');
select pg_temp.subscribe('org_d', 'past_due', 'growth', null, null, '2026-02-28 00:00:00+00');
select results_eq(
  $$ select plan, subscribed_plan, status, grace_ends_at from api.read_account('org_d') $$,
  $$ values ('growth', 'growth', 'past_due', timestamptz '2026-03-07 00:00:00+00') $$,
  'past due, the plan stays in force until its grace ends');
select pg_temp.travel_to('2026-03-06 23:59:59.999999+00');
select is((select plan from api.read_account('org_d')), 'growth', 'to the last microsecond');
select pg_temp.travel_to('2026-03-07 00:00:00+00');
select results_eq(
  $$ select plan, plan_name, subscribed_plan, status, grace_ends_at from api.read_account('org_d') $$,
  $$ values ('free', 'Free', 'growth', 'past_due', timestamptz '2026-03-07 00:00:00+00') $$,
  'then it is free without any further event');
select pg_temp.subscribe('org_d', 'active', 'growth', null, null);
select is(
  (select (plan, status, grace_ends_at)::text from api.read_account('org_d')), '(growth,active,)', 'a payment brings it back; there is no grace to end');

-- A yearly subscription has monthly windows
select pg_temp.subscribe('org_e', 'active', 'starter', '2026-01-31 23:30:00+00', '2027-01-31 23:30:00+00');
select results_eq(
  $$ select window_start, window_end, period_end from api.read_account('org_e') $$,
  $$ values (timestamptz '2026-02-28 23:30:00+00', timestamptz '2026-03-31 23:30:00+00', timestamptz '2027-01-31 23:30:00+00') $$,
  'in the second month of the year the window is the second month');
select pg_temp.travel_to('2026-12-31 23:30:00+00');
select results_eq(
  $$ select window_start, window_end, period_end from api.read_account('org_e') $$,
  $$ values (timestamptz '2026-12-31 23:30:00+00', timestamptz '2027-01-31 23:30:00+00', timestamptz '2027-01-31 23:30:00+00') $$,
  'the last window of the year ends with the period');

-- Arguments
select throws_ok(
  format('select * from api.read_account(%s)', bad), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.read_account('org_w') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.read_account('org_w') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.read_account('org_w') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.read_account('org_w') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
