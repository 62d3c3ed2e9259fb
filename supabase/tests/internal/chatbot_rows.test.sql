begin;
select plan(5);
do $$ begin update app.plan_quotas set quota = 5 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select * from api.create_chatbot('user_1', 'Helper', 'Be kind.', 'Hello!', 'small');
create temp table empty_bot as select * from api.create_chatbot('user_1', 'Empty');
create temp table foreign_bot as select * from api.create_chatbot('user_2', 'Foreign');
do $$ begin perform api.create_document('user_1', chatbot_id, n || '.txt', 'text/plain', n, repeat('a', 64), array['x', 'y']) from bot cross join generate_series(10, 12) n;
  perform api.create_document('user_2', chatbot_id, 'a.txt', 'text/plain', 500, repeat('a', 64), array['x']) from foreign_bot; end $$;

select results_eq($$ select r.* from bot cross join lateral app.chatbot_rows('user_1', chatbot_id) r $$,
  $$ select chatbot_id, 'Helper', 'Be kind.', 'Hello!', 'small', 3::bigint, 33::bigint, created_at, updated_at, false from bot $$, 'a chatbot comes once, with the number and the bytes of its documents');
select results_eq($$ select r.document_count, r.storage_bytes from empty_bot cross join lateral app.chatbot_rows('user_1', chatbot_id) r $$, $$ values (0::bigint, 0::bigint) $$, 'one without documents has 0 of 0 bytes');
select set_eq($$ select name from app.chatbot_rows('user_1', null) $$, array['Helper', 'Empty'], 'without an id all chatbots of the account come');
select is_empty($$ select r.* from foreign_bot cross join lateral app.chatbot_rows('user_1', chatbot_id) r $$, 'another account''s does not');
select is_empty($$ select * from app.chatbot_rows(null, null) $$, 'no account has none');

select * from finish();
rollback;
