-- begin_answer: an answer given anew.
begin;
select plan(34);
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create function pg_temp.ask(p_content text, p_replaces uuid default null, p_request_id text default null, p_channel text default 'playground')
returns table (outcome text, used bigint, replayed boolean, user_message_id uuid, message_id uuid)
language sql as $$
  select a.outcome, a.used, a.replayed, a.user_message_id, a.message_id
  from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, p_content, 500, p_request_id, p_channel, p_replaces => p_replaces) a
$$;
create function pg_temp.finish(p_message uuid, p_status text) returns void language plpgsql as $$
begin perform api.finish_answer('user_1', p_message, p_status, 'Answer', '[]', 10, 10); end $$;
create function pg_temp.used() returns text language sql as $$
  select string_agg(metric || ' ' || used, ', ' order by metric) from app.counters where account_id = 'user_1' and metric <> 'chatbots' and used > 0
$$;
create temp table earlier as select * from pg_temp.ask('Earlier?');
do $$ begin perform pg_temp.finish(message_id, 'complete') from earlier; end $$;
create temp table first as select * from pg_temp.ask('What is this?');

-- what may not be replaced
select throws_ok($$ select pg_temp.ask('What is this?', message_id) from first $$, 'PY004', 'this answer is still being generated: stop it first', 'an answer that is being generated is not given anew');
do $$ begin perform pg_temp.finish(message_id, 'complete') from first; end $$;
select throws_ok($$ select pg_temp.ask('What is that?', message_id) from first $$, 'PY004', 'content must be the question that this answer answered', 'nor is it given to another question');
select throws_ok($$ select pg_temp.ask('Earlier?', message_id) from earlier $$, 'PY004', 'only the last answer of a conversation can be given anew; another message came after this one', 'an answer that was followed by another is not given anew');
select throws_ok($$ select pg_temp.ask('What is this?', user_message_id) from first $$, 'PY404', 'there is no such answer in this conversation', 'a question is no answer');
select throws_ok($$ select pg_temp.ask('What is this?', gen_random_uuid()) $$, 'PY404', 'there is no such answer in this conversation', 'an unknown one is not there');
select throws_ok($$ select api.begin_answer('user_1', bot.chatbot_id, c.conversation_id, 'What is this?', 500, p_replaces => f.message_id) from bot cross join lateral api.create_conversation('user_1', bot.chatbot_id) c cross join first f $$,
  'PY404', 'there is no such answer in this conversation', '… nor is one of another conversation');
create temp table foreign_talk as select c.* from api.create_chatbot('user_2', 'Bot') b cross join lateral api.create_conversation('user_2', b.chatbot_id) c;
select throws_ok($$ select api.begin_answer('user_2', t.chatbot_id, t.conversation_id, 'What is this?', 500, p_replaces => f.message_id) from foreign_talk t cross join first f $$, 'PY404', null, '… nor of another account');
select is(pg_temp.used(), 'llm_tokens 40, messages 2', '… and none of these cost anything');
select is((select count(*) from app.messages where replaced_by is not null), 0::bigint, '… or marked anything');

-- anew
create temp table second as select f.message_id as old_id, a.* from first f cross join lateral pg_temp.ask('What is this?', f.message_id, 'req_1') a;
select results_eq($$ select s.outcome, s.used, s.replayed, s.user_message_id = f.user_message_id, s.message_id <> f.message_id from second s cross join first f $$, $$ values ('started', 3::bigint, false, true, true) $$,
  'an answer is given anew, as a new message to the same question');
select is(pg_temp.used(), 'llm_tokens 540, messages 3', '… and costs what any answer costs');
select is((select used from app.chatbot_answers where account_id = 'user_1'), 3::bigint, '… also of the chatbot''s cap');
select is((select count(*) from app.messages where content = 'What is this?'), 1::bigint, 'the question is stored once');
select results_eq($$ select m.id, m.replaced_by from app.messages m where m.replaced_by is not null $$, $$ select old_id, message_id from second $$, 'the old answer says by which it was replaced, and no other does');
select throws_ok($$ select pg_temp.ask('What is this?', message_id) from first $$, 'PY004', null, 'while it is given anew the old one is not given anew again');
select throws_ok($$ select pg_temp.ask('What is this?', message_id) from second $$, 'PY004', 'this answer is still being generated: stop it first', '… nor the new one');

-- the same request
select results_eq($$ select a.outcome, a.message_id from first f cross join lateral pg_temp.ask('What is this?', f.message_id, 'req_1') a $$, $$ select 'running', message_id from second $$, 'the same request: running');
select throws_ok($$ select pg_temp.ask('What is this?', null, 'req_1') $$, 'PY409', null, 'as a new question it is another request');
select throws_ok($$ select pg_temp.ask('What is this?', message_id, 'req_1') from second $$, 'PY409', null, '… and for another answer too');
select results_eq($$ select a.outcome, a.user_message_id, a.replayed from talk t cross join second s cross join lateral api.begin_answer('user_1', t.chatbot_id, t.conversation_id, 'What is this?', 500, 'req_1', 'playground', p_message_id => s.message_id, p_replaces => s.old_id) a $$,
  $$ select 'started', user_message_id, true from first $$, 'the caller''s own repeat is told that it started, and to which question');
do $$ begin perform pg_temp.finish(message_id, 'failed') from second; end $$;
create temp table third as select f.message_id as old_id, a.* from first f cross join lateral pg_temp.ask('What is this?', f.message_id, 'req_1') a;
select results_eq($$ select t.outcome, t.user_message_id = f.user_message_id, t.message_id <> s.message_id from third t cross join first f cross join second s $$, $$ values ('started', true, true) $$, 'one that failed is tried again by the same request');
select set_eq($$ select m.id from app.messages m join third t on m.replaced_by = t.message_id $$, $$ select message_id from first union all select message_id from second $$, '… and replaces both, what failed and what that was to replace');
select is(pg_temp.used(), 'llm_tokens 540, messages 3', '… and what failed cost nothing');
do $$ begin perform pg_temp.finish(message_id, 'stopped') from third; end $$;
select results_eq($$ select a.outcome, a.message_id from first f cross join lateral pg_temp.ask('What is this?', f.message_id, 'req_1') a $$, $$ select 'replayed', message_id from third $$, 'once it ended the same request is a replay');

-- what else may be replaced
create temp table fourth as select a.* from third t cross join lateral pg_temp.ask('What is this?', t.message_id) a;
select is((select outcome from fourth), 'started', 'an answer that was stopped is given anew');
do $$ begin perform pg_temp.finish(message_id, 'failed') from fourth; end $$;
create temp table fifth as select a.* from fourth f cross join lateral pg_temp.ask('What is this?', f.message_id) a;
select is((select outcome from fifth), 'started', '… and one that failed');
select is((select count(*) from app.messages m join fifth f on m.replaced_by = f.message_id), 4::bigint, '… which replaces all before it');
select is((select count(*) from app.messages m join earlier e on e.message_id = m.id where m.replaced_by is not null), 0::bigint, '… but none of an earlier question');
do $$ begin perform pg_temp.finish(message_id, 'complete') from fifth; end $$;
select throws_ok($$ select pg_temp.ask('What is this?', message_id) from first $$, 'PY004', null, 'what was replaced for good is not given anew');

-- refused: nothing is marked
do $$ begin update app.plan_quotas set quota = 5 where plan = 'free' and metric = 'messages'; end $$;
select is((select a.outcome from fifth f cross join lateral pg_temp.ask('What is this?', f.message_id) a), 'started', 'within the quota it is given anew');
do $$ begin update app.plan_quotas set quota = 1 where plan = 'free' and metric = 'messages'; perform pg_temp.finish(id, 'failed') from app.messages where status = 'streaming'; end $$;
select is((select a.outcome from fifth f cross join lateral pg_temp.ask('What is this?', f.message_id) a), 'refused', 'beyond the quota it is refused');
select is((select r.status from fifth f join app.messages m on m.id = f.message_id join app.messages r on r.id = m.replaced_by), 'failed', '… and marks nothing');
select is((select string_agg(distinct m.content, ' ') from app.messages m where role = 'user' and conversation_id = (select conversation_id from talk)), 'Earlier? What is this?', 'no question was stored twice');
select is_empty($$ select place, example from api.check_invariants() where violations > 0 and place <> 2 $$, 'after all this every invariant holds');

select * from finish();
rollback;
