-- open_checkout: the page of a slot that was reserved, and of no other.
begin;
select plan(21);

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

create temp table slot as
select account_id, r.* from unnest(array['user_1', 'user_2', 'user_3', 'user_4', 'user_5']) account_id
cross join lateral api.reserve_checkout(account_id, 'stripe', 'starter', 'month') r;
create function pg_temp.slot(p_account text) returns uuid language sql as $$ select checkout_id from slot where account_id = p_account $$;
create function pg_temp.row_of(p_account text) returns text language sql as $$
  select concat_ws(' ', status, coalesce(processor_checkout_id, '-'), coalesce(url, '-'), settled_at is not null) from app.checkouts where account_id = p_account
$$;

select is((select status from api.open_checkout('user_1', pg_temp.slot('user_1'), 'cs_1', 'https://pay.test/1')), 'open', 'a slot that is reserved is open once it has its page');
select is(pg_temp.row_of('user_1'), 'open cs_1 https://pay.test/1 f', '… with the page and the processor''s id');
select is((select status from api.open_checkout('user_1', pg_temp.slot('user_1'), 'cs_1', 'https://pay.test/1')), 'open', 'again, it is open');
select is(pg_temp.row_of('user_1'), 'open cs_1 https://pay.test/1 f', '… and the same');
select is(pg_temp.row_of('user_2'), 'reserved - - f', 'nobody else''s slot is touched');

-- one that is over
do $$ begin
  perform api.settle_checkout('user_2', pg_temp.slot('user_2'), 'expired');
  perform api.settle_checkout('user_3', pg_temp.slot('user_3'), 'failed', p_error => 'it is away');
  perform pg_temp.subscribe('user_4', 'price_starter_monthly');
end $$;
select is((select status from api.open_checkout(a, pg_temp.slot(a), 'cs_late', 'https://pay.test/late')), s, format('one that is %s meanwhile stays so: nobody may be sent there', s))
from (values ('user_2', 'expired'), ('user_3', 'failed'), ('user_4', 'complete')) v (a, s);
select is(pg_temp.row_of(a), s || ' cs_late https://pay.test/late t', format('… but is to be found at the processor (%s)', s))
from (values ('user_2', 'expired'), ('user_3', 'failed'), ('user_4', 'complete')) v (a, s);
do $$ begin perform api.open_checkout('user_2', pg_temp.slot('user_2'), 'cs_later', 'https://pay.test/later'); end $$;
select is(pg_temp.row_of('user_2'), 'expired cs_late https://pay.test/late t', '… by the id that was noted first');

-- arguments
select throws_ok($$ select * from api.open_checkout('user_5', pg_temp.slot('user_1'), 'cs_5', 'https://pay.test/5') $$, 'PY404', 'no such checkout', 'another account''s checkout is none');
select is(pg_temp.row_of('user_1'), 'open cs_1 https://pay.test/1 f', '… and stays as it is');
select throws_ok($$ select * from api.open_checkout('user_5', gen_random_uuid(), 'cs_5', 'u') $$, 'PY404', 'no such checkout', 'an unknown one is an error');
select throws_ok($$ select * from api.open_checkout(null, pg_temp.slot('user_5'), 'cs_5', 'u') $$, 'PY404', 'no such checkout', 'so is one of no account');
select throws_ok($$ select * from api.open_checkout('user_5', null, 'cs_5', 'u') $$, 'PY404', 'no such checkout', '… and none');
select throws_ok(format($$ select * from api.open_checkout('user_5', pg_temp.slot('user_5'), %s, 'u') $$, i), 'PY004', 'processor_checkout_id must have 1 to 255 characters',
  format('processor checkout id %s is an error', left(i, 10))) from unnest(array['null', '''''', 'repeat(''x'', 256)']) i;
select is(pg_temp.row_of('user_5'), 'reserved - - f', 'a refused call changes nothing');

select * from finish();
rollback;
