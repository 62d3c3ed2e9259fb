begin;
select plan(9);
do $$ begin update app.plan_quotas set quota = 5 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select * from api.create_chatbot('user_1', 'Helper', 'Be kind.', 'Hello!', 'small');
create temp table empty_bot as select * from api.create_chatbot('user_1', 'Empty');
create temp table foreign_bot as select * from api.create_chatbot('user_2', 'Foreign');
do $$ begin perform api.create_document('user_1', chatbot_id, n || '.txt', 'text/plain', n, repeat('a', 64), array['x', 'y']) from bot cross join generate_series(10, 12) n;
  perform api.create_document('user_2', chatbot_id, 'a.txt', 'text/plain', 500, repeat('a', 64), array['x']) from foreign_bot; end $$;

select results_eq($$ select r.* from bot cross join lateral app.chatbot_rows('user_1', chatbot_id) r $$,
  $$ select chatbot_id, 'Helper', 'Be kind.', 'Hello!', 'small', 3::bigint, 33::bigint, created_at, updated_at, false, null::bigint, 0::bigint from bot $$, 'a chatbot comes once, with the number and the bytes of its documents');
select results_eq($$ select r.document_count, r.storage_bytes from empty_bot cross join lateral app.chatbot_rows('user_1', chatbot_id) r $$, $$ values (0::bigint, 0::bigint) $$, 'one without documents has 0 of 0 bytes');
select set_eq($$ select name from app.chatbot_rows('user_1', null) $$, array['Helper', 'Empty'], 'without an id all chatbots of the account come');
select is_empty($$ select r.* from foreign_bot cross join lateral app.chatbot_rows('user_1', chatbot_id) r $$, 'another account''s does not');
select is_empty($$ select * from app.chatbot_rows(null, null) $$, 'no account has none');

-- its cap, and what counts against it
update app.environment set kind = 'sandbox';
do $$ begin perform api.update_chatbot('user_1', chatbot_id, p_monthly_message_cap => 5) from bot;
  perform api.begin_answer('user_1', b.chatbot_id, c.conversation_id, 'Hello?', 10) from bot b cross join lateral api.create_conversation('user_1', b.chatbot_id) c cross join generate_series(1, 2); end $$;
select results_eq($$ select name, monthly_message_cap, messages_this_window from app.chatbot_rows('user_1', null) order by name $$, $$ values ('Empty', null::bigint, 0::bigint), ('Helper', 5, 2) $$, 'each comes with its own cap and the answers that count against it');
do $$ begin perform api.finish_answer('user_1', id, 'failed', '') from app.messages where role = 'assistant' order by place limit 1; end $$;
select is((select messages_this_window from bot cross join lateral app.chatbot_rows('user_1', bot.chatbot_id) r), 1::bigint, 'one that failed does not');
update app.environment set clock_offset = interval '1 month 1 day';
select is((select messages_this_window from bot cross join lateral app.chatbot_rows('user_1', bot.chatbot_id) r), 0::bigint, 'in the next window it begins at 0');
select is((select r.monthly_message_cap from bot cross join lateral app.chatbot_rows('user_1', bot.chatbot_id) r), 5::bigint, '… with the same cap');

select * from finish();
rollback;
