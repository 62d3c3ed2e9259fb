-- add_months: whole months in UTC, against an arithmetic of its own.
begin;
select plan(23);

-- Examples
select is(app.add_months('2026-01-31 00:00:00+00', 1), timestamptz '2026-02-28 00:00:00+00', '31 January and a month is 28 February');
select is(app.add_months('2024-01-31 00:00:00+00', 1), timestamptz '2024-02-29 00:00:00+00', 'in a leap year 29 February');
select is(app.add_months('2100-01-31 00:00:00+00', 1), timestamptz '2100-02-28 00:00:00+00', '2100 is no leap year');
select is(app.add_months('2000-01-31 00:00:00+00', 1), timestamptz '2000-02-29 00:00:00+00', '2000 was one');
select is(app.add_months('2026-01-31 00:00:00+00', 2), timestamptz '2026-03-31 00:00:00+00', '31 January and two months is 31 March');
select is(app.add_months('2026-03-31 00:00:00+00', 1), timestamptz '2026-04-30 00:00:00+00', '31 March and a month is 30 April');
select is(app.add_months('2026-12-31 23:30:00+00', 1), timestamptz '2027-01-31 23:30:00+00', 'the year turns over');
select is(app.add_months('2024-02-29 12:34:56.789012+00', 12), timestamptz '2025-02-28 12:34:56.789012+00', '29 February and a year is 28 February');
select is(app.add_months('2024-02-29 00:00:00+00', 48), timestamptz '2028-02-29 00:00:00+00', 'and four years is 29 February');
select is(app.add_months('2026-03-31 00:00:00+00', -1), timestamptz '2026-02-28 00:00:00+00', 'months may be taken away');
select is(app.add_months('2026-01-15 10:00:00+00', -13), timestamptz '2024-12-15 10:00:00+00', 'over the turn of a year');
select is(app.add_months('2026-01-31 10:00:00+00', 0), timestamptz '2026-01-31 10:00:00+00', 'no month changes nothing');
select is(app.add_months(null, 1), null, 'no instant gives none');
select is(app.add_months(now(), null), null, 'no number of months gives none');
select is(
  app.add_months(app.add_months('2026-01-31 00:00:00+00', 1), 1), timestamptz '2026-03-28 00:00:00+00',
  'month by month the day is lost: whoever counts months counts them from the first');

-- Exhaustive: each day of 2023 to 2026, 48 months ahead and back. The day wanted is put together by hand.
create temp table wanted as
select f.at, k as months,
  make_timestamptz(
    (m.number / 12)::integer, (m.number % 12 + 1)::integer,
    least(
      extract(day from f.at at time zone 'UTC')::integer,
      case
        when m.number % 12 + 1 in (4, 6, 9, 11) then 30
        when m.number % 12 + 1 <> 2 then 31
        when m.number / 12 % 4 = 0 and (m.number / 12 % 100 <> 0 or m.number / 12 % 400 = 0) then 29
        else 28
      end),
    23, 30, 0.000001, 'UTC') as moved
from generate_series(timestamptz '2023-01-01 23:30:00.000001+00', timestamptz '2026-12-31 23:30:00.000001+00', interval '24 hours') f (at)
cross join generate_series(-48, 48) k
cross join lateral (
  select extract(year from f.at at time zone 'UTC')::integer * 12 + extract(month from f.at at time zone 'UTC')::integer - 1 + k as number
) m;
select is((select count(*) from wanted), 1461::bigint * 97, 'there are 1461 days and 97 numbers of months');
select is_empty(
  $$ select at, months, moved, app.add_months(at, months) from wanted where app.add_months(at, months) is distinct from moved $$,
  'each day moves to the same day of the month wanted, or to its last, at the same time of day');
set local timezone = 'America/New_York';
select is_empty(
  $$ select at, months from wanted where months in (1, 7) and app.add_months(at, months) is distinct from moved $$,
  'a session in New York counts the months of UTC');
set local timezone = 'Pacific/Auckland';
select is_empty(
  $$ select at, months from wanted where months in (1, 7) and app.add_months(at, months) is distinct from moved $$,
  'so does one in Auckland');
set local timezone = 'UTC';

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.add_months(now(), 1) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.add_months(now(), 1) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.add_months(now(), 1) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.add_months(now(), 1) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
