begin;
select plan(7);
create temp table talk as
select c.* from create_chatbot('user_1', 'Helper') b cross join lateral create_conversation('user_1', b.chatbot_id) c;
create temp table first as
select a.* from talk cross join lateral begin_answer('user_1', chatbot_id, conversation_id, 'Are refunds possible?', 1000, 'key-1',
  p_message_id => '00000000-0000-4000-8000-000000000001') a;

select results_eq(
  $$ select outcome, message_id from first $$,
  $$ values ('started', '00000000-0000-4000-8000-000000000001'::uuid) $$, 'an answer gets the id its caller chose');
create temp table again as
select a.* from talk cross join lateral begin_answer('user_1', chatbot_id, conversation_id, 'Are refunds possible?', 1000, 'key-1',
  p_message_id => '00000000-0000-4000-8000-000000000001') a;
select results_eq(
  $$ select outcome, replayed, message_id, user_message_id, metric, used, quota, remaining, plan from again $$,
  $$ select 'started', true, message_id, user_message_id, metric, used, quota, remaining, plan from first $$,
  'its caller''s repeat, after a lost connection, is told that it started: nobody else would generate it');
select is((select count(*) from messages), 2::bigint, 'nothing is stored twice');
select results_eq(
  $$ select metric, sum(amount)::bigint from usage_events where metric <> 'chatbots' group by metric order by metric $$,
  $$ values ('api_calls', 1::bigint), ('llm_tokens', 1000), ('messages', 1) $$, 'nothing is charged twice');
select is(
  (select outcome from talk cross join lateral begin_answer('user_1', chatbot_id, conversation_id, 'Are refunds possible?', 1000, 'key-1',
    p_message_id => '00000000-0000-4000-8000-000000000002')), 'running', 'another caller with the same key hears that it runs');
select is(
  (select outcome from talk cross join lateral begin_answer('user_2', chatbot_id, conversation_id, 'Are refunds possible?', 1000, null,
    p_message_id => '00000000-0000-4000-8000-000000000001')), 'not_found', 'another account learns nothing by the id');
do $$ begin perform finish_answer('user_1', '00000000-0000-4000-8000-000000000001', 'complete', 'Yes.', '[]', 20, 5); end $$;
select is(
  (select outcome from talk cross join lateral begin_answer('user_1', chatbot_id, conversation_id, 'Are refunds possible?', 1000, 'key-1',
    p_message_id => '00000000-0000-4000-8000-000000000001')), 'replayed', 'once finished it is not started again');

select * from finish();
rollback;
