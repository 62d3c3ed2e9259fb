begin;
select plan(9);
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table other as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table answer as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Hello?', 500) a;

select is_empty($$ select s.* from talk cross join answer cross join lateral api.stop_answer('user_2', conversation_id, message_id) s $$, 'another account cannot stop it');
select is_empty($$ select s.* from other cross join answer cross join lateral api.stop_answer('user_1', conversation_id, message_id) s $$, 'nor can it be stopped through another conversation');
select is((select count(*) from app.messages where stop_requested), 0::bigint, '… and no mark is set');
select is_empty($$ select s.* from talk cross join answer cross join lateral api.stop_answer('user_1', conversation_id, user_message_id) s $$, 'a question is nothing to stop');
select is_empty($$ select s.* from talk cross join lateral api.stop_answer('user_1', conversation_id, gen_random_uuid()) s $$, 'nor is what is not there');
select results_eq($$ select s.status from talk cross join answer cross join lateral api.stop_answer('user_1', conversation_id, message_id) s $$, $$ values ('streaming') $$, 'its owner asks for it to be stopped; at this moment it still streams');
select results_eq($$ select id from app.messages where stop_requested $$, $$ select message_id from answer $$, 'only that answer is marked');
select results_eq($$ select s.status from talk cross join answer cross join lateral api.stop_answer('user_1', conversation_id, message_id) s $$, $$ values ('streaming') $$, 'asking again is the same');
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'Done.', '[]', 10, 2) from answer; end $$;
select results_eq($$ select s.status from talk cross join answer cross join lateral api.stop_answer('user_1', conversation_id, message_id) s $$, $$ values ('complete') $$, 'what has ended is not stopped any more, and says so');

select * from finish();
rollback;
