-- read_checkout: how a purchase stands, for whose it is.
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

create temp table slot as select * from api.reserve_checkout('user_1', 'stripe', 'growth', 'month');
select results_eq($$ select r.* from slot, api.read_checkout('user_1', slot.checkout_id) r $$,
  $$ select checkout_id, 'stripe', 'growth', 'month', 'price_growth_monthly', 14, 'reserved', null::text, null::text, null::text, null::text, app.clock(),
            app.clock() + interval '40 minutes', null::timestamptz from slot $$, 'one that is reserved has all but a page');
do $$ begin perform api.open_checkout('user_1', checkout_id, 'cs_1', 'https://pay.test/1') from slot; end $$;
select results_eq($$ select r.status, r.processor_checkout_id, r.url from slot, api.read_checkout('user_1', slot.checkout_id) r $$,
  $$ values ('open', 'cs_1', 'https://pay.test/1') $$, 'one that is open has its page');
do $$ begin perform api.settle_checkout('user_1', checkout_id, 'expired', p_error => 'given up') from slot; end $$;
select results_eq($$ select r.status, r.last_error, r.settled_at from slot, api.read_checkout('user_1', slot.checkout_id) r $$,
  $$ values ('expired', 'given up', app.clock()) $$, 'one that is over tells why, and since when');
do $$ begin perform api.settle_checkout('user_1', checkout_id, 'complete', 'sub_1') from slot; end $$;
select results_eq($$ select r.status, r.subscription_id, r.last_error from slot, api.read_checkout('user_1', slot.checkout_id) r $$,
  $$ values ('complete', 'sub_1', null::text) $$, 'one that is complete tells what was bought');
select is_empty($$ select r.* from slot, api.read_checkout('user_2', slot.checkout_id) r $$, 'another account does not see it');
select is_empty($$ select r.* from slot, api.read_checkout(null, slot.checkout_id) r $$, 'nor does none');
select is_empty($$ select * from api.read_checkout('user_1', gen_random_uuid()) $$, 'an unknown one has no row');
select is_empty($$ select * from api.read_checkout('user_1', null) $$, 'nor has none');
select is_empty($$ select from app.accounts where account_id = 'user_2' $$, 'no account is made by asking');

select * from finish();
rollback;
