-- window_at: half-open, contiguous windows, each bound a whole number of months from the anchor.
begin;
select plan(28);

create function pg_temp.bound(p_anchor timestamptz, p_months integer) returns timestamptz language plpgsql as $$
declare
  v_anchor timestamp := p_anchor at time zone 'UTC';
  v_first date := make_date(extract(year from v_anchor)::integer, extract(month from v_anchor)::integer, 1);
  v_month integer := extract(year from v_first) * 12 + extract(month from v_first) - 1 + p_months;
  v_next date := make_date((v_month + 1) / 12, (v_month + 1) % 12 + 1, 1);
begin
  -- Worked out apart from the function: the same day, or the day before the first of the next month.
  return (least(make_date(v_month / 12, v_month % 12 + 1, 1) + extract(day from v_anchor)::integer - 1, v_next - 1) + v_anchor::time)
         at time zone 'UTC';
end
$$;

-- Examples
select results_eq(
  $$ select w.* from unnest(array['2026-01-31 10:00:00+00', '2026-02-28 10:00:00+00', '2026-03-31 10:00:00+00', '2026-04-30 10:00:00+00']::timestamptz[]) at
     cross join lateral app.window_at('2026-01-31 10:00:00+00', at) w $$,
  $$ values (timestamptz '2026-01-31 10:00:00+00', timestamptz '2026-02-28 10:00:00+00'), ('2026-02-28 10:00:00+00', '2026-03-31 10:00:00+00'),
            ('2026-03-31 10:00:00+00', '2026-04-30 10:00:00+00'), ('2026-04-30 10:00:00+00', '2026-05-31 10:00:00+00') $$,
  'from 31 January: 28 February, 31 March, 30 April, 31 May');
select results_eq(
  $$ select * from app.window_at('2024-01-31 10:00:00+00', '2024-02-29 09:59:59.999999+00') $$,
  $$ values (timestamptz '2024-01-31 10:00:00+00', timestamptz '2024-02-29 10:00:00+00') $$,
  'in a leap year the window ends on 29 February');
select results_eq(
  $$ select w.* from unnest(array['2025-02-27 00:00:00+00', '2025-02-28 00:00:00+00', '2028-02-28 00:00:00+00', '2028-02-29 00:00:00+00']::timestamptz[]) at
     cross join lateral app.window_at('2024-02-29 00:00:00+00', at) w $$,
  $$ values (timestamptz '2025-01-29 00:00:00+00', timestamptz '2025-02-28 00:00:00+00'), ('2025-02-28 00:00:00+00', '2025-03-29 00:00:00+00'),
            ('2028-01-29 00:00:00+00', '2028-02-29 00:00:00+00'), ('2028-02-29 00:00:00+00', '2028-03-29 00:00:00+00') $$,
  'from 29 February: the 28th in other years, the 29th in leap years');
select results_eq(
  $$ select * from app.window_at('2026-01-31 23:30:00+00', '2026-02-28 23:29:59.999999+00') $$,
  $$ values (timestamptz '2026-01-31 23:30:00+00', timestamptz '2026-02-28 23:30:00+00') $$,
  'an anchor late in the day: the last day belongs to the window before until that time');
select results_eq(
  $$ select * from app.window_at('2026-01-31 23:30:00+00', '2026-02-28 23:30:00+00') $$,
  $$ values (timestamptz '2026-02-28 23:30:00+00', timestamptz '2026-03-31 23:30:00+00') $$,
  'and to the next from then on');
select results_eq(
  $$ select * from app.window_at('2026-03-31 00:00:00+00', '2026-02-28 00:00:00+00') $$,
  $$ values (timestamptz '2026-02-28 00:00:00+00', timestamptz '2026-03-31 00:00:00+00') $$,
  'the instant may lie before the anchor');
select results_eq(
  $$ select * from app.window_at('2026-03-31 00:00:00+00', '2024-01-01 00:00:00+00') $$,
  $$ values (timestamptz '2023-12-31 00:00:00+00', timestamptz '2024-01-31 00:00:00+00') $$,
  'by years');
select results_eq(
  $$ select * from app.window_at(null, now()) $$, $$ values (null::timestamptz, null::timestamptz) $$, 'without an anchor there is no window');
select results_eq(
  $$ select * from app.window_at(now(), null) $$, $$ values (null::timestamptz, null::timestamptz) $$, 'without an instant there is none either');

-- Exhaustive: each anchor day 1 to 31 in the long months January, March and October of 2023 to 2026, and in February,
-- at four times of day, over 48 windows
create temp table windows as
select a.anchor, k, pg_temp.bound(a.anchor, k) as window_start, pg_temp.bound(a.anchor, k + 1) as window_end
from (
  select make_timestamptz(year, month, day, hour, minute, second, 'UTC') as anchor
  from generate_series(2023, 2026) year
  cross join unnest(array[1, 2, 3, 10]) month
  cross join generate_series(1, 31) day
  cross join (values (0, 0, 0::double precision), (9, 15, 30.5), (23, 30, 0), (23, 59, 59.999999)) t (hour, minute, second)
  where month <> 2 or day <= case when year = 2024 then 29 else 28 end
) a
cross join generate_series(0, 47) k;
select is((select count(*) from windows where k = 0), (4 * (3 * 31 * 4 + 28 * 4) + 4)::bigint, 'every anchor is there');
select is_empty('select from windows where window_start >= window_end', 'the windows wanted run forward');
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, b.window_start) w
     where (w.window_start, w.window_end) is distinct from (b.window_start, b.window_end) $$,
  'window k begins at the anchor and k months, and contains its first instant');
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, b.window_end - interval '1 microsecond') w
     where (w.window_start, w.window_end) is distinct from (b.window_start, b.window_end) $$,
  'it contains its last microsecond');
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, b.window_end) w where w.window_start <> b.window_end $$,
  'it does not contain its end: there the next one begins, without a gap');
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, b.window_start + (b.window_end - b.window_start) / 2) w
     where (w.window_start, w.window_end) is distinct from (b.window_start, b.window_end) $$,
  'it contains its middle');
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, pg_temp.bound(b.anchor, -1 - k)) w
     where (w.window_start, w.window_end) is distinct from (pg_temp.bound(b.anchor, -1 - k), pg_temp.bound(b.anchor, -k)) and k < 14 $$,
  'the same holds before the anchor');
select is_empty(
  $$ select anchor, at, w.* from unnest(array['2023-01-29 23:30:00+00', '2024-01-30 23:30:00+00', '2023-03-31 23:30:00+00']::timestamptz[]) anchor
     cross join generate_series(timestamptz '2023-01-01 00:00:00+00', timestamptz '2025-03-02 00:00:00+00', interval '1 hour') at
     cross join lateral app.window_at(anchor, at) w
     where not (w.window_start <= at and at < w.window_end) $$,
  'every hour of two years falls into the window found for it');

-- Sessions in other time zones
set local timezone = 'America/New_York';
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, b.window_start) w
     where k in (1, 8) and (w.window_start, w.window_end) is distinct from (b.window_start, b.window_end) $$,
  'a session in New York finds the windows of UTC');
set local timezone = 'Pacific/Auckland';
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor, b.window_start) w
     where k in (1, 8) and (w.window_start, w.window_end) is distinct from (b.window_start, b.window_end) $$,
  'so does one in Auckland');
set local timezone = 'UTC';

-- By another clock than that of UTC
select results_eq(
  $$ select w.* from unnest(array['2027-01-30 18:30:00+00', '2027-02-27 18:30:00+00', '2027-03-30 18:30:00+00']::timestamptz[]) at
     cross join lateral app.window_at('2027-01-30 18:30:00+00', at, '5:30') w $$,
  $$ values (timestamptz '2027-01-30 18:30:00+00', timestamptz '2027-02-27 18:30:00+00'), ('2027-02-27 18:30:00+00', '2027-03-30 18:30:00+00'), ('2027-03-30 18:30:00+00', '2027-04-29 18:30:00+00') $$,
  'from midnight of 31 January in India: midnight of 28 February, 31 March and 30 April there');
select results_eq($$ select * from app.window_at('2027-01-30 18:30:00+00', '2027-02-27 18:29:59.999999+00', '5:30') $$,
  $$ values (timestamptz '2027-01-30 18:30:00+00', timestamptz '2027-02-27 18:30:00+00') $$, 'the last microsecond before midnight in India belongs to the window before');
select is_empty(
  $$ select b.*, w.* from windows b cross join lateral app.window_at(b.anchor - interval '5:30', b.window_start - interval '5:30', '5:30') w
     where k < 14 and (w.window_start, w.window_end) is distinct from (b.window_start - interval '5:30', b.window_end - interval '5:30') $$,
  'windows in India are those of UTC, five and a half hours earlier');
select is_empty(
  $$ select at from generate_series(timestamptz '2027-01-30 18:30:00+00', timestamptz '2028-03-01 00:00:00+00', interval '30 minutes') at
     cross join lateral app.window_at('2027-01-30 18:30:00+00', at, '5:30') w where not (w.window_start <= at and at < w.window_end) $$,
  'every half hour of thirteen months falls into the window found for it');
select results_eq($$ select * from app.window_at('2026-01-31 10:00:00+00', '2026-03-01 00:00:00+00', '0') $$, $$ select * from app.window_at('2026-01-31 10:00:00+00', '2026-03-01 00:00:00+00') $$,
  'no distance is that of UTC');

-- Who may call it
set local role operator;
select lives_ok($$ select app.window_at(now(), now()) $$, 'an operator may call it');
set local role authenticated;
select throws_ok($$ select app.window_at(now(), now()) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.window_at(now(), now()) $$, '42501', null, 'a visitor may not call it');
set local role service_role;
select throws_ok($$ select app.window_at(now(), now()) $$, '42501', null, 'the server may not call it');
reset role;

select * from finish();
rollback;
