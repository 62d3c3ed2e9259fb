begin;
select plan(11);
do $$ begin update app.plan_quotas set quota = 1000 where plan = 'free' and metric = 'storage_bytes'; update app.plan_quotas set quota = 2 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
create temp table doc as select d.* from bot cross join lateral api.create_document('user_1', chatbot_id, 'a.txt', 'text/plain', 600, repeat('a', 64), array['one', 'two']) d;
create temp table keep as select d.* from bot cross join lateral api.create_document('user_1', chatbot_id, 'b.txt', 'text/plain', 400, repeat('b', 64), array['three']) d;

select results_eq($$ select d.* from doc cross join lateral api.delete_document('user_2', chatbot_id, document_id) d $$, $$ values (false, 0::bigint, 1000::bigint, 1000::bigint) $$, 'another account cannot delete it');
select results_eq($$ select d.deleted from doc cross join other cross join lateral api.delete_document('user_1', other.chatbot_id, document_id) d $$, $$ values (false) $$, 'nor can it be deleted through another chatbot');
select is((select count(*) from app.documents), 2::bigint, '… and it is still there');
select results_eq($$ select d.* from doc cross join lateral api.delete_document('user_1', chatbot_id, document_id) d $$, $$ values (true, 400::bigint, 1000::bigint, 600::bigint) $$, 'its owner deletes it; its space is free at once');
select results_eq($$ select name from app.documents $$, $$ values ('b.txt') $$, 'only that one is gone');
select results_eq($$ select content from app.passages $$, $$ values ('three') $$, '… with its passages');
select results_eq($$ select amount, reason, chatbot_id from app.usage_events where metric = 'storage_bytes' and amount < 0 $$, $$ select -600::bigint, 'delete', chatbot_id from bot $$, 'the ledger says what was given back');
select results_eq($$ select d.* from doc cross join lateral api.delete_document('user_1', chatbot_id, document_id) d $$, $$ values (false, 400::bigint, 1000::bigint, 600::bigint) $$, 'deleting it again gives nothing back again');
select is((select d.allowed from bot cross join lateral api.create_document('user_1', chatbot_id, 'c.txt', 'text/plain', 600, repeat('c', 64), array['x']) d), true, 'another of its size fits now');
select throws_ok($$ update app.documents set size_bytes = 1 $$, 'PY411', 'a document keeps its account, chatbot and size: upload another', 'no document can shrink to free space');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'every counter is the sum of its ledger');

select * from finish();
rollback;
