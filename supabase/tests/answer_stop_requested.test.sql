begin;
select plan(6);
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table answer as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Hello?', 500) a;
create temp table second as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'And?', 500) a;
create function pg_temp.requested(p_account text default 'user_1') returns boolean language sql as $$ select s.stop_requested from answer cross join lateral api.answer_stop_requested(p_account, message_id) s $$;

select is(pg_temp.requested(), false, 'an answer nobody wants stopped goes on');
select is(pg_temp.requested('user_2'), true, 'for another account it is not there: stop');
do $$ begin perform api.stop_answer('user_1', conversation_id, message_id) from talk cross join answer; end $$;
select is(pg_temp.requested(), true, 'once its owner asked, it should stop');
select is((select s.stop_requested from second cross join lateral api.answer_stop_requested('user_1', message_id) s), false, '… and the other answer goes on');
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', '') from second; end $$;
select is((select s.stop_requested from second cross join lateral api.answer_stop_requested('user_1', message_id) s), true, 'one that was ended by another should stop');
do $$ begin perform api.delete_chatbot('user_1', chatbot_id) from bot; end $$;
select is(pg_temp.requested(), true, 'one that is gone with its chatbot should stop');

select * from finish();
rollback;
