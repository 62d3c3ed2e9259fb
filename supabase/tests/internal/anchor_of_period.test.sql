-- anchor_of_period: the windows that follow from a confirmed period are those the subscription really has.
begin;
select plan(25);

-- Examples
select is(
  app.anchor_of_period('2026-02-28 10:00:00+00', '2026-03-31 10:00:00+00'), timestamptz '2026-03-31 10:00:00+00',
  'a period from 28 February to 31 March was begun on a 31st');
select is(
  app.anchor_of_period('2026-02-28 10:00:00+00', '2026-03-29 10:00:00+00'), timestamptz '2026-03-29 10:00:00+00',
  'to 29 March: on a 29th');
select is(
  app.anchor_of_period('2026-02-28 10:00:00+00', '2026-03-28 10:00:00+00'), timestamptz '2026-02-28 10:00:00+00',
  'to 28 March: on the 28th itself');
select is(
  app.anchor_of_period('2026-04-30 10:00:00+00', '2026-05-31 10:00:00+00'), timestamptz '2026-05-31 10:00:00+00',
  'a period from 30 April to 31 May was begun on a 31st');
select is(
  app.anchor_of_period('2026-01-31 10:00:00+00', '2026-02-28 10:00:00+00'), timestamptz '2026-01-31 10:00:00+00',
  'a period whose end is the shortened one keeps its start');
select is(
  app.anchor_of_period('2026-05-15 10:00:00+00', '2026-06-15 10:00:00+00'), timestamptz '2026-05-15 10:00:00+00', 'most periods keep their start');
select is(
  app.anchor_of_period('2026-05-01 00:00:00+00', '2026-05-15 00:00:00+00'), timestamptz '2026-05-01 00:00:00+00',
  'a trial of two weeks keeps its start');
select is(
  app.anchor_of_period('2026-02-28 10:00:00+00', '2026-03-07 10:00:00+00'), timestamptz '2026-02-28 10:00:00+00',
  'so does a week from a month''s end');
select is(
  app.anchor_of_period('2026-02-28 10:00:00+00', '2026-03-31 11:00:00+00'), timestamptz '2026-02-28 10:00:00+00',
  'and a period that ends at another time of day');
select is(
  app.anchor_of_period('2026-01-31 10:00:00+00', '2027-01-31 10:00:00+00'), timestamptz '2026-01-31 10:00:00+00', 'a year keeps its start');
select is(
  app.anchor_of_period('2027-02-28 10:00:00+00', '2028-02-29 10:00:00+00'), timestamptz '2028-02-29 10:00:00+00',
  'a year from 28 February to 29 February was begun on the 29th');
select is(
  app.anchor_of_period('2026-02-28 10:00:00+00', null), timestamptz '2026-02-28 10:00:00+00', 'a period without an end keeps its start');
select is(app.anchor_of_period(null, null), null, 'no period has no anchor');

-- Exhaustive: subscriptions begun on each day of January 2023 to 2026, after each of their first 48 periods
create temp table periods as
select begun, k, app.anchor_of_period(app.add_months(begun, k), app.add_months(begun, k + 1)) as anchor
from generate_series(2023, 2026) year
cross join generate_series(1, 31) day
cross join lateral make_timestamptz(year, 1, day, 23, 30, 0, 'UTC') begun
cross join generate_series(0, 47) k;
select is((select count(*) from periods), 31::bigint * 4 * 48, 'every monthly period is there');
select is_empty(
  $$ select p.*, j, w.* from periods p cross join generate_series(0, 13) j
     cross join lateral app.window_at(p.anchor, app.add_months(p.begun, p.k + j)) w
     where (w.window_start, w.window_end) is distinct from (app.add_months(p.begun, p.k + j), app.add_months(p.begun, p.k + j + 1)) $$,
  'this window and the next 13 are those of the subscription, each opened once');
select is_empty(
  $$ select begun, k, w.* from periods p cross join generate_series(0, 3) n
     cross join lateral (select app.add_months(begun, 12 * n) as period_start, app.add_months(begun, 12 * n + 12) as period_end) y
     cross join lateral app.anchor_of_period(y.period_start, y.period_end) yearly
     cross join lateral app.window_at(yearly, app.add_months(begun, 12 * n + k)) w
     where k < 12 and (w.window_start, w.window_end) is distinct from (app.add_months(begun, 12 * n + k), app.add_months(begun, 12 * n + k + 1)) $$,
  'the twelve windows of a year are those of the subscription');

-- By the clock of India: each day of January of four years begins at 18:30 UTC of the day before
create temp table indian as
select begun, k, app.anchor_of_period((begun + make_interval(months => k)) at time zone 'Asia/Kolkata', (begun + make_interval(months => k + 1)) at time zone 'Asia/Kolkata', '5:30') as anchor
from generate_series(2023, 2026) year cross join generate_series(1, 31) day cross join lateral make_timestamp(year, 1, day, 0, 0, 0) begun cross join generate_series(0, 35) k;
select is_empty(
  $$ select p.*, j, w.* from indian p cross join generate_series(0, 13) j
     cross join lateral app.window_at(p.anchor, (p.begun + make_interval(months => p.k + j)) at time zone 'Asia/Kolkata', '5:30') w
     where (w.window_start, w.window_end) is distinct from ((p.begun + make_interval(months => p.k + j)) at time zone 'Asia/Kolkata', (p.begun + make_interval(months => p.k + j + 1)) at time zone 'Asia/Kolkata') $$,
  'in India, too, this window and the next 13 are those of the subscription');
select isnt_empty(
  $$ select from indian p cross join lateral (select (p.begun + make_interval(months => p.k)) at time zone 'Asia/Kolkata' as period_start, (p.begun + make_interval(months => p.k + 1)) at time zone 'Asia/Kolkata' as period_end) b
     cross join lateral app.window_at(app.anchor_of_period(b.period_start, b.period_end), b.period_start) w where w.window_end <> b.period_end $$,
  '… which by UTC they would not be');
select is(app.anchor_of_period('2027-02-27 18:30+00', '2027-03-30 18:30+00', '5:30'), '2027-03-30 18:30+00', 'a period from 28 February to 31 March in India was begun on a 31st');
select is(app.anchor_of_period('2027-02-28 18:30+00', '2027-03-31 18:30+00', '5:30'), '2027-02-28 18:30+00', 'one from 1 March to 1 April in India on a 1st, though it is 28 February to 31 March in UTC');
select is(app.anchor_of_period('2027-02-28 18:30+00', '2027-03-31 18:30+00'), '2027-03-31 18:30+00', '… where it was begun on a 31st');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.anchor_of_period(now(), now()) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.anchor_of_period(now(), now()) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.anchor_of_period(now(), now()) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.anchor_of_period(now(), now()) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
