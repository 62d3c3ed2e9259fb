-- list_expired_checkouts: purchases that were given up and that nobody settled.
begin;
select plan(9);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
create temp sequence event;
-- What a processor says now of a subscription, for March unless something else is said; the price tells which processor.
create function pg_temp.subscribe(
  p_account text, p_price text default 'price_growth_monthly', p_status text default 'active',
  p_start timestamptz default '2027-03-01 10:00+00', p_end timestamptz default '2027-04-01 10:00+00',
  p_cancels_at timestamptz default null, p_subscription text default null
) returns text language sql as $$
  select r.outcome from api.record_billing_event(
    p_account, case split_part(p_price, '_', 1) when 'pri' then 'paddle' when 'plan' then 'razorpay' else 'stripe' end,
    'evt_' || lpad(nextval('pg_temp.event')::text, 6, '0'), 'test.state', 'state', app.clock(), 2, 'cus_' || p_account,
    coalesce(p_subscription, 'sub_' || p_account), p_status, null, array[p_price], array[p_start], array[p_end], p_cancels_at, null, null, '{}') r
$$;
create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::float8)
$$;

create function pg_temp.listed(p_limit integer default 20) returns text[] language sql as $$
  select coalesce(array_agg(l.account_id || ' ' || l.status order by place), '{}')
  from api.list_expired_checkouts(p_limit) with ordinality as l (account_id, checkout_id, processor, processor_checkout_id, status, place)
$$;
do $$ begin perform api.reserve_checkout('user_1', 'stripe', 'starter', 'month'); end $$;
select pg_temp.travel_to('2027-03-10 12:05+00');
do $$ begin
  perform api.reserve_checkout(a, 'paddle', 'starter', 'month') from unnest(array['user_2', 'user_3', 'user_4']) a;
  perform api.open_checkout('user_2', id, 'txn_2', 'https://pay.test/2') from app.checkouts where account_id = 'user_2';
  perform api.settle_checkout('user_3', id, 'failed') from app.checkouts where account_id = 'user_3';
  perform api.settle_checkout('user_4', id, 'complete', 'sub_4') from app.checkouts where account_id = 'user_4';
end $$;
select pg_temp.travel_to('2027-03-10 12:39:59.999999+00');
select is(pg_temp.listed(), '{}', 'one whose time is not over is not listed');
select pg_temp.travel_to('2027-03-10 12:40+00');
select is(pg_temp.listed(), array['user_1 reserved'], 'one whose time is over is');
select pg_temp.travel_to('2027-03-10 18:00+00');
select is(pg_temp.listed(), array['user_1 reserved', 'user_2 open'], 'those that ended first come first, and those that are settled not at all');
select results_eq($$ select checkout_id, processor, processor_checkout_id from api.list_expired_checkouts() where account_id = 'user_2' $$,
  $$ select id, 'paddle', 'txn_2' from app.checkouts where account_id = 'user_2' $$, 'with what is needed to end it at its processor');
select is(pg_temp.listed(1), array['user_1 reserved'], 'a page has as many as are asked for');
do $$ begin perform api.settle_checkout('user_1', id, 'expired') from app.checkouts where account_id = 'user_1'; end $$;
select is(pg_temp.listed(), array['user_2 open'], 'one that is settled goes');
select throws_ok(format($$ select * from api.list_expired_checkouts(%s) $$, l), 'PY004', 'limit must be from 1 to 100', format('limit %s is an error', l))
from unnest(array['0', '101', 'null']) l;

select * from finish();
rollback;
