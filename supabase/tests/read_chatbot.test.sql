begin;
select plan(7);
create temp table bot as select * from api.create_chatbot('user_1', 'Helper', 'Be kind.', 'Hello!', 'small');

select results_eq($$ select r.* from bot b cross join lateral api.read_chatbot('user_1', b.chatbot_id) r $$,
  $$ select chatbot_id, 'Helper', 'Be kind.', 'Hello!', 'small', 0::bigint, 0::bigint, created_at, updated_at, false, null::bigint, 0::bigint from bot $$, 'a chatbot is read as it was created, with no documents yet');
do $$ begin perform api.create_document('user_1', chatbot_id, 'a.txt', 'text/plain', 100, repeat('a', 64), array['one']) from bot; end $$;
select results_eq($$ select document_count, storage_bytes from bot b cross join lateral api.read_chatbot('user_1', b.chatbot_id) $$, $$ values (1::bigint, 100::bigint) $$,
  'it tells the number and the bytes of its documents');
do $$ begin perform api.update_chatbot('user_1', chatbot_id, p_monthly_message_cap => 9) from bot; end $$;
select results_eq($$ select r.monthly_message_cap, r.messages_this_window from bot b cross join lateral api.read_chatbot('user_1', b.chatbot_id) r $$, $$ values (9::bigint, 0::bigint) $$, 'its cap, and what counts against it');
select is_empty($$ select r.* from bot b cross join lateral api.read_chatbot('user_2', b.chatbot_id) r $$, 'another account''s chatbot is not there');
select is_empty($$ select * from api.read_chatbot('user_1', gen_random_uuid()) $$, 'an unknown id is not there');
select is_empty($$ select * from api.read_chatbot('user_1', null) $$, 'no id reads none, not all');
select is_empty($$ select r.* from bot b cross join lateral api.read_chatbot(null, b.chatbot_id) r $$, 'no account reads none');

select * from finish();
rollback;
