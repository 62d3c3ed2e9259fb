begin;
select plan(43);
update app.environment set kind = 'sandbox';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id, p_channel => 'playground') c;
create function pg_temp.ask(
  p_content text default 'Hello?', p_tokens bigint default 500, p_request_id text default null, p_channel text default 'api', p_expires integer default 900, p_account text default 'user_1'
) returns table (outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean, user_message_id uuid, message_id uuid)
language sql as $$ select a.* from talk cross join lateral api.begin_answer(p_account, chatbot_id, conversation_id, p_content, p_tokens, p_request_id, p_channel, p_expires) a $$;
create function pg_temp.used() returns text language sql as $$
  select string_agg(metric || ' ' || used, ', ' order by metric) from app.counters where account_id = 'user_1' and metric <> 'chatbots' and used > 0
$$;
create function pg_temp.rows() returns text language sql as $$
  select concat_ws(' ', (select count(*) from app.messages), (select count(*) from app.usage_reservations), (select count(*) from app.usage_requests), (select count(*) from app.idempotency_keys),
    (select count(*) from app.usage_events))
$$;

-- started
create temp table first as select * from pg_temp.ask('What is this?', 500, 'req_1');
select results_eq($$ select outcome, metric, allowed, used, quota, remaining, resets_at > app.clock(), plan, replayed from first $$,
  $$ values ('started', 'messages', true, 1::bigint, 100::bigint, 99::bigint, true, 'free', false) $$, 'an answer within all quotas is started, with the decision on messages');
select is(pg_temp.used(), 'api_calls 1, llm_tokens 500, messages 1', 'it holds one message, the estimated tokens and, over the API, one call');
select results_eq($$ select id, role, status, content from app.messages order by place $$,
  $$ select user_message_id, 'user', 'complete', 'What is this?' from first union all select message_id, 'assistant', 'streaming', '' from first $$, 'the question is stored, and the answer as streaming, in that order');
select results_eq($$ select metric, reserved, status, channel, operation, chatbot_id, conversation_id, message_id, expires_at from app.usage_reservations order by metric $$,
  $$ select m, n, 'open', 'api', 'answer', chatbot_id, conversation_id, message_id, app.clock() + interval '900 seconds'
     from talk cross join first cross join (values ('api_calls', 1::bigint), ('llm_tokens', 500), ('messages', 1)) v (m, n) order by m $$, 'each reservation names the answer, its source, and when it may be taken for lost');
select is((select outcome from pg_temp.ask(p_channel => 'playground')), 'started', 'one from the playground is started');
select is(pg_temp.used(), 'api_calls 1, llm_tokens 1000, messages 2', '… and is no API call');
select is((select outcome from pg_temp.ask(p_channel => 'widget')), 'started', 'one from the widget too');
select is(pg_temp.used(), 'api_calls 1, llm_tokens 1500, messages 3', '… nor is that one');

-- the same request
select results_eq($$ select outcome, replayed, message_id, allowed from pg_temp.ask('What is this?', 500, 'req_1') $$, $$ select 'running', true, message_id, null::boolean from first $$,
  'the same request while it is being answered: running, as that message');
select is((select outcome from pg_temp.ask('What is this?', 900, 'req_1')), 'running', 'the estimate is no part of the request');
select is(pg_temp.used(), 'api_calls 1, llm_tokens 1500, messages 3', '… and nothing is charged');
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'A test.', '[]', 40, 2) from first; end $$;
select results_eq($$ select outcome, replayed, message_id from pg_temp.ask('What is this?', 500, 'req_1') $$, $$ select 'replayed', true, message_id from first $$, '… and once it was answered: replayed, by that message');
select is(pg_temp.used(), 'api_calls 1, llm_tokens 1042, messages 3', '… and nothing more is charged');
select is((select count(*) from app.messages where content = 'What is this?'), 1::bigint, '… and the question is there once');
select throws_ok($$ select pg_temp.ask('Another question', 500, 'req_1') $$, 'PY409', null, 'the same request id with another question is an error');
select throws_ok($$ select pg_temp.ask('What is this?', 500, 'req_1', 'widget') $$, 'PY409', null, '… and over another channel');
select throws_ok($$ select api.create_chatbot('user_1', 'Bot', p_request_id => 'req_1') $$, 'PY409', null, '… and for something else');
create temp table stopped as select * from pg_temp.ask('Stop it', 500, 'req_2');
do $$ begin perform api.finish_answer('user_1', message_id, 'stopped', 'Half', '[]', 8, 2) from stopped; end $$;
select results_eq($$ select outcome, message_id from pg_temp.ask('Stop it', 500, 'req_2') $$, $$ select 'replayed', message_id from stopped $$, 'an answer that was stopped is replayed');
create temp table failed as select * from pg_temp.ask('Fail', 500, 'req_3');
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', '') from failed; end $$;
create temp table again as select * from pg_temp.ask('Fail', 500, 'req_3');
select results_eq($$ select a.outcome, a.replayed, a.message_id <> f.message_id from again a cross join failed f $$, $$ values ('started', false, true) $$, 'one that failed is tried again, as a new message');
select is((select outcome from pg_temp.ask('Fail', 500, 'req_3')), 'running', '… under the same request id');
select is(pg_temp.used(), 'api_calls 3, llm_tokens 1552, messages 5', '… and what failed cost nothing');

-- refused: all of it or nothing
do $$ begin update app.plan_quotas set quota = 1600 where plan = 'free' and metric = 'llm_tokens'; end $$;
create temp table rows_before as select pg_temp.rows() as n;
select results_eq($$ select outcome, metric, allowed, used, quota, remaining, resets_at > app.clock(), plan, replayed, user_message_id, message_id from pg_temp.ask('Too long?', 49, 'req_4') $$,
  $$ values ('refused', 'llm_tokens', false, 1552::bigint, 1600::bigint, 48::bigint, true, 'free', false, null::uuid, null::uuid) $$, 'an estimate over the tokens left is refused, with the decision on tokens');
select is(pg_temp.rows(), (select n from rows_before), '… and nothing is stored, charged or remembered of it');
select is((select outcome from pg_temp.ask('Too long?', 48, 'req_4')), 'started', '… so that the same request with an estimate that fits is started');
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric = 'llm_tokens'; update app.plan_quotas set quota = 6 where plan = 'free' and metric = 'messages'; end $$;
update rows_before set n = pg_temp.rows();
select results_eq($$ select outcome, metric, used, quota, remaining from pg_temp.ask() $$, $$ values ('refused', 'messages', 6::bigint, 6::bigint, 0::bigint) $$, 'with the messages used up it is refused, with the decision on messages');
select is(pg_temp.rows(), (select n from rows_before), '… and the tokens and the API call that were to be had are not held');
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric = 'messages'; update app.plan_quotas set quota = 4 where plan = 'free' and metric = 'api_calls'; end $$;
select results_eq($$ select outcome, metric, used, quota from pg_temp.ask() $$, $$ values ('refused', 'api_calls', 4::bigint, 4::bigint) $$, 'with the API calls used up it is refused');
select results_eq($$ select outcome, used, quota, remaining from pg_temp.ask(p_channel => 'playground') $$, $$ values ('started', 7::bigint, null::bigint, null::bigint) $$, '… but not in the playground; unlimited is null');

-- whose conversation
select results_eq($$ select * from pg_temp.ask(p_account => 'user_2') $$,
  $$ values ('not_found', null::text, null::boolean, null::bigint, null::bigint, null::bigint, null::timestamptz, null::text, null::boolean, null::uuid, null::uuid) $$, 'another account''s conversation is not found');
select is((select count(*) from app.accounts where account_id = 'user_2') + (select count(*) from app.usage_events where account_id = 'user_2'), 0::bigint, '… and nothing is charged to anybody');
select is((select outcome from talk cross join lateral api.begin_answer('user_1', gen_random_uuid(), conversation_id, 'Hello?', 10)), 'not_found', 'nor is it found under another chatbot');
select is((select outcome from talk cross join lateral api.begin_answer('user_1', chatbot_id, gen_random_uuid(), 'Hello?', 10)), 'not_found', 'an unknown conversation is not found');

-- arguments
select throws_ok($$ select pg_temp.ask('') $$, 'PY004', 'content must have 1 to 8000 characters', 'an empty question is refused');
select throws_ok($$ select pg_temp.ask(null) $$, 'PY004', 'content must have 1 to 8000 characters', 'no question is refused');
select throws_ok($$ select pg_temp.ask(repeat('q', 8001)) $$, 'PY004', 'content must have 1 to 8000 characters', 'a question of 8001 characters is refused');
select throws_ok($$ select pg_temp.ask(p_channel => 'email') $$, 'PY004', 'channel must be playground, widget or api', 'an unknown channel is refused');
select throws_ok($$ select pg_temp.ask(p_tokens => 0, p_channel => 'widget') $$, 'PY003', null, 'an estimate of 0 is refused');
select throws_ok($$ select pg_temp.ask(p_tokens => -100, p_channel => 'widget') $$, 'PY003', null, 'a negative estimate is refused: it cannot give tokens back');
select throws_ok($$ select pg_temp.ask(p_tokens => 1000000001, p_channel => 'widget') $$, 'PY003', null, 'an estimate over a billion is refused');
select throws_ok($$ select pg_temp.ask(p_expires => 0, p_channel => 'widget') $$, 'PY004', 'expires_in_seconds must be from 1 to 86400', 'an answer that expires at once is refused');
select throws_ok($$ select pg_temp.ask(p_request_id => '', p_channel => 'widget') $$, 'PY004', 'request_id must have 1 to 255 characters', 'an empty request id is refused');

-- what a crash left
update app.environment set clock_offset = interval '901 seconds';
do $$ begin perform api.release_expired_reservations(1000); end $$;
select is((select string_agg(distinct status, ' ' order by status) from app.messages where role = 'assistant'), 'complete failed stopped', 'an answer past its expiry is failed by the sweeper');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'after all this every counter is the sum of its ledger');

select * from finish();
rollback;
