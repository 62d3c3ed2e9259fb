begin;
select plan(37);
update app.environment set kind = 'sandbox';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table asked (name text primary key, id uuid);
create function pg_temp.ask(p_name text, p_tokens bigint default 500) returns void language sql as $$
  insert into asked select p_name, a.message_id from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, p_name, p_tokens) a
$$;
create function pg_temp.finish(p_name text, p_status text, p_in bigint default 0, p_out bigint default 0, p_content text default 'Answer', p_error text default null, p_account text default 'user_1')
returns table (status text, charged_messages bigint, charged_tokens bigint, used bigint, quota bigint, remaining bigint, resets_at timestamptz) language sql as $$
  select f.* from asked cross join lateral api.finish_answer(p_account, id, p_status, p_content, '[{"place":1}]', p_in, p_out, p_error) f where name = p_name
$$;
create function pg_temp.used() returns text language sql as $$
  select string_agg(metric || ' ' || used, ', ' order by metric) from app.counters where account_id = 'user_1' and metric <> 'chatbots'
$$;
do $$ begin perform pg_temp.ask('complete'); perform pg_temp.ask('stopped'); perform pg_temp.ask('failed'); perform pg_temp.ask('long', 100); end $$;
select is(pg_temp.used(), 'api_calls 4, llm_tokens 1600, messages 4', 'four answers are running');

-- the three ends
select results_eq($$ select status, charged_messages, charged_tokens, used, quota, remaining, resets_at > app.clock() from pg_temp.finish('complete', 'complete', 300, 42) $$,
  $$ values ('complete', 1::bigint, 342::bigint, 4::bigint, 100::bigint, 96::bigint, true) $$, 'a complete answer costs a message and its real tokens');
select is(pg_temp.used(), 'api_calls 4, llm_tokens 1442, messages 4', '… what was held beyond them is given back');
select results_eq($$ select status, content, citations, input_tokens, output_tokens, error, finished_at from app.messages where id = (select id from asked where name = 'complete') $$,
  $$ values ('complete', 'Answer', '[{"place":1}]'::jsonb, 300::bigint, 42::bigint, null::text, app.clock()) $$, 'it is stored with its citations, tokens and time');
select results_eq($$ select status, charged_messages, charged_tokens from pg_temp.finish('stopped', 'stopped', 10, 5) $$, $$ values ('stopped', 1::bigint, 15::bigint) $$, 'a stopped answer costs a message and what was streamed');
select is(pg_temp.used(), 'api_calls 4, llm_tokens 957, messages 4', '… and no more');
select results_eq($$ select status, charged_messages, charged_tokens, used from pg_temp.finish('failed', 'failed', 300, 42, '', 'the model is away') $$, $$ values ('failed', 0::bigint, 0::bigint, 3::bigint) $$,
  'a failed answer costs nothing, whatever tokens it took');
select is(pg_temp.used(), 'api_calls 3, llm_tokens 457, messages 3', '… message, tokens and API call are given back');
select results_eq($$ select status, input_tokens, output_tokens, error from app.messages where id = (select id from asked where name = 'failed') $$, $$ values ('failed', null::bigint, null::bigint, 'the model is away') $$,
  '… and its owner can read why');
select results_eq($$ select charged_tokens from pg_temp.finish('long', 'complete', 80, 120) $$, $$ values (200::bigint) $$, 'one longer than estimated is charged what it took');
select is(pg_temp.used(), 'api_calls 3, llm_tokens 557, messages 3', '… to the token');

do $$ begin perform pg_temp.ask('silent'); end $$;
select results_eq($$ select status, charged_messages, charged_tokens, used from pg_temp.finish('silent', 'stopped', 300, 0, '') $$, $$ values ('stopped', 0::bigint, 0::bigint, 3::bigint) $$,
  'one stopped before its first word costs nothing');
select is(pg_temp.used(), 'api_calls 3, llm_tokens 557, messages 3', '… message, tokens and API call are given back');
do $$ begin perform pg_temp.ask('unheard'); perform pg_temp.finish('unheard', 'stopped', 300, null, ''); end $$;
select is(pg_temp.used(), 'api_calls 3, llm_tokens 557, messages 3', '… also when it is not told what was streamed');
do $$ begin perform pg_temp.ask('empty'); end $$;
select results_eq($$ select charged_messages, charged_tokens from pg_temp.finish('empty', 'complete', 0, 0, '') $$, $$ values (1::bigint, 0::bigint) $$, 'one complete without a token costs its message');
do $$ begin perform api.decrement_usage('user_1', 'messages'); perform api.decrement_usage('user_1', 'api_calls'); end $$;

-- once
select results_eq($$ select status, charged_messages, charged_tokens, used from pg_temp.finish('complete', 'complete', 300, 42) $$, $$ values ('complete', 1::bigint, 342::bigint, 3::bigint) $$, 'finished again it tells the same');
select results_eq($$ select status, charged_messages, charged_tokens from pg_temp.finish('complete', 'failed', 0, 0, 'Changed') $$, $$ values ('complete', 1::bigint, 342::bigint) $$, 'what is complete does not fail afterwards');
select results_eq($$ select status, charged_tokens from pg_temp.finish('failed', 'complete', 900, 900) $$, $$ values ('failed', 0::bigint) $$, 'what failed is not charged afterwards');
select is(pg_temp.used(), 'api_calls 3, llm_tokens 557, messages 3', '… and no counter moved');
select is((select content from app.messages where id = (select id from asked where name = 'complete')), 'Answer', '… nor did the stored answer change');

-- beyond the quota
do $$ begin update app.plan_quotas set quota = 700 where plan = 'free' and metric = 'llm_tokens'; perform pg_temp.ask('overrun', 100); end $$;
select results_eq($$ select charged_tokens from pg_temp.finish('overrun', 'complete', 200, 300) $$, $$ values (143::bigint) $$, 'tokens beyond the estimate are charged as far as the quota goes');
select is(pg_temp.used(), 'api_calls 4, llm_tokens 700, messages 4', '… so that the counter never passes its quota');
select is((select overrun from app.usage_reservations where metric = 'llm_tokens' and message_id = (select id from asked where name = 'overrun')), 357::bigint, '… and the rest is noted');

-- a month later
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric = 'llm_tokens'; perform pg_temp.ask('slow'); end $$;
update app.environment set clock_offset = interval '40 days';
do $$ begin perform pg_temp.finish('slow', 'complete', 10, 10); end $$;
select results_eq($$ select c.used from app.counters c where c.metric = 'llm_tokens' order by window_start $$, $$ values (720::bigint) $$, 'an answer that ends in another window is settled in the one that was charged');
do $$ begin perform pg_temp.ask('lost'); end $$;
update app.environment set clock_offset = interval '41 days';
do $$ begin perform api.release_expired_reservations(1000); end $$;
select results_eq($$ select status, charged_messages, charged_tokens from pg_temp.finish('lost', 'complete', 10, 10) $$, $$ values ('failed', 0::bigint, 0::bigint) $$, 'an answer the sweeper took for lost stays failed and free');

-- its message deleted meanwhile
do $$ begin perform pg_temp.ask('deleted'); delete from app.messages where id = (select id from asked where name = 'deleted'); end $$;
select results_eq($$ select status, charged_messages, charged_tokens from pg_temp.finish('deleted', 'complete', 50, 50) $$, $$ values ('complete', 1::bigint, 100::bigint) $$, 'an answer deleted while it streamed is settled all the same');
select results_eq($$ select status, charged_messages, charged_tokens from pg_temp.finish('deleted', 'stopped', 5, 1) $$, $$ values ('complete', 1::bigint, 100::bigint) $$, '… once: a second end tells the first');
do $$ begin perform pg_temp.ask('deleted and failed'); delete from app.messages where id = (select id from asked where name = 'deleted and failed');
  perform pg_temp.finish('deleted and failed', 'failed'); end $$;
select results_eq($$ select status, charged_messages, charged_tokens from pg_temp.finish('deleted and failed', 'complete', 50, 50) $$, $$ values ('failed', 0::bigint, 0::bigint) $$, '… and what failed is not charged afterwards');

-- whose
do $$ begin perform pg_temp.ask('mine'); end $$;
select is_empty($$ select * from pg_temp.finish('mine', 'complete', 10, 10, p_account => 'user_2') $$, 'another account cannot finish it');
select is((select status from app.messages where id = (select id from asked where name = 'mine')), 'streaming', '… it goes on streaming');
select is_empty($$ select * from api.finish_answer('user_1', gen_random_uuid(), 'complete', 'x') $$, 'an unknown answer is not there');
select is_empty($$ select f.* from app.messages m cross join lateral api.finish_answer('user_1', m.id, 'complete', 'x') f where m.role = 'user' $$, 'a question is no answer to finish');

-- more tokens than there are
do $$ begin update app.accounts set plan = 'enterprise' where account_id = 'user_1'; perform pg_temp.ask('endless'); end $$;
select results_eq($$ select status, charged_tokens from pg_temp.finish('endless', 'complete', 9223372036854775807, 9223372036854775807) $$, $$ values ('complete', 1000000000::bigint) $$, 'no answer is charged more than a billion tokens');

-- arguments
select throws_ok($$ select pg_temp.finish('mine', 'streaming') $$, 'PY004', 'status must be complete, stopped or failed', 'streaming is no end');
select throws_ok($$ select pg_temp.finish('mine', null) $$, 'PY004', 'status must be complete, stopped or failed', 'no status is refused');
select results_eq($$ select charged_messages, charged_tokens from pg_temp.finish('mine', 'complete', -50, null, null) $$, $$ values (1::bigint, 0::bigint) $$, 'negative or missing token numbers count as none: nothing is given back for them');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'after all this every counter is the sum of its ledger');

select * from finish();
rollback;
