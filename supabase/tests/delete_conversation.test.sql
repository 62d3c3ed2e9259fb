begin;
select plan(11);
do $$ begin update app.plan_quotas set quota = 2 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table keep as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id, 'Stays') c;
create temp table done as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'First?', 500) a;
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'Yes.', '[]', 20, 10) from done; end $$;
create temp table running as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Second?', 500) a;

select results_eq($$ select d.deleted from talk cross join lateral api.delete_conversation('user_2', chatbot_id, conversation_id) d $$, $$ values (false) $$, 'another account cannot delete it');
select results_eq($$ select d.deleted from talk cross join other cross join lateral api.delete_conversation('user_1', other.chatbot_id, conversation_id) d $$, $$ values (false) $$, 'nor can it be deleted through another chatbot');
select is((select count(*) from app.conversations), 2::bigint, '… and it is still there');
select results_eq($$ select d.deleted from talk cross join lateral api.delete_conversation('user_1', chatbot_id, conversation_id) d $$, $$ values (true) $$, 'its owner deletes it');
select results_eq($$ select title from app.conversations $$, $$ values ('Stays') $$, 'only that one is gone');
select is((select count(*) from app.messages), 0::bigint, '… with its messages');
select results_eq($$ select metric, used from app.counters where metric in ('messages', 'llm_tokens') order by metric $$, $$ values ('llm_tokens', 530::bigint), ('messages', 2::bigint) $$,
  'what its answers used, and what the running one holds, is not given back');
select results_eq($$ select f.status, f.charged_messages, f.charged_tokens, f.used from running cross join lateral api.finish_answer('user_1', message_id, 'stopped', 'Half', '[]', 20, 5) f $$,
  $$ values ('stopped', 1::bigint, 25::bigint, 2::bigint) $$, 'the answer that was being generated is settled all the same');
select results_eq($$ select s.stop_requested from running cross join lateral api.answer_stop_requested('user_1', message_id) s $$, $$ values (true) $$, 'whoever generates it is told to stop');
select results_eq($$ select d.deleted from talk cross join lateral api.delete_conversation('user_1', chatbot_id, conversation_id) d $$, $$ values (false) $$, 'deleting it again does nothing and says so');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'every counter is the sum of its ledger');

select * from finish();
rollback;
