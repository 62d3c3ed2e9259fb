begin;
select plan(18);
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create function pg_temp.create_conversation(p_account text default 'user_1', p_title text default '', p_channel text default 'api', p_request_id text default null)
returns table (conversation_id uuid, chatbot_id uuid, title text, channel text, replayed boolean, created_at timestamptz, updated_at timestamptz)
language sql as $$ select c.* from bot cross join lateral api.create_conversation(p_account, bot.chatbot_id, p_title, p_channel, p_request_id) c $$;

select results_eq($$ select chatbot_id, title, channel, replayed, created_at, updated_at from pg_temp.create_conversation('user_1', 'About refunds', 'widget') $$,
  $$ select chatbot_id, 'About refunds', 'widget', false, app.clock(), app.clock() from bot $$, 'a conversation is opened and returned');
select results_eq($$ select account_id, title, channel from app.conversations $$, $$ values ('user_1', 'About refunds', 'widget') $$, 'it is stored under its account');
select results_eq($$ select title, channel from bot cross join lateral api.create_conversation('user_1', chatbot_id) $$, $$ values ('', 'api') $$, 'without title and channel it has no title and channel api');
select is((select title from pg_temp.create_conversation('user_1', null)), '', 'no title is an empty one');
select is((select count(*) from app.usage_events where metric <> 'chatbots'), 0::bigint, 'opening conversations costs nothing');
select is_empty($$ select * from pg_temp.create_conversation('user_2') $$, 'nobody opens a conversation with another account''s chatbot');
select is_empty($$ select * from api.create_conversation('user_1', gen_random_uuid()) $$, 'nor with one that is not there');
select is((select count(*) from app.conversations where account_id <> 'user_1'), 0::bigint, '… and nothing is stored');

create temp table first as select * from pg_temp.create_conversation('user_1', 'Once', 'api', 'req_1');
select results_eq($$ select conversation_id, title, replayed from pg_temp.create_conversation('user_1', 'Once', 'api', 'req_1') $$, $$ select conversation_id, 'Once', true from first $$,
  'the same request again returns the same conversation, and says that it is a replay');
select is((select count(*) from app.conversations where title = 'Once'), 1::bigint, '… and opens no second one');
select throws_ok($$ select pg_temp.create_conversation('user_1', 'Other', 'api', 'req_1') $$, 'PY409', null, 'the same request id with another title is an error');
select throws_ok($$ select pg_temp.create_conversation('user_1', 'Once', 'widget', 'req_1') $$, 'PY409', null, '… and with another channel');
select throws_ok($$ select api.create_chatbot('user_1', 'Once', p_request_id => 'req_1') $$, 'PY409', null, '… and for creating something else');
do $$ begin perform api.delete_conversation('user_1', chatbot_id, conversation_id) from first; end $$;
select is_empty($$ select * from pg_temp.create_conversation('user_1', 'Once', 'api', 'req_1') $$, 'a replay of a conversation deleted since opens no new one');
select throws_ok($$ select pg_temp.create_conversation('user_1', repeat('t', 201)) $$, 'PY004', 'title must have at most 200 characters', 'a title of 201 characters is refused');
select is((select length(title) from pg_temp.create_conversation('user_1', repeat('ü', 200))), 200, 'one of 200 is not');
select throws_ok($$ select pg_temp.create_conversation('user_1', '', 'email') $$, 'PY004', 'channel must be playground, widget or api', 'an unknown channel is refused');
select throws_ok($$ select pg_temp.create_conversation('user_1', '', null) $$, 'PY004', 'channel must be playground, widget or api', 'no channel is refused');

select * from finish();
rollback;
