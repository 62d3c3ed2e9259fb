begin;
select plan(9);
create temp table talk as select c.* from api.create_chatbot('user_1', 'Helper') b cross join lateral api.create_conversation('user_1', b.chatbot_id) c;
create temp table first as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'First?', 500) a;
create temp table second as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Second?', 500) a;
create function pg_temp.locked(p_account text, p_message uuid, p_content text) returns uuid language sql as $$
  select app.lock_question(p_account, conversation_id, p_message, p_content) from talk
$$;

select throws_ok($$ select pg_temp.locked('user_1', message_id, 'First?') from first $$, 'PY004', 'this answer is still being generated: stop it first', 'an answer that is being generated is refused');
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'Yes.') from first; perform api.finish_answer('user_1', message_id, 'failed', '') from second; end $$;
select is((select pg_temp.locked('user_1', message_id, 'First?') from first), (select user_message_id from first), 'the question is the one before the answer');
select is((select pg_temp.locked('user_1', message_id, 'Second?') from second), (select user_message_id from second), '… also of one that failed');
select throws_ok($$ select pg_temp.locked('user_1', message_id, 'First?') from second $$, 'PY004', 'content must be the question that this answer answered', 'another question is refused');
select throws_ok($$ select pg_temp.locked('user_1', message_id, null) from second $$, 'PY004', null, '… and none');
select throws_ok($$ select pg_temp.locked('user_1', user_message_id, 'First?') from first $$, 'PY404', 'there is no such answer in this conversation', 'a question is no answer');
select throws_ok($$ select pg_temp.locked('user_2', message_id, 'First?') from first $$, 'PY404', null, 'another account''s is not there');
select throws_ok($$ select pg_temp.locked('user_1', gen_random_uuid(), 'First?') $$, 'PY404', null, 'an unknown one is not there');
select throws_ok($$ select app.lock_question('user_1', gen_random_uuid(), message_id, 'First?') from first $$, 'PY404', null, '… nor one of another conversation');

select * from finish();
rollback;
