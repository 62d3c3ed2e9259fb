begin;
select plan(9);
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count, created_at)
select 'user_1', ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, chatbot_id, i || '.txt', 'text/plain', i, repeat('a', 64), i, '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2)
from bot cross join generate_series(1, 5) i;
do $$ begin perform api.create_document('user_1', chatbot_id, 'other.txt', 'text/plain', 9, repeat('a', 64), array['x']) from other; end $$;
create function pg_temp.list(p_account text, p_limit integer default 50, p_at timestamptz default null, p_id uuid default null) returns setof text language sql as $$
  select d.name from bot cross join lateral api.list_documents(p_account, chatbot_id, p_limit, p_at, p_id) d $$;

select results_eq($$ select pg_temp.list('user_1') $$, array['5.txt', '4.txt', '3.txt', '2.txt', '1.txt'], 'documents of the chatbot come newest first; of one instant the greater id first');
select results_eq($$ select d.* from bot cross join lateral api.list_documents('user_1', bot.chatbot_id, 1) d $$,
  $$ select '00000000-0000-0000-0000-000000000005'::uuid, chatbot_id, '5.txt', 'text/plain', 5::bigint, 5, '2020-01-03 00:00+00'::timestamptz from bot $$, 'with name, type, size, number of passages and time');
select results_eq($$ select pg_temp.list('user_1', 2, '2020-01-03 00:00+00', '00000000-0000-0000-0000-000000000005') $$, array['4.txt', '3.txt'], 'the next page goes on after the last row, also within one instant');
select results_eq($$ select pg_temp.list('user_1', 2, '2020-01-02 00:00+00', '00000000-0000-0000-0000-000000000003') $$, array['2.txt', '1.txt'], '… to the end');
select is_empty($$ select pg_temp.list('user_1', 2, '2020-01-01 00:00+00', '00000000-0000-0000-0000-000000000001') $$, 'after the last there are none');
select is_empty($$ select pg_temp.list('user_2') $$, 'another account sees none of them');
select is_empty($$ select * from api.list_documents('user_1', null) $$, 'no chatbot has no documents');
select throws_ok($$ select pg_temp.list('user_1', 0) $$, 'PY004', 'limit must be from 1 to 100', 'a page of none is refused');
select throws_ok($$ select pg_temp.list('user_1', 101) $$, 'PY004', 'limit must be from 1 to 100', 'a page of 101 is refused');

select * from finish();
rollback;
