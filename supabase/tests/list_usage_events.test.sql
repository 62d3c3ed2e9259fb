-- list_usage_events: the ledger newest first, its filters, exact balances of one counter, nobody else's rows.
begin;
select plan(38);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create function pg_temp.charge(p_account text, p_amount bigint, p_bot uuid, p_channel text, p_request text default null)
returns void language plpgsql as $$
begin
  perform api.check_and_increment_usage_many(array[p_account], array['messages'], array[p_amount], array[p_request], array[p_bot], null, array[p_channel], array['chat']);
end
$$;
create temp table bots (name text primary key, id uuid);
select pg_temp.travel_to('2026-01-10 09:00:00.123456+00');
update app.plan_quotas set quota = null where plan = 'free' and metric in ('messages', 'chatbots', 'llm_tokens');
insert into bots select n, c.chatbot_id from unnest(array['Help', 'Gone']) n cross join lateral api.create_chatbot('a', n) c;
insert into bots select 'Foreign', c.chatbot_id from api.create_chatbot('b', 'Secret of b') c;
do $$
declare
  v_help uuid := (select id from bots where name = 'Help');
  v_gone uuid := (select id from bots where name = 'Gone');
begin
  perform pg_temp.charge('a', 5, v_help, 'playground', 'r5');
  perform pg_temp.charge('a', 7, v_gone, 'widget');
  perform pg_temp.charge('b', 1000, v_help, 'api');
  perform api.reserve_usage('a', 'llm_tokens', 500, 'tokens');
  perform pg_temp.travel_to('2026-01-10 23:59:59.999999+00');
  perform pg_temp.charge('a', 2, null, null);
  perform pg_temp.travel_to('2026-01-11 00:00:00+00');
  perform api.settle_usage('a', 'tokens', 520);
  perform api.decrement_usage('a', 'messages', 5, 'r5');
  perform pg_temp.charge('a', 4, (select id from bots where name = 'Foreign'), 'api');
  perform api.delete_chatbot('a', v_gone);
end $$;

-- Rows
select results_eq(
  $$ select e.amount, e.balance_after, e.occurred_at, e.window_start, e.reason, e.request_id, b.name, e.chatbot_name, e.channel, e.operation
     from api.list_usage_events('a', 'messages', '2026-01-10 09:00:00.123456+00') e left join bots b on b.id = e.chatbot_id order by e.event_id desc $$,
  $$ values
    (4::bigint, 13::bigint, timestamptz '2026-01-11 00:00:00+00', timestamptz '2026-01-10 09:00:00.123456+00', 'charge', null::text, 'Foreign', null::text, 'api', 'chat'),
    (-5, 9, '2026-01-11 00:00:00+00', '2026-01-10 09:00:00.123456+00', 'return', 'r5', null, null, null, null),
    (2, 14, '2026-01-10 23:59:59.999999+00', '2026-01-10 09:00:00.123456+00', 'charge', null, null, null, null, 'chat'),
    (7, 12, '2026-01-10 09:00:00.123456+00', '2026-01-10 09:00:00.123456+00', 'charge', null, 'Gone', null, 'widget', 'chat'),
    (5, 5, '2026-01-10 09:00:00.123456+00', '2026-01-10 09:00:00.123456+00', 'charge', 'r5', 'Help', 'Help', 'playground', 'chat') $$,
  'the rows of one counter, newest first, with what it stood at after each; a deleted chatbot, or one of another account, has no name');
select is((select array_agg(event_id) = array_agg(event_id order by event_id desc) from api.list_usage_events('a')), true, 'the newest is first');
select is((select balance_after from api.list_usage_events('a', 'messages', '2026-01-10 09:00:00.123456+00', p_limit => 1)),
  (select used from api.read_usage('a') where metric = 'messages'), 'the newest balance is what the meter shows');
select results_eq($$ select * from api.list_usage_events('a', 'messages', '2026-01-10 09:00:00.123+00') $$,
  $$ select * from api.list_usage_events('a', 'messages', '2026-01-10 09:00:00.123456+00') $$, 'a start that is cut to the millisecond names the same window, with its balances');
select results_eq($$ select reason, amount, balance_after from api.list_usage_events('a', 'llm_tokens', '2026-01-10 09:00:00.123+00') $$,
  $$ values ('settle', 20::bigint, 520::bigint), ('reserve', 500, 500) $$, 'what was reserved and settled is told row by row');
select results_eq($$ select reason, amount, balance_after, window_start from api.list_usage_events('a', 'chatbots') $$,
  $$ values ('delete', -1::bigint, 1::bigint, null::timestamptz), ('insert', 1, 2, null), ('insert', 1, 1, null) $$, 'a level has one window, which is told as none, and balances without naming it');
select is_empty($$ select * from api.list_usage_events('a', 'chatbots', '2026-01-10 09:00:00.123+00') $$, 'a level has no other window');
select is((select count(*) from api.list_usage_events('a')), 10::bigint, 'without a metric all rows are listed');
select is((select count(balance_after) from api.list_usage_events('a')), 0::bigint, '… without balances');

-- Filters, under which there is no balance
select results_eq(
  format('select array_agg(amount order by event_id), count(balance_after) from api.list_usage_events(''a'', %s)', f.args),
  format('values (%L::bigint[], 0::bigint)', f.amounts), f.args)
from (values
  ('''messages'', p_day => ''2026-01-10''', '{5,7,2}'), ('''messages'', p_day => ''2026-01-11''', '{-5,4}'),
  ('''messages'', p_window_start => ''2026-01-10 09:00:00.123+00'', p_day => ''2026-01-11''', '{-5,4}'),
  ('''messages'', p_channel => ''playground''', '{5}'), ('''messages'', p_window_start => ''2026-01-10 09:00:00.123+00'', p_channel => ''api''', '{4}'),
  ('''messages'', p_without_chatbot => true', '{2,-5}'), ('''messages'', p_window_start => ''2026-01-10 09:00:00.123+00'', p_without_chatbot => true', '{2,-5}'),
  ('''messages''', '{5,7,2,-5,4}'), ('p_window_start => ''2026-01-10 09:00:00.123+00'', p_day => ''2026-01-11''', '{20,-5,4}'),
  ('''seats''', null), ('''messages'', p_day => ''2026-02-10''', null)) f (args, amounts);
select is((select array_agg(e.amount order by e.event_id) from bots b cross join lateral api.list_usage_events('a', 'messages', p_chatbot_id => b.id) e where b.name = 'Gone'),
  array[7::bigint], 'the rows of a chatbot, also of a deleted one');
select is((select count(e.balance_after) from bots b cross join lateral api.list_usage_events('a', 'messages', '2026-01-10 09:00:00.123+00', p_chatbot_id => b.id) e), 0::bigint,
  '… have no balance, even in one window');
set local timezone = 'Pacific/Auckland';
select is((select array_agg(amount order by event_id) from api.list_usage_events('a', 'messages', p_day => '2026-01-11')), array[-5, 4]::bigint[], 'a day is one of UTC, whatever the session''s zone');
set local timezone = 'UTC';

-- Pages
create function pg_temp.page(p_limit integer, p_before bigint, p_balance bigint) returns table (amount bigint, balance_after bigint, event_id bigint) language sql as $$
  select amount, balance_after, event_id from api.list_usage_events('a', 'messages', '2026-01-10 09:00:00.123+00', p_limit => p_limit, p_before_id => p_before, p_balance => p_balance)
$$;
create temp table first_page as select * from pg_temp.page(2, null, 77);
select results_eq($$ select amount, balance_after from first_page $$, $$ values (4::bigint, 13::bigint), (-5, 9) $$, 'the first page counts down from the counter, whatever balance it is given');
do $$ begin perform pg_temp.charge('a', 100, null, 'api'); end $$;
create temp table second_page as select n.* from (select event_id, balance_after - amount as balance from first_page order by event_id limit 1) l cross join lateral pg_temp.page(2, l.event_id, l.balance) n;
select results_eq($$ select amount, balance_after from second_page $$, $$ values (2::bigint, 14::bigint), (7, 12) $$, 'the next one goes on from the balance it is given, exact although a row came meanwhile');
select results_eq($$ select n.amount, n.balance_after from (select min(event_id) as id from first_page) l cross join lateral pg_temp.page(5, l.id, null) n $$,
  $$ values (2::bigint, null::bigint), (7, null), (5, null) $$, 'without one it tells no balances, rather than wrong ones');
select is((select count(n.balance_after) from (select min(event_id) as id from first_page) l cross join lateral api.list_usage_events('a', 'messages', p_before_id => l.id, p_balance => 9) n), 0::bigint,
  'a balance means nothing to a list over several windows');

select is((select s.seqcache from pg_sequence s where s.seqrelid = pg_get_serial_sequence('app.usage_events', 'id')::regclass), 1::bigint,
  'what the balances rest on: ids are handed out one by one, not in stocks per session');

-- Other accounts
select results_eq($$ select metric, amount, chatbot_name from api.list_usage_events('b') where metric = 'messages' $$, $$ values ('messages', 1000::bigint, null::text) $$,
  'another account sees its own rows, and not the name of a chatbot of this one that its row carries');
select is_empty($$ select * from api.list_usage_events('c') $$, 'an account that is not there has no rows');
select is((select array_agg(e.amount) from bots b cross join lateral api.list_usage_events('b', 'messages', p_chatbot_id => b.id) e where b.name = 'Gone'), null,
  'asked for by the id of a chatbot of another account there are none of that account');

-- Arguments
select throws_ok($$ select * from api.list_usage_events('a', 'nonsense') $$, 'PY001', 'unknown metric ''nonsense''', 'an unknown metric is an error');
select throws_ok($$ select * from api.list_usage_events('a', p_limit => 101) $$, 'PY004', 'limit must be from 1 to 100', 'a page of 101 is refused');
select throws_ok($$ select * from api.list_usage_events('a', p_chatbot_id => gen_random_uuid(), p_without_chatbot => true) $$, 'PY004',
  'name a chatbot, or ask for what belongs to none, not both', 'a chatbot and none at once is refused');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.list_usage_events('a') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.list_usage_events('a') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.list_usage_events('a') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.list_usage_events('a') $$, '42501', null, 'an operator may not call it');
reset role;
select * from finish();
rollback;
