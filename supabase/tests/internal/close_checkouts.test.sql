-- close_checkouts: a purchase is over once its processor has a live subscription of the account.
begin;
select plan(13);

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

create function pg_temp.row_of(p_account text) returns text language sql as $$
  select concat_ws(' ', c.status, coalesce(c.subscription_id, '-'), c.settled_at = app.clock()) from app.checkouts c where c.account_id = p_account
$$;
do $$ begin
  perform api.reserve_checkout('user_' || s, 'stripe', 'growth', 'month')
from unnest(array['trialing', 'active', 'past_due', 'paused', 'incomplete', 'canceled', 'paddle', 'other', 'open']) s;
  perform api.open_checkout('user_open', id, 'cs_1', 'https://pay.test/1') from app.checkouts where account_id = 'user_open';
  perform pg_temp.subscribe('user_' || s, p_status => s) from unnest(array['trialing', 'active', 'past_due', 'paused', 'incomplete', 'canceled']) s;
  perform pg_temp.subscribe('user_paddle', 'pri_growth_monthly'), pg_temp.subscribe('user_open');
end $$;
select is(pg_temp.row_of('user_' || s), 'complete sub_user_' || s || ' t', format('a subscription that is %s is what was bought', s))
from unnest(array['trialing', 'active', 'past_due', 'open']) s;
select is(pg_temp.row_of('user_' || s), 'reserved -', format('one that is %s is not', s)) from unnest(array['paused', 'incomplete', 'canceled']) s;
select is(pg_temp.row_of('user_paddle'), 'reserved -', 'nor is one of another processor: the page is still to be ended');
select is(pg_temp.row_of('user_other'), 'reserved -', 'nobody else''s purchase is touched');
create temp table once as select * from app.checkouts;
do $$ begin perform app.close_checkouts(a.account_id) from app.accounts a; end $$;
select set_eq('select * from app.checkouts', 'select * from once', 'looking again changes nothing');
do $$ begin
  perform api.settle_checkout('user_other', id, 'expired') from app.checkouts where account_id = 'user_other';
  perform pg_temp.subscribe('user_other');
end $$;
select is(pg_temp.row_of('user_other'), 'expired - t', 'one that is over stays as it ended');
do $$ begin
  perform pg_temp.subscribe('user_again', p_status => 'canceled', p_subscription => 'sub_before');
  perform api.reserve_checkout('user_again', 'stripe', 'growth', 'month');
  perform pg_temp.subscribe('user_again', p_status => 'canceled', p_subscription => 'sub_before');
end $$;
select is(pg_temp.row_of('user_again'), 'reserved -', 'what ended before does not end a new purchase');
do $$ begin perform pg_temp.subscribe('user_again', p_subscription => 'sub_after'); end $$;
select is(pg_temp.row_of('user_again'), 'complete sub_after t', '… what begins does');

select * from finish();
rollback;
