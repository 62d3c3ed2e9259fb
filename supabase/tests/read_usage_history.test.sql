-- read_usage_history: the ledger of one counter by day, chatbot and channel, adding up to the counter; nobody else's.
begin;
select plan(24);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create function pg_temp.charge(p_amount bigint, p_bot uuid, p_channel text, p_request text default null, p_account text default 'a')
returns void language plpgsql as $$
begin
  perform api.check_and_increment_usage_many(array[p_account], array['messages'], array[p_amount], array[p_request], array[p_bot], null, array[p_channel]);
end
$$;
create function pg_temp.history(p_account text default 'a', p_start timestamptz default null)
returns table (day date, bot uuid, name text, channel text, amount bigint, events bigint) language sql as $$
  select h.day, r.* from api.read_usage_history(p_account, 'messages', p_start) h
  cross join lateral unnest(h.chatbot_ids, h.chatbot_names, h.channels, h.amounts, h.events) r
$$;
create temp table bots (name text primary key, id uuid);
select pg_temp.travel_to('2026-01-10 09:00:00.123456+00');
update app.plan_quotas set quota = null where plan = 'free' and metric in ('messages', 'chatbots');
insert into bots select n, c.chatbot_id from unnest(array['Help', 'Gone']) n cross join lateral api.create_chatbot('a', n) c;
insert into bots select 'Foreign', c.chatbot_id from api.create_chatbot('b', 'Secret of b') c;

select is_empty($$ select * from pg_temp.history() $$, 'before anything is used there is no day');
do $$
declare
  v_help uuid := (select id from bots where name = 'Help');
  v_gone uuid := (select id from bots where name = 'Gone');
begin
  perform pg_temp.charge(3, v_help, 'playground');
  perform pg_temp.charge(2, v_help, 'playground');
  perform pg_temp.charge(7, v_help, 'widget');
  perform pg_temp.charge(1, v_gone, 'api');
  perform pg_temp.charge(5, null, null, 'plain');
  perform pg_temp.travel_to('2026-01-10 23:59:59.999+00');
  perform pg_temp.charge(10, v_help, 'widget');
  perform pg_temp.travel_to('2026-01-11 00:00:00+00');
  perform pg_temp.charge(20, v_help, 'widget');
  perform api.check_and_increment_usage('a', 'llm_tokens', 999);
  perform pg_temp.charge(1000, v_help, 'widget', null, 'b');
  perform api.delete_chatbot('a', v_gone);
end $$;
create temp table wanted as
select d::date as day, b.id as bot, n as name, c as channel, a::bigint as amount, e::bigint as events
from (values ('2026-01-10', 'Gone', null, 'api', 1, 1), ('2026-01-10', null, null, null, 5, 1), ('2026-01-10', 'Help', 'Help', 'playground', 5, 2),
             ('2026-01-10', 'Help', 'Help', 'widget', 17, 2), ('2026-01-11', 'Help', 'Help', 'widget', 20, 1)) v (d, b, n, c, a, e)
left join bots b on b.name = v.b;
select set_eq('select * from pg_temp.history()', 'select * from wanted',
  'one entry per day, chatbot and channel; a deleted chatbot keeps its id and has no name, what belongs to none has neither');
select results_eq($$ select day from api.read_usage_history('a', 'messages') $$, array['2026-01-10', '2026-01-11']::date[], 'one row per day, in order');
select is((select bool_and(array[cardinality(chatbot_ids), cardinality(chatbot_names), cardinality(channels), cardinality(events)] = array_fill(cardinality(amounts), array[4]))
           from api.read_usage_history('a', 'messages')), true, 'the arrays of a row have one length');
select is((select sum(amount) from pg_temp.history()), (select used::numeric from api.read_usage('a') where metric = 'messages'), 'the amounts add up to what the meter shows');
select is((select sum(amounts[1]) from api.read_usage_history('a', 'llm_tokens')), 999::numeric, 'each metric has its own');

-- Days are those of UTC, whatever the session's zone.
set local timezone = 'Pacific/Auckland';
select set_eq('select * from pg_temp.history()', 'select * from wanted', 'a session in Auckland sees the days of UTC');
set local timezone = 'America/New_York';
select set_eq('select * from pg_temp.history()', 'select * from wanted', 'so does one in New York');
set local timezone = 'UTC';

-- Other accounts
select is((select string_agg(format('%s %s', amount, name), ',') from pg_temp.history('b')), '1000 ',
  'what another account used shows there alone, and the name of a chatbot of this one does not show there');
do $$ begin perform pg_temp.charge(4, (select id from bots where name = 'Foreign'), 'api'); end $$;
select is((select (h.amount, h.name)::text from pg_temp.history() h join bots on bots.id = h.bot where bots.name = 'Foreign'), '(4,)',
  'a ledger row that carries the id of a chatbot of another account shows no name');
select is_empty($$ select * from pg_temp.history('c') $$, 'an account that is not there has no days');
select is_empty($$ select * from pg_temp.history('b') where bot in (select id from bots where name in ('Gone', 'Foreign')) $$, 'and nothing of one account is counted at the other');

-- The next window, and what is given back later into the one before
do $$ begin
  perform pg_temp.travel_to('2026-02-10 09:00:00.123456+00');
  perform pg_temp.charge(8, null, 'api');
  perform pg_temp.travel_to('2026-04-01 00:00:00+00');
  perform api.decrement_usage('a', 'messages', 5, 'plain');
  perform pg_temp.travel_to('2026-02-11 00:00:00+00');
end $$;
select results_eq($$ select day, amount from pg_temp.history() $$, $$ values (date '2026-02-10', 8::bigint) $$, 'without a start it is the current window');
select results_eq($$ select day, amount, events from pg_temp.history('a', '2026-01-10 09:00:00.123456+00') where day > '2026-01-11' $$, $$ values (date '2026-04-01', -5::bigint, 1::bigint) $$,
  'what was given back months later is on its day, in the window that was charged');
select is((select sum(amount) from pg_temp.history('a', '2026-01-10 09:00:00.123456+00')),
  (select used::numeric from app.counters where account_id = 'a' and metric = 'messages' and window_start = '2026-01-10 09:00:00.123456+00'), 'so that the amounts still add up to its counter');
select results_eq($$ select * from pg_temp.history('a', '2026-01-10 09:00:00.123+00') $$, $$ select * from pg_temp.history('a', '2026-01-10 09:00:00.123456+00') $$,
  'a start that is cut to the millisecond names the same window');
select is_empty($$ select * from pg_temp.history('a', '2026-01-10 09:00:00.122+00') $$, 'a start that is none of its windows has no days');
-- What is reserved and released again stays visible, with nothing in sum.
do $$ begin
  perform api.reserve_usage('a', 'api_calls', 5, 'r1');
  perform api.settle_usage('a', 'r1', 0);
end $$;
select results_eq($$ select amounts, events from api.read_usage_history('a', 'api_calls') $$, $$ values (array[0::bigint], array[2::bigint]) $$, 'what was released again is an entry of 0 over two rows');

-- Arguments
select throws_ok($$ select * from api.read_usage_history('a', 'nonsense') $$, 'PY001', 'unknown metric ''nonsense''', 'an unknown metric is an error');
select throws_ok($$ select * from api.read_usage_history('a', 'chatbots') $$, 'PY004',
  'metric chatbots is a level: it has no windows and no history by day; list its usage events instead', 'a level has no history by day');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.read_usage_history('a', 'messages') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.read_usage_history('a', 'messages') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.read_usage_history('a', 'messages') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.read_usage_history('a', 'messages') $$, '42501', null, 'an operator may not call it');
reset role;
select * from finish();
rollback;
