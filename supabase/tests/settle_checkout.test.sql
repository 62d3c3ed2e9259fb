-- settle_checkout: the end of a purchase frees its slot, and what was paid stays paid.
begin;
select plan(31);

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

create function pg_temp.reserve(p_account text) returns uuid language sql as $$
  select checkout_id from api.reserve_checkout(p_account, 'stripe', 'starter', 'month')
$$;
create temp table slot as select a as account_id, pg_temp.reserve(a) as id from unnest(array['user_1', 'user_2', 'user_3', 'user_4', 'user_5', 'user_6']) a;
create function pg_temp.settle(p_account text, p_status text, p_subscription text default null, p_error text default null) returns text language sql as $$
  select r.status from slot s, api.settle_checkout(p_account, s.id, p_status, p_subscription, p_error) r where s.account_id = p_account
$$;
create function pg_temp.row_of(p_account text) returns text language sql as $$
  select concat_ws(' ', c.status, coalesce(c.subscription_id, '-'), coalesce(c.last_error, '-'), c.settled_at = app.clock()) from app.checkouts c join slot using (account_id, id) where account_id = p_account
$$;

select is(pg_temp.settle('user_1', 'complete', 'sub_1'), 'complete', 'one that was paid is complete');
select is(pg_temp.row_of('user_1'), 'complete sub_1 - t', '… with what was bought, and when');
select is(pg_temp.settle('user_2', 'expired'), 'expired', 'one that was given up is expired');
select is(pg_temp.settle('user_3', 'failed', p_error => repeat('e', 600)), 'failed', 'one that the processor did not make has failed');
select is(pg_temp.row_of('user_3'), 'failed - ' || repeat('e', 500) || ' t', '… with the first 500 characters of why');
select isnt(pg_temp.reserve(account_id), id, format('its slot is free then (%s)', account_id)) from slot where account_id in ('user_1', 'user_2', 'user_3');
select is((select status from app.checkouts c join slot using (account_id, id) where account_id = 'user_4'), 'reserved', 'nobody else''s purchase is touched');

-- the first end stays, but what is complete was
create temp table once as select * from app.checkouts;
select is(pg_temp.settle('user_2', 'expired'), 'expired', 'an end that is told again is the same');
select is(pg_temp.settle('user_2', 'failed', p_error => 'later'), 'expired', 'one that is over has not failed');
select is(pg_temp.settle('user_1', 'expired'), 'complete', 'one that is complete does not expire');
select is(pg_temp.settle('user_1', 'failed'), 'complete', '… or fail');
select is(pg_temp.settle('user_1', 'complete', 'sub_other'), 'complete', '… and stays as it was');
select set_eq($$ select * from app.checkouts $$, $$ select * from once $$, 'all this changed nothing');
select is(pg_temp.settle('user_2', 'complete', 'sub_2'), 'complete', 'one that seemed given up and turns out to be paid was');
select is(pg_temp.row_of('user_2'), 'complete sub_2 - t', '… with what was bought');
select is(pg_temp.settle('user_3', 'complete', 'sub_3'), 'complete', 'so was one that seemed to have failed');
select is(pg_temp.row_of('user_3'), 'complete sub_3 - t', '… and it has no error any more');
select is((select count(*) from app.checkouts where account_id = 'user_2' and status = 'reserved'), 1::bigint, 'the purchase begun since is not touched');
select is((select status from api.open_checkout('user_5', s.id, 'cs_5', 'u')), 'open', 'a purchase is open') from slot s where account_id = 'user_5';
select is(pg_temp.settle('user_5', 'expired'), 'expired', 'one that is open ends like one that is reserved');

-- arguments
select throws_ok(format($$ select pg_temp.settle('user_6', %L) $$, s), 'PY004', 'status must be complete, expired or failed', format('status %L is an error', s))
from unnest(array['open', 'reserved', 'paid', null]) s;
select throws_ok(format($$ select * from api.settle_checkout(%L, %L, 'complete') $$, a, i), 'PY404', 'no such checkout', n)
from slot, lateral (values ('user_5', id, 'another account''s checkout is none'), ('user_6', gen_random_uuid(), 'an unknown one is an error'),
  (null, id, 'so is one of no account'), ('user_6', null, '… and none')) v (a, i, n)
where account_id = 'user_6';
select is((select status from app.checkouts where account_id = 'user_6'), 'reserved', 'a refused call changes nothing');

select * from finish();
rollback;
