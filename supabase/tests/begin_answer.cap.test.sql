-- begin_answer: a chatbot with a monthly cap of its own.
begin;
select plan(32);
update app.environment set kind = 'sandbox';
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create function pg_temp.ask(p_request_id text default null, p_channel text default 'api')
returns table (outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean, user_message_id uuid, message_id uuid)
language sql as $$ select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Hello?', 500, p_request_id, p_channel) a $$;
create function pg_temp.cap(p_cap bigint) returns bigint language sql as $$ select r.monthly_message_cap from bot cross join lateral api.update_chatbot('user_1', chatbot_id, p_monthly_message_cap => p_cap) r $$;
create function pg_temp.counted() returns bigint language sql as $$
  select a.used from bot join app.chatbot_answers a using (chatbot_id) where a.account_id = 'user_1' order by a.window_start desc limit 1
$$;
create function pg_temp.used() returns text language sql as $$
  select string_agg(metric || ' ' || used, ', ' order by metric) from app.counters
  where account_id = 'user_1' and metric <> 'chatbots' and used > 0 and window_start = (select e.window_start from app.entitlement('user_1', 'messages') e)
$$;
create function pg_temp.rows() returns text language sql as $$
  select concat_ws(' ', (select count(*) from app.messages), (select count(*) from app.usage_reservations), (select count(*) from app.usage_requests), (select count(*) from app.idempotency_keys),
    (select count(*) from app.usage_events), (select count(*) from app.chatbot_answers))
$$;

-- it counts without a cap, so that one set in the middle of a window is right
create temp table asked as select n, a.* from generate_series(1, 3) n cross join lateral pg_temp.ask('req_' || n) a;
select is(pg_temp.counted(), 3::bigint, 'answers are counted for their chatbot also without a cap');
select results_eq($$ select a.window_start, w.window_start from app.chatbot_answers a cross join lateral app.entitlement('user_1', 'messages') w $$, $$ select window_start, window_start from app.counters where metric = 'messages' $$, '… in the window of the account''s messages');
select is((select outcome from pg_temp.ask('req_1')), 'running', 'a repeated request');
select is(pg_temp.counted(), 3::bigint, '… is not counted again');

-- the cap
select is(pg_temp.cap(4), 4::bigint, 'a cap of four is set');
select results_eq($$ select outcome, metric, used, quota from pg_temp.ask('req_4') $$, $$ values ('started', 'messages', 4::bigint, 100::bigint) $$, 'the fourth answer is started, with the decision on messages');
create temp table rows_before as select pg_temp.rows() as n, pg_temp.used() as used;
select results_eq($$ select outcome, metric, allowed, used, quota, remaining, resets_at, plan, replayed, user_message_id, message_id from pg_temp.ask('req_5') $$,
  $$ select 'refused', 'chatbot_messages', false, 4::bigint, 4::bigint, 0::bigint, e.resets_at, 'free', false, null::uuid, null::uuid from app.entitlement('user_1', 'messages') e $$, 'the fifth is refused, with the numbers of the chatbot and the end of the window');
select is(pg_temp.rows(), (select n from rows_before), '… and nothing is stored or remembered of it');
select is(pg_temp.used(), (select used from rows_before), '… nor charged to the account');
select is(pg_temp.counted(), 4::bigint, '… nor counted');
select is((select outcome from pg_temp.ask(p_channel => 'playground')), 'refused', 'the playground is refused too');
select is((select outcome from pg_temp.ask(p_channel => 'widget')), 'refused', '… and the widget');
create temp table other as select c.* from api.create_chatbot('user_1', 'Other') b cross join lateral api.create_conversation('user_1', b.chatbot_id) c;
select is((select outcome from other cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Hello?', 500) a), 'started', 'another chatbot of the account is not held to it');
select is(pg_temp.counted(), 4::bigint, '… and counts for itself');

-- what costs nothing does not count
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', '') from asked where n = 1; end $$;
select is(pg_temp.counted(), 3::bigint, 'an answer that failed is taken off');
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', '') from asked where n = 1; end $$;
select is(pg_temp.counted(), 3::bigint, '… once');
select is((select outcome from pg_temp.ask('req_1')), 'started', '… and the same request is tried again in its place');
do $$ begin perform api.finish_answer('user_1', message_id, 'stopped', '', '[]', 0, 0) from asked where n = 2; end $$;
select is(pg_temp.counted(), 3::bigint, 'one that was stopped before its first word is taken off');
do $$ begin perform api.finish_answer('user_1', message_id, 'stopped', 'Half', '[]', 10, 2) from asked where n = 3; end $$;
select is(pg_temp.counted(), 3::bigint, 'one that was stopped later is not');

-- another cap
select is(pg_temp.cap(2), 2::bigint, 'a cap is lowered below what was answered');
select results_eq($$ select outcome, metric, used, quota, remaining from pg_temp.ask() $$, $$ values ('refused', 'chatbot_messages', 3::bigint, 2::bigint, 0::bigint) $$, '… and refuses');
select is(pg_temp.counted(), 3::bigint, '… and takes nothing back');
select is((select outcome from pg_temp.ask('req_4')), 'running', '… not the answer that runs');
select is(pg_temp.cap(0), null::bigint, 'without a cap');
select is((select outcome from pg_temp.ask()), 'started', '… answers are given again');
do $$ begin perform pg_temp.cap(1); update app.plan_quotas set quota = 1 where plan = 'free' and metric = 'messages'; end $$;
select is((select metric from pg_temp.ask()), 'messages', 'the quota of the account is told first');
do $$ begin update app.plan_quotas set quota = 100 where plan = 'free' and metric = 'messages'; end $$;

-- the sweeper, and the next window
update app.environment set clock_offset = interval '901 seconds';
do $$ begin perform api.release_expired_reservations(1000); end $$;
select is(pg_temp.counted(), 1::bigint, 'what a crash left is taken off by the sweeper');
select is((select outcome from pg_temp.ask()), 'refused', '… the one that was answered stays');
update app.environment set clock_offset = interval '1 month 1 day';
select is((select outcome from pg_temp.ask()), 'started', 'in the next window it answers again');
select is(pg_temp.counted(), 1::bigint, '… and counts from 0');

-- its end
do $$ begin perform api.delete_chatbot('user_1', chatbot_id) from bot; end $$;
select is((select count(*) from app.chatbot_answers join bot using (chatbot_id)), 0::bigint, 'a chatbot''s count goes with it');
select is_empty($$ select place, example from api.check_invariants() where violations > 0 and place <> 2 $$, 'after all this every invariant holds');

select * from finish();
rollback;
