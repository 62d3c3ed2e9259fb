-- list_downgrade_candidates: what could go to make a plan fit.
begin;
select plan(19);

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

do $$ begin perform pg_temp.subscribe('user_1', 'price_enterprise_monthly'), pg_temp.subscribe('user_2', 'price_enterprise_monthly'); perform pg_temp.bots('user_1', 5), pg_temp.bots('user_2', 4); end $$;
create function pg_temp.bot(p_n integer, p_account text default 'user_1') returns uuid language sql as $$ select id from app.chatbots where account_id = p_account and name = 'Bot ' || p_n $$;
create function pg_temp.candidates(p_plan text, p_limit integer default 50) returns text[] language sql as $$
  select coalesce(array_agg(concat_ws(' ', l.name, l.size_bytes, case when l.read_only then 'read-only' end) order by place), '{}')
  from api.list_downgrade_candidates('user_1', p_plan, p_limit) with ordinality as l (metric, id, chatbot_id, name, size_bytes, created_at, read_only, place)
$$;

select is(pg_temp.candidates('growth'), '{}', 'for a plan that fits nothing need go');
select is(pg_temp.candidates('starter'), array['Bot 5 read-only', 'Bot 4 read-only', 'Bot 3', 'Bot 2', 'Bot 1'], 'the most recent chatbots come first, and those beyond the quota would be read-only');
select results_eq($$ select metric, id, chatbot_id, name, size_bytes, created_at from api.list_downgrade_candidates('user_1', 'starter') limit 1 $$,
  $$ select 'chatbots', id, id, name, null::bigint, created_at from app.chatbots where id = pg_temp.bot(5) $$, 'a chatbot has no size here');
select is(pg_temp.candidates('starter', 2), array['Bot 5 read-only', 'Bot 4 read-only'], 'a page has as many of each as are asked for');
do $$ begin perform api.keep_chatbots('user_1', array[pg_temp.bot(5), pg_temp.bot(4)]); end $$;
select is((select array_agg(x order by x) from unnest(pg_temp.candidates('starter')) x), array['Bot 1', 'Bot 2 read-only', 'Bot 3 read-only', 'Bot 4', 'Bot 5'], 'what the owner keeps stays in use: others would be read-only');
select is((pg_temp.candidates('starter'))[1:3], array['Bot 3 read-only', 'Bot 2 read-only', 'Bot 1'], '… and goes last');

-- documents
do $$ begin
  perform api.create_document('user_1', pg_temp.bot(n), name, 'text/plain', size, repeat('0', 64), array['Text'])
  from (values (1, 'small.txt', 10000000), (2, 'large.txt', 60000000), (1, 'mid.txt', 40000000)) v (n, name, size);
end $$;
select is(pg_temp.candidates('growth'), '{}', 'documents that fit need not go');
select is((select array_agg(name || ' ' || size_bytes order by size_bytes desc) from api.list_downgrade_candidates('user_1', 'starter') where metric = 'storage_bytes'),
  array['large.txt 60000000', 'mid.txt 40000000', 'small.txt 10000000'], 'where storage is too much all documents are named');
select is((pg_temp.candidates('starter', 2))[3:4], array['large.txt 60000000', 'mid.txt 40000000'], 'the largest first, after the chatbots');
select results_eq($$ select metric, id, chatbot_id, name, read_only from api.list_downgrade_candidates('user_1', 'starter') where name = 'large.txt' $$,
  $$ select 'storage_bytes', d.id, pg_temp.bot(2), 'large.txt', false from app.documents d where name = 'large.txt' $$, '… with the chatbot they belong to');
do $$ begin perform api.delete_chatbot('user_1', pg_temp.bot(n)) from unnest(array[4, 5]) n; end $$;
select is((select array_agg(distinct metric) from api.list_downgrade_candidates('user_1', 'starter')), array['storage_bytes'], 'only what is above its quota is listed');
do $$ begin perform api.check_and_increment_usage('user_2', 'seats', 8); perform api.delete_chatbot('user_2', id) from app.chatbots where account_id = 'user_2' and name <> 'Bot 1'; end $$;
select is_empty($$ select * from api.list_downgrade_candidates('user_2', 'starter') $$, 'a level that counts no things has none to name');
select is_empty($$ select l.* from api.list_downgrade_candidates('user_none', 'free') l $$, 'nor has an account that is not there');
select is_empty($$ select from app.accounts where account_id = 'user_none' $$, '… which is not made by asking');

-- arguments
select throws_ok($$ select * from api.list_downgrade_candidates('user_1', 'gold') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok($$ select * from api.list_downgrade_candidates('', 'free') $$, 'PY004', 'account_id must have 1 to 255 characters', 'so is no account');
select throws_ok(format($$ select * from api.list_downgrade_candidates('user_1', 'free', %s) $$, l), 'PY004', 'limit must be from 1 to 100', format('limit %s is an error', l))
from unnest(array['0', '101', 'null']) l;

select * from finish();
rollback;
