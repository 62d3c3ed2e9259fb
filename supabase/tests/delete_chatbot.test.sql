begin;
select plan(14);
do $$ begin update app.plan_quotas set quota = 3 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select * from api.create_chatbot('user_1', 'Helper');
create temp table other as select * from api.create_chatbot('user_1', 'Stays');
do $$ begin perform api.create_document('user_1', chatbot_id, 'a.txt', 'text/plain', 100, repeat('a', 64), array['one', 'two']) from bot;
  perform api.create_document('user_1', chatbot_id, 'b.txt', 'text/plain', 50, repeat('b', 64), array['three']) from bot;
  perform api.create_document('user_1', chatbot_id, 'c.txt', 'text/plain', 7, repeat('c', 64), array['four']) from other; end $$;
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table answer as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Hello?', 500) a;

select results_eq($$ select d.* from bot cross join lateral api.delete_chatbot('user_2', chatbot_id) d $$, $$ values (false, 0::bigint, 3::bigint, 3::bigint) $$, 'another account cannot delete it');
select is((select count(*) from app.chatbots), 2::bigint, '… and it is still there');
select results_eq($$ select d.* from bot cross join lateral api.delete_chatbot('user_1', chatbot_id) d $$, $$ values (true, 1::bigint, 3::bigint, 2::bigint) $$, 'its owner deletes it; the gauge after it is returned');
select results_eq($$ select name from app.chatbots $$, $$ values ('Stays') $$, 'only that one is gone');
select results_eq($$ select name from app.documents $$, $$ values ('c.txt') $$, 'its documents are gone with it');
select results_eq($$ select content from app.passages $$, $$ values ('four') $$, '… and their passages');
select is((select count(*) from app.conversations) + (select count(*) from app.messages), 0::bigint, '… and its conversations with their messages');
select results_eq($$ select metric, used from app.counters where account_id = 'user_1' and window_start = '-infinity' order by metric $$,
  $$ values ('chatbots', 1::bigint), ('storage_bytes', 7::bigint) $$, 'both gauges are what is left');
select results_eq($$ select metric, reason, amount, chatbot_id from app.usage_events where account_id = 'user_1' and reason = 'delete' order by amount $$,
  $$ select * from (select 'storage_bytes', 'delete', n, chatbot_id from bot cross join (values (-100::bigint), (-50)) v (n) union all select 'chatbots', 'delete', -1, chatbot_id from bot) x order by 3 $$,
  'the ledger says what was given back, and for which chatbot');
select is((select used from app.counters where account_id = 'user_1' and metric = 'messages'), 1::bigint, 'what its answers used is not given back');
select results_eq($$ select f.status, f.charged_messages, f.charged_tokens from answer cross join lateral api.finish_answer('user_1', message_id, 'complete', 'Hi.', '[]', 30, 12) f $$,
  $$ values ('complete', 1::bigint, 42::bigint) $$, 'an answer that was being generated is settled all the same');
select results_eq($$ select d.* from bot cross join lateral api.delete_chatbot('user_1', chatbot_id) d $$, $$ values (false, 1::bigint, 3::bigint, 2::bigint) $$, 'deleting it again does nothing and says so');
select results_eq($$ select * from api.delete_chatbot('user_nobody', gen_random_uuid()) $$, $$ values (false, 0::bigint, 3::bigint, 3::bigint) $$, 'an unknown account has nothing to delete');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'every counter is the sum of its ledger');

select * from finish();
rollback;
