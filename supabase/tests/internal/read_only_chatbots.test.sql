-- read_only_chatbots: what the plan in force does not hold, and nothing stores that.
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
create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::float8)
$$;
create function pg_temp.bots(p_account text, p_count integer) returns void language sql as $$
  insert into app.chatbots (account_id, name, created_at) select p_account, 'Bot ' || n, app.clock() + make_interval(secs => n) from generate_series(1, p_count) n
$$;

create function pg_temp.read_only(p_account text) returns text language sql as $$
  select string_agg(substr(b.name, 5), ' ' order by b.name) from app.read_only_chatbots(p_account) r (id) join app.chatbots b on b.account_id = p_account and b.id = r.id
$$;
create function pg_temp.bot(p_n integer, p_account text default 'user_1') returns uuid language sql as $$ select id from app.chatbots where account_id = p_account and name = 'Bot ' || p_n $$;

select is_empty($$ select app.read_only_chatbots('user_nobody') $$, 'who has no chatbots has none that is read-only');
do $$ begin perform pg_temp.subscribe('user_1'); perform pg_temp.bots('user_1', 5); perform pg_temp.subscribe('user_2'); perform pg_temp.bots('user_2', 5); end $$;
select is(pg_temp.read_only('user_1'), null, 'who is within the plan has none');
create temp table before as select * from app.chatbots;
do $$ begin perform pg_temp.subscribe('user_1', 'price_starter_monthly'); end $$;
select is(pg_temp.read_only('user_1'), '4 5', 'where the plan fell, the most recent are beyond it');
select is(pg_temp.read_only('user_2'), null, '… of that account alone');
do $$ begin perform pg_temp.subscribe('user_1', 'price_starter_monthly', 'canceled'); end $$;
select is(pg_temp.read_only('user_1'), '2 3 4 5', 'on plan free all but the oldest are');
select set_eq('select * from app.chatbots', 'select * from before', 'nothing is written when a plan falls');
update app.chatbots set created_at = '2027-03-10 12:00+00' where account_id = 'user_1';
select is((select array_agg(id order by id) from app.chatbots where account_id = 'user_1' and id not in (select app.read_only_chatbots('user_1'))),
  (select array_agg(id) from (select id from app.chatbots where account_id = 'user_1' order by id limit 1) b), 'of several of one instant it is always the same');
update app.chatbots c set created_at = b.created_at from before b where b.id = c.id;

-- they thaw by themselves
do $$ begin perform pg_temp.subscribe('user_1', 'price_growth_monthly', p_subscription => 'sub_again'); end $$;
select is(pg_temp.read_only('user_1'), null, 'they thaw in the instant of an upgrade');
do $$ begin perform pg_temp.subscribe('user_1', 'price_starter_monthly', p_subscription => 'sub_again'); perform api.delete_chatbot('user_1', pg_temp.bot(1)); end $$;
select is(pg_temp.read_only('user_1'), '5', '… one for each that is deleted');
do $$ begin perform api.keep_chatbots('user_1', array[pg_temp.bot(5)]); end $$;
select is(pg_temp.read_only('user_1'), '4', 'what the owner keeps is not among them');
do $$ begin perform api.delete_chatbot('user_1', pg_temp.bot(4)); end $$;
select is(pg_temp.read_only('user_1'), null, '… and none once all fit');

-- by time alone
do $$ begin perform pg_temp.subscribe('user_2', p_status => 'past_due'); end $$;
select pg_temp.travel_to('2027-03-17 11:59:59.999999+00');
select is(pg_temp.read_only('user_2'), null, 'an unpaid bill freezes none while there is grace');
select pg_temp.travel_to('2027-03-17 12:00+00');
select is(pg_temp.read_only('user_2'), '2 3 4 5', '… and all but the oldest when it is over');
do $$ begin perform pg_temp.subscribe('user_2'); end $$;
select is(pg_temp.read_only('user_2'), null, 'a payment thaws them');
update app.plan_quotas set quota = 4 where plan = 'starter' and metric = 'chatbots';
do $$ begin perform pg_temp.subscribe('user_3', 'pri_growth_monthly'); perform pg_temp.bots('user_3', 4); perform api.begin_plan_change('user_3', 'starter', 'month'); end $$;
update app.plan_quotas set quota = 3 where plan = 'starter' and metric = 'chatbots';
select is(pg_temp.read_only('user_3'), null, 'a downgrade that is scheduled freezes none before it comes');

select * from finish();
rollback;
