-- preview_plan_change: what a change of plan would mean, metric by metric.
begin;
select plan(17);

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
create function pg_temp.bots(p_account text, p_count integer) returns void language sql as $$
  insert into app.chatbots (account_id, name, created_at) select p_account, 'Bot ' || n, app.clock() + make_interval(secs => n) from generate_series(1, p_count) n
$$;

do $$ begin
  perform pg_temp.subscribe('user_1');
  perform pg_temp.bots('user_1', 5);
  perform api.check_and_increment_usage('user_1', 'seats', 4), api.check_and_increment_usage('user_1', 'messages', 5000);
end $$;
create temp table before as select * from app.accounts;

select results_eq($$ select metric, title, unit, kind, used, quota_now, quota_then, excess, message from api.preview_plan_change('user_1', 'starter', 'month') $$,
  $$ values ('messages', 'Messages', 'message', 'counter', 5000::bigint, 10000::bigint, 2000::bigint, null::bigint, null::text),
            ('llm_tokens', 'Tokens', 'token', 'counter', 0, 50000000, 10000000, null, null),
            ('api_calls', 'API calls', 'call', 'counter', 0, 100000, 20000, null, null),
            ('chatbots', 'Chatbots', 'chatbot', 'gauge', 5, 10, 3, 2, 'Please delete 2 chatbot(s) before downgrading'),
            ('storage_bytes', 'Storage', 'byte', 'gauge', 0, 1000000000, 100000000, null, null),
            ('seats', 'Seats', 'seat', 'gauge', 4, 10, 3, 1, 'Please remove 1 seat(s) before downgrading') $$,
  'a downgrade tells of each metric what both plans give, and of levels what is too much');
select results_eq($$ select distinct outcome, direction, takes_effect, effective_at, processor, subscription_id, from_plan, from_interval, from_amount_minor, to_price_id, to_amount_minor, currency
                     from api.preview_plan_change('user_1', 'starter', 'month') $$,
  $$ values ('possible', 'downgrade', 'period_end', '2027-04-01 10:00+00'::timestamptz, 'stripe', 'sub_user_1', 'growth', 'month', 7900::bigint, 'price_starter_monthly', 1900::bigint, 'USD') $$,
  'every row says when it comes and what both cost');
select results_eq($$ select distinct p.outcome, p.direction, p.takes_effect, p.effective_at, p.to_price_id, p.from_amount_minor, p.to_amount_minor from api.preview_plan_change('user_1', 'growth', 'year') p $$,
  $$ values ('possible', 'interval', 'now', app.clock(), 'price_growth_yearly', 7900::bigint, 80580::bigint) $$, 'a year costs what it costs, now');
select results_eq($$ select metric, quota_now, quota_then, excess from api.preview_plan_change('user_1', 'enterprise', 'month') where metric in ('messages', 'chatbots') $$,
  $$ values ('messages', 10000::bigint, null::bigint, null::bigint), ('chatbots', 10, null, null) $$, 'an unlimited quota is null, and never too small');
select set_eq($$ select * from app.accounts $$, $$ select * from before $$, 'asking changes no account');
select is_empty($$ select from app.plan_changes union all select from app.processor_operations $$, '… and schedules nothing');

-- what is previewed is what is decided
select is((select outcome || ' ' || count(*) from api.preview_plan_change('user_1', 'growth', 'month') group by outcome), 'same 6', 'what cannot be asked for is told all the same, of every metric');
select results_eq($$ select outcome, direction, from_plan, from_amount_minor, to_amount_minor, metric, used, quota_now, quota_then from api.preview_plan_change('user_none', 'growth', 'month') limit 1 $$,
  $$ values ('no_subscription', null::text, null::text, null::bigint, null::bigint, 'messages', 0::bigint, 100::bigint, 10000::bigint) $$,
  'an account that is not there yet has nothing, and is on free');
select is_empty($$ select from app.accounts where account_id = 'user_none' $$, '… and is not made by asking');
select is((select distinct outcome from api.preview_plan_change('user_1', 'free', 'month')), 'not_sold', 'plan free is not sold');
do $$ begin perform pg_temp.subscribe('user_2', 'pri_growth_monthly_trial', 'trialing'); perform api.begin_plan_change('user_2', 'starter', 'month'); end $$;
select results_eq($$ select outcome, processor, from_amount_minor, to_amount_minor, quota_now from api.preview_plan_change('user_2', 'starter', 'month') where metric = 'chatbots' $$,
  $$ values ('pending', 'paddle', 7900::bigint, 1900::bigint, 3::bigint) $$, 'while a downgrade is scheduled its levels are those in force');

-- prices that are not known, and newer ones
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 9900);
do $$ begin perform api.upsert_price('stripe', 'price_growth_monthly_2', 'growth', 'month', 2); end $$;
select results_eq($$ select distinct outcome, direction, from_amount_minor, to_amount_minor, to_price_id from api.preview_plan_change('user_1', 'growth', 'month') $$,
  $$ values ('possible', 'price', 7900::bigint, 9900::bigint, 'price_growth_monthly_2') $$, 'a move to the newest price shows both amounts');

-- an account that fell has more than any plan in question: nothing of that stands in the way of more
do $$ begin
  perform pg_temp.subscribe('user_3', 'price_enterprise_monthly');
  perform pg_temp.bots('user_3', 12);
  perform pg_temp.subscribe('user_3', 'price_starter_monthly');
end $$;
select results_eq($$ select outcome, direction, used, excess, message from api.preview_plan_change('user_3', 'growth', 'month') where metric = 'chatbots' $$,
  $$ values ('possible', 'upgrade', 12::bigint, null::bigint, null::text) $$, 'an upgrade that does not hold everything has nothing standing in its way');

-- what was used in a month that is over does not count
update app.environment set clock_offset = make_interval(secs => extract(epoch from '2027-04-02 12:00+00'::timestamptz - now())::float8);
do $$ begin perform api.check_and_increment_usage('user_1', 'messages', 7); end $$;
select results_eq($$ select metric, used from api.preview_plan_change('user_1', 'starter', 'month') where metric in ('messages', 'seats') $$,
  $$ values ('messages', 7::bigint), ('seats', 4) $$, 'what was used in a window that is over does not count, a level does');

-- arguments
select throws_ok($$ select * from api.preview_plan_change('user_1', 'gold', 'month') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok($$ select * from api.preview_plan_change('user_1', 'growth', 'week') $$, 'PY004', 'interval must be month or year', 'so is an unknown interval');
select throws_ok($$ select * from api.preview_plan_change('', 'growth', 'month') $$, 'PY004', 'account_id must have 1 to 255 characters', '… and no account');

select * from finish();
rollback;
