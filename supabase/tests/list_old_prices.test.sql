-- list_old_prices: who pays an older price than the newest.
begin;
select plan(15);

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

create function pg_temp.listed(p_plan text default null, p_interval text default null, p_limit integer default 100, p_after text default null) returns text[] language sql as $$
  select coalesce(array_agg(l.account_id order by place), '{}')
  from api.list_old_prices(p_plan, p_interval, p_limit, p_after) with ordinality as l (account_id, a, b, c, d, e, f, g, h, i, j, k, place)
$$;
do $$ begin
  perform pg_temp.subscribe('user_1'), pg_temp.subscribe('user_2', 'pri_growth_monthly'), pg_temp.subscribe('user_3', 'price_growth_yearly'), pg_temp.subscribe('user_4', 'price_starter_monthly'),
          pg_temp.subscribe('user_5', p_status => 'canceled'), pg_temp.subscribe('user_6', p_status => 'paused'), pg_temp.subscribe('user_7', p_status => 'past_due');
end $$;
select is(pg_temp.listed(), '{}', 'where no price changed nobody has an older one');
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 9900), ('starter', 'month', 2, 'USD', 2400);
do $$ begin perform api.upsert_price('stripe', 'price_growth_monthly_2', 'growth', 'month', 2); perform pg_temp.subscribe('user_new', 'price_growth_monthly_2'); end $$;
select is(pg_temp.listed(), array['user_1', 'user_2', 'user_4', 'user_7'], 'those in force at an older price are listed by account; not who has the newest, another interval, or none in force');
select results_eq($$ select * from api.list_old_prices() where account_id = 'user_1' $$,
  $$ values ('user_1', 'stripe', 'sub_user_1', 'growth', 'month', 'USD', 1, 7900::bigint, 2, 9900::bigint, '2027-04-01 10:00+00'::timestamptz, false) $$,
  'with what they pay, what they would, and from when');
select is(pg_temp.listed('starter'), array['user_4'], 'of one plan');
select is(pg_temp.listed(null, 'year'), '{}', 'of one interval');
select is(pg_temp.listed('growth', 'month'), array['user_1', 'user_2', 'user_7'], 'of both');
select throws_ok($$ select * from api.list_old_prices('gold') $$, 'PY002', null, 'an unknown plan is an error');
select is(pg_temp.listed(null, null, 2), array['user_1', 'user_2'], 'a page has as many as are asked for');
select is(pg_temp.listed(null, null, 2, 'user_2'), array['user_4', 'user_7'], 'the next one goes on after the last');
select is(pg_temp.listed(null, null, 2, 'user_7'), '{}', '… until there are no more');
do $$ begin perform api.begin_plan_change('user_1', 'growth', 'month', p_reason => 'operator'); end $$;
select is((select array_agg(account_id || ' ' || scheduled order by account_id) from api.list_old_prices('growth')), array['user_1 true', 'user_2 false', 'user_7 false'], 'who is about to be moved is told apart');
do $$ begin perform pg_temp.subscribe('user_1', 'price_growth_monthly_2', p_start => '2027-04-01 10:00+00', p_end => '2027-05-01 10:00+00'); end $$;
select is(pg_temp.listed('growth'), array['user_2', 'user_7'], 'who was moved is not listed any more');
select throws_ok(format($$ select * from api.list_old_prices(p_limit => %s) $$, l), 'PY004', 'limit must be from 1 to 100', format('limit %s is an error', l))
from unnest(array['0', '101', 'null']) l;

select * from finish();
rollback;
