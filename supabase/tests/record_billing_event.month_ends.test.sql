-- record_billing_event, part 7: windows of subscriptions that begin at the end of a month, by the clock of each processor:
-- Razorpay's months go from midnight to midnight in India (18:30 UTC of the day before), those of the others in UTC.
-- However much of the renewals is missing, each month has one window, which opens neither early nor twice.
begin;
select plan(43);

do $$ begin
  update app.environment set kind = 'sandbox';
  perform api.upsert_price(p, 'price_monthly', 'growth', 'month'), api.upsert_price(p, 'price_yearly', 'growth', 'year') from unnest(array['stripe', 'paddle', 'razorpay']) p;
end $$;
create function pg_temp.travel(p_to timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_to - now())::float8)
$$;
-- Bound number p_months of a subscription begun at p_begun, a local time of the zone its processor bills by: the same day of
-- the month, or its last. Worked out apart from the functions tried here.
create function pg_temp.bound(p_processor text, p_begun timestamp, p_months integer) returns timestamptz language sql as $$
  select (date_trunc('month', p_begun) + make_interval(months => p_months)
          + make_interval(days => least(extract(day from p_begun), extract(day from date_trunc('month', p_begun) + make_interval(months => p_months + 1) - interval '1 day'))::int - 1)
          + p_begun::time) at time zone case p_processor when 'razorpay' then 'Asia/Kolkata' else 'UTC' end
$$;
create function pg_temp.tell(p_account text, p_processor text, p_price text, p_kind text, p_start timestamptz, p_end timestamptz) returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, p_processor, concat_ws(':', p_account, p_kind, p_start), 't', p_kind, p_start + interval '5 s', 2, 'cus_' || p_account,
    'sub_' || p_account, case p_kind when 'state' then 'active' end, case p_kind when 'payment' then 'paid' end, array[p_price], array[p_start], array[p_end], null, 7900, 'USD', '{}',
    null, false, null, case p_kind when 'payment' then 'pay_' || p_account || p_start end) r
$$;
-- Fourteen months of a subscription, in which messages are sent at the very start of each, some time later, three days
-- before its end (a short February would open a window there) and in its last microsecond; the renewal is told
--   p_news  both, state, payment: that much of it · turns: the one and the other · some: of every third month ·
--           none: never again · late: five days later (in both ways), after the month was used · backwards: all at the very end
-- Returns: the account, new for each call
create function pg_temp.live(p_processor text, p_begun timestamp, p_news text default 'both', p_period_months integer default 1) returns text language plpgsql as $$
declare
  v_account text := concat_ws('_', p_processor, to_char(p_begun, 'YYYYMMDDHH24MI'), p_news, p_period_months);
  v_price text := case p_period_months when 1 then 'price_monthly' else 'price_yearly' end;
  v_start timestamptz;
  v_end timestamptz;
  v_renewed boolean;
begin
  for k in 0..13 loop
    v_start := pg_temp.bound(p_processor, p_begun, k);
    v_end := pg_temp.bound(p_processor, p_begun, k + 1);
    v_renewed := k % p_period_months = 0;
    perform pg_temp.travel(v_start);
    if v_renewed and (k = 0 or p_news in ('both', 'state', 'turns') and (p_news <> 'turns' or k % 2 = 0) or p_news = 'some' and k % 3 = 0) then
      perform pg_temp.tell(v_account, p_processor, v_price, 'state', v_start, pg_temp.bound(p_processor, p_begun, k + p_period_months));
    end if;
    if v_renewed and (k = 0 or p_news in ('both', 'payment', 'turns') and (p_news <> 'turns' or k % 2 = 1) or p_news = 'some' and k % 3 = 0) then
      perform pg_temp.tell(v_account, p_processor, v_price, 'payment', v_start, pg_temp.bound(p_processor, p_begun, k + p_period_months));
    end if;
    perform api.check_and_increment_usage(v_account, 'messages', 1);
    perform pg_temp.travel(v_start + interval '5 days');
    if v_renewed and p_news = 'late' then
      perform pg_temp.tell(v_account, p_processor, v_price, kind, v_start, pg_temp.bound(p_processor, p_begun, k + p_period_months)) from unnest(array['payment', 'state']) kind;
    end if;
    perform api.check_and_increment_usage(v_account, 'messages', 10);
    perform pg_temp.travel(v_end - interval '3 days'), api.check_and_increment_usage(v_account, 'messages', 100);
    perform pg_temp.travel(v_end - interval '1 microsecond'), api.check_and_increment_usage(v_account, 'messages', 1000);
  end loop;
  if p_news = 'backwards' then
    perform pg_temp.tell(v_account, p_processor, v_price, kind, pg_temp.bound(p_processor, p_begun, k), pg_temp.bound(p_processor, p_begun, k + 1))
    from unnest(array['payment', 'state']) kind, generate_series(13, 0, -1) k;
  end if;
  return v_account;
end
$$;
-- Each month had one window, and all that was used in it was counted there.
create function pg_temp.has_its_months(p_processor text, p_begun timestamp, p_news text, p_period_months integer, p_title text) returns text language plpgsql as $$
declare
  v_account text := pg_temp.live(p_processor, p_begun, p_news, p_period_months);
begin
  return results_eq(
    format($f$ select window_start, used from app.counters where account_id = %L and metric = 'messages' order by 1 $f$, v_account),
    format($f$ select pg_temp.bound(%L, %L, k), 1111::bigint from generate_series(0, 13) k $f$, p_processor, p_begun), p_title);
end
$$;

-- the machinery of this file itself
select results_eq($$ select pg_temp.bound('razorpay', '2027-01-31 00:00', k) from generate_series(0, 2) k $$,
  $$ values ('2027-01-30 18:30+00'::timestamptz), ('2027-02-27 18:30+00'), ('2027-03-30 18:30+00') $$, 'midnight of 31 January, 28 February and 31 March in India');
select is(pg_temp.bound('stripe', '2027-01-31 10:00', 13), '2028-02-29 10:00+00', 'fourteen months from January 2027 end after a leap day');

-- Razorpay, from midnight on 31 January in India
select pg_temp.has_its_months('razorpay', '2027-01-31 00:00', news, 1, format('Razorpay from 31 January, %s: one window a month over 14 months', title))
from (values ('both', 'each renewal told by its state and its payment'), ('state', 'by its state alone'), ('payment', 'by its payment alone'), ('turns', 'by the one and the other in turns'),
             ('some', 'every third one'), ('none', 'none after the first'), ('late', 'each five days late'), ('backwards', 'all at the end, the last first')) v (news, title);
select pg_temp.has_its_months('razorpay', ('2027-01-' || day || ' 00:00')::timestamp, news, 1, format('Razorpay from %s January, renewals told: %s', day, news))
from unnest(array[29, 30]) day, unnest(array['both', 'payment', 'none', 'late']) news;
select pg_temp.has_its_months('razorpay', '2027-03-01 00:00', news, 1, format('Razorpay from 1 March in India, which is 28 February in UTC, renewals told: %s', news))
from unnest(array['both', 'none', 'late']) news;
select pg_temp.has_its_months('razorpay', '2027-01-31 00:00', news, 12, format('Razorpay by the year from 31 January: monthly windows, the second year told: %s', news))
from unnest(array['both', 'payment', 'none', 'late']) news;

-- Stripe and Paddle, in UTC
select pg_temp.has_its_months(processor, '2027-01-31 10:00', news, 1, format('%s from 31 January in UTC, renewals told: %s', processor, news))
from unnest(array['stripe', 'paddle']) processor, unnest(array['both', 'payment', 'some', 'late']) news;
select pg_temp.has_its_months('stripe', '2027-01-31 23:30', 'both', 1, 'Stripe from late on 31 January in UTC, which is February in India: by UTC');
select pg_temp.has_its_months(processor, '2027-01-31 10:00', news, 12, format('%s by the year from 31 January: monthly windows, the second year told: %s', processor, news))
from unnest(array['stripe', 'paddle']) processor, unnest(array['both', 'late']) news;

-- Razorpay's first period begins at the minute of the purchase, all later ones at midnight
create function pg_temp.late_first_renewal(p_hours_late integer) returns text language plpgsql as $$
declare
  v_account text := 'razorpay_at_noon_' || p_hours_late;
begin
  perform pg_temp.travel('2027-01-31 12:00+05:30');
  perform pg_temp.tell(v_account, 'razorpay', 'price_monthly', 'payment', '2027-01-31 12:00+05:30', '2027-02-28 00:00+05:30');
  perform api.check_and_increment_usage(v_account, 'messages', 1);
  perform pg_temp.travel('2027-02-28 00:00+05:30'::timestamptz + make_interval(hours => p_hours_late));
  perform api.check_and_increment_usage(v_account, 'messages', 10000);
  perform pg_temp.tell(v_account, 'razorpay', 'price_monthly', 'payment', '2027-02-28 00:00+05:30', '2027-03-31 00:00+05:30');
  perform api.check_and_increment_usage(v_account, 'messages', 10000);
  return v_account;
end
$$;
do $$ begin perform pg_temp.late_first_renewal(0), pg_temp.late_first_renewal(15); end $$;
select is((select count(*) from app.counters where account_id = 'razorpay_at_noon_0' and metric = 'messages'), 2::bigint,
  'a purchase at noon in India, renewed at midnight of 28 February: two months, two windows');
select is((select count(*) from app.counters where account_id = 'razorpay_at_noon_15' and metric = 'messages'), 2::bigint,
  '… also where the renewal is told fifteen hours late, when the clock has opened the second month already');
select is((select sum(used) from app.counters where account_id = 'razorpay_at_noon_15' and metric = 'messages' and window_start > '2027-02-15'), 10000::numeric,
  '… whose quota is given once');

-- what is noted of it
select results_eq($$ select window_start, window_end from app.windows where account_id = 'razorpay_202701310000_both_1' order by 1 $$,
  $$ select pg_temp.bound('razorpay', '2027-01-31', k), pg_temp.bound('razorpay', '2027-01-31', k + 1) from generate_series(0, 13) k $$, 'each period is noted once, with the bounds its processor gave');
select is_empty($$ select * from app.accounts where anchor_offset <> case when account_id like 'razorpay%' then interval '5 hours 30 minutes' else '0' end $$,
  'windows go by the clock of India for Razorpay alone');

select * from finish();
rollback;
