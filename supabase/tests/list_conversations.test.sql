begin;
select plan(9);
update app.environment set kind = 'sandbox';
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
insert into app.conversations (account_id, id, chatbot_id, title, channel, created_at, updated_at)
select 'user_1', ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, chatbot_id, 'Talk ' || i, 'api', '2020-01-01 00:00+00', '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2)
from bot cross join generate_series(1, 5) i;
do $$ begin perform api.create_conversation('user_1', chatbot_id, 'Elsewhere') from other; end $$;
create function pg_temp.list(p_account text, p_limit integer default 50, p_at timestamptz default null, p_id uuid default null) returns setof text language sql as $$
  select c.title from bot cross join lateral api.list_conversations(p_account, chatbot_id, p_limit, p_at, p_id) c $$;

select results_eq($$ select pg_temp.list('user_1') $$, array['Talk 5', 'Talk 4', 'Talk 3', 'Talk 2', 'Talk 1'], 'conversations of the chatbot come last used first; of one instant the greater id first');
select results_eq($$ select c.* from bot cross join lateral api.list_conversations('user_1', bot.chatbot_id, 1) c $$,
  $$ select '00000000-0000-0000-0000-000000000005'::uuid, chatbot_id, 'Talk 5', 'api', '2020-01-01 00:00+00'::timestamptz, '2020-01-03 00:00+00'::timestamptz from bot $$, 'with title, channel and both times');
select results_eq($$ select pg_temp.list('user_1', 2, '2020-01-03 00:00+00', '00000000-0000-0000-0000-000000000005') $$, array['Talk 4', 'Talk 3'], 'the next page goes on after the last row, also within one instant');
select is_empty($$ select pg_temp.list('user_1', 2, '2020-01-01 00:00+00', '00000000-0000-0000-0000-000000000001') $$, 'after the last there are none');
update app.environment set clock_offset = interval '1 hour';
do $$ begin perform api.begin_answer('user_1', chatbot_id, '00000000-0000-0000-0000-000000000001', 'Hello?', 100) from bot; end $$;
select results_eq($$ select pg_temp.list('user_1', 2) $$, array['Talk 1', 'Talk 5'], 'a question brings its conversation to the front');
select is_empty($$ select pg_temp.list('user_2') $$, 'another account sees none of them');
select is_empty($$ select * from api.list_conversations('user_1', null) $$, 'no chatbot has no conversations');
select throws_ok($$ select pg_temp.list('user_1', 0) $$, 'PY004', 'limit must be from 1 to 100', 'a page of none is refused');
select throws_ok($$ select pg_temp.list('user_1', 101) $$, 'PY004', 'limit must be from 1 to 100', 'a page of 101 is refused');

select * from finish();
rollback;
