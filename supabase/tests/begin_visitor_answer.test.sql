begin;
select plan(39);
update app.environment set kind = 'sandbox';
update app.plan_quotas set quota = null where metric = 'chatbots';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table second as select chatbot_id from api.create_chatbot('user_1', 'Second');
do $$ begin
  perform api.ensure_widget('user_1', chatbot_id, 'wgt_first123', 'secret_0123456789') from bot;
  perform api.ensure_widget('user_1', chatbot_id, 'wgt_second12', 'secret_0123456789') from second;
  perform api.update_widget('user_1', chatbot_id, true, p_messages_per_visitor_per_hour => 3) from bot;
  perform api.update_widget('user_1', chatbot_id, true) from second;
end $$;
create temp table visit as select v.* from bot cross join lateral api.open_visit('user_1', chatbot_id, repeat('a', 64)) v;
create temp table neighbour as select v.* from bot cross join lateral api.open_visit('user_1', chatbot_id, repeat('b', 64)) v;
create function pg_temp.ask(p_content text default 'Hello?', p_request_id text default null, p_message_id uuid default null, p_account text default 'user_1') returns table (
  outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean, user_message_id uuid, message_id uuid, retry_after_seconds integer)
language sql as $$ select a.* from bot cross join visit cross join lateral api.begin_visitor_answer(p_account, chatbot_id, visitor_id, p_content, 500, p_request_id, 900, p_message_id) a $$;
create function pg_temp.counted() returns integer language sql as $$ select v.messages from app.visitors v join visit on v.id = visitor_id $$;
create function pg_temp.used() returns text language sql as $$
  select string_agg(metric || ' ' || used, ', ' order by metric) from app.counters where account_id = 'user_1' and metric <> 'chatbots' and used > 0
$$;

-- started
create temp table first as select * from pg_temp.ask('What is this?', 'req_1');
select results_eq($$ select outcome, metric, allowed, used, quota, plan, replayed, retry_after_seconds from first $$,
  $$ values ('started', 'messages', true, 1::bigint, 100::bigint, 'free', false, null::integer) $$, 'an answer is started, with the decision on messages');
select results_eq($$ select c.id, c.chatbot_id, c.title, c.channel from app.conversations c $$, $$ select conversation_id, chatbot_id, 'What is this?', 'widget' from bot cross join visit $$,
  'the first message makes the conversation of the visit, over the channel widget');
select is(pg_temp.used(), 'llm_tokens 500, messages 1', '… which costs a message and tokens, no API call');
select results_eq($$ select distinct channel, chatbot_id, conversation_id from app.usage_events where metric in ('messages', 'llm_tokens') $$, $$ select 'widget', chatbot_id, conversation_id from bot cross join visit $$, '… each with its source in the ledger');
select is(pg_temp.counted(), 1, '… and the visitor has one message of the hour');

-- the same request
select results_eq($$ select outcome, message_id from pg_temp.ask('What is this?', 'req_1') $$, $$ select 'running', message_id from first $$, 'the same request is running');
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'A test.', '[]', 40, 2) from first; end $$;
select results_eq($$ select outcome, message_id from pg_temp.ask('What is this?', 'req_1') $$, $$ select 'replayed', message_id from first $$, '… and replayed once it is answered');
select is(pg_temp.counted(), 1, '… and counts once');
select throws_ok($$ select pg_temp.ask('Another question', 'req_1') $$, 'PY409', null, 'the same request id with another question is an error');
select is((select a.outcome from bot cross join neighbour cross join lateral api.begin_visitor_answer('user_1', chatbot_id, visitor_id, 'What is this?', 500, 'req_1') a), 'started', 'another visitor''s requests are their own');
select is((select outcome from bot b cross join lateral api.create_conversation('user_1', b.chatbot_id, p_request_id => 'req_1') c cross join lateral api.begin_answer('user_1', b.chatbot_id, c.conversation_id, 'Hi', 500, 'req_2') a), 'started',
  '… and so are the owner''s: no visitor takes an id away');
create temp table ids as select gen_random_uuid() as id;
select is((select outcome from ids cross join lateral pg_temp.ask('Lost', null, id)), 'started', 'a call whose answer was lost …');
select results_eq($$ select outcome, replayed, message_id from ids cross join lateral pg_temp.ask('Lost', null, id) $$, $$ select 'started', true, id from ids $$, '… is told again that it started');
select is(pg_temp.counted(), 2, '… and counts once');
create temp table failed as select * from pg_temp.ask('Fail', 'req_3');
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', '') from failed; end $$;
select is(pg_temp.counted(), 3, 'a third one counts');

-- too many
create temp table usage_before as select * from app.usage_events;
update app.environment set clock_offset = interval '10 minutes 0.5 seconds';
select results_eq($$ select outcome, metric, allowed, message_id, retry_after_seconds from pg_temp.ask('One more') $$, $$ values ('too_many', null::text, null::boolean, null::uuid, 3000) $$,
  'the next is one too many, until the hour is over that began with the first');
select is((select outcome from pg_temp.ask('One more', 'req_4')), 'too_many', '… with a request id too');
select is((select outcome from pg_temp.ask('Fail', 'req_3')), 'too_many', '… also one that failed before and would be tried again');
select results_eq($$ select outcome, message_id from pg_temp.ask('What is this?', 'req_1') $$, $$ select 'replayed', message_id from first $$, 'what was answered is replayed');
select results_eq($$ select outcome, replayed, message_id from ids cross join lateral pg_temp.ask('Lost', null, id) $$, $$ select 'started', true, id from ids $$, '… and what was begun is told again');
select results_eq($$ select * from app.usage_events $$, $$ select * from usage_before $$, '… all of which costs nothing');
select is((select a.outcome from bot cross join neighbour cross join lateral api.begin_visitor_answer('user_1', chatbot_id, visitor_id, 'Me?', 500) a), 'started', 'another visitor goes on');
update app.environment set clock_offset = interval '59 minutes 59 seconds';
select is((select retry_after_seconds from pg_temp.ask('One more')), 1, 'a second before the hour is over it is a second');
update app.environment set clock_offset = interval '1 hour';
select is((select outcome from pg_temp.ask('One more', 'req_4')), 'started', 'after the hour the next is started, under the id that was refused');
select results_eq($$ select v.messages, v.window_started_at from app.visitors v join visit on v.id = visitor_id $$, $$ values (1, app.clock()) $$, '… and a new hour begins with it');

-- refused
update app.plan_quotas set quota = 6 where plan = 'free' and metric = 'messages';
select results_eq($$ select outcome, metric, allowed, used, quota, message_id from pg_temp.ask('And more') $$, $$ values ('refused', 'messages', false, 6::bigint, 6::bigint, null::uuid) $$, 'a used up quota refuses, with its decision');
select is(pg_temp.counted(), 1, '… and is no message of the visitor');
create temp table newcomer as select v.* from bot cross join lateral api.open_visit('user_1', chatbot_id, repeat('c', 64)) v;
select is((select a.outcome from bot cross join newcomer cross join lateral api.begin_visitor_answer('user_1', chatbot_id, visitor_id, 'Hello?', 500) a), 'refused', 'a first message that is refused …');
select is((select count(*) from app.conversations c join newcomer n on c.id = n.conversation_id), 0::bigint, '… leaves no conversation');
update app.plan_quotas set quota = 100 where plan = 'free' and metric = 'messages';
do $$ begin perform api.delete_conversation('user_1', chatbot_id, conversation_id) from bot cross join visit; end $$;
select is((select outcome from pg_temp.ask('Still there?')), 'started', 'a conversation the owner deleted begins anew');
select is((select count(*) from app.messages m join visit v using (conversation_id)), 2::bigint, '… and empty');

-- not found
select is((select outcome from pg_temp.ask(p_account => 'user_2')), 'not_found', 'another account''s visitor is not found');
select is((select a.outcome from second cross join visit cross join lateral api.begin_visitor_answer('user_1', chatbot_id, visitor_id, 'Hello?', 500) a), 'not_found', 'nor is it found at another chatbot');
select is((select a.outcome from bot cross join lateral api.begin_visitor_answer('user_1', chatbot_id, gen_random_uuid(), 'Hello?', 500) a), 'not_found', 'nor an unknown one');
do $$ begin perform api.update_widget('user_1', chatbot_id, false) from bot; end $$;
select is((select outcome from pg_temp.ask()), 'not_found', 'a widget that is switched off answers nobody');
do $$ begin perform api.update_widget('user_1', chatbot_id, true) from bot; end $$;

-- refused by an exception
select throws_ok($$ select pg_temp.ask('Hello?', repeat('r', 256)) $$, 'PY004', 'request_id must have 1 to 255 characters', 'a request id of 256 characters is refused');
select throws_ok($$ select pg_temp.ask('') $$, 'PY004', 'content must have 1 to 8000 characters', 'an empty question is refused');
update app.plan_quotas set quota = 0 where plan = 'free' and metric = 'chatbots';
select throws_ok($$ select pg_temp.ask() $$, 'PY414', null, 'a read-only chatbot refuses');
select is(pg_temp.counted(), 2, '… and none of all this counts');

select * from finish();
rollback;
