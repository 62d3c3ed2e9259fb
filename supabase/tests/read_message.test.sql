begin;
select plan(5);
create temp table talk as
select c.* from create_chatbot('user_1', 'Helper') b cross join lateral create_conversation('user_1', b.chatbot_id) c;
create temp table asked as
select a.* from talk cross join lateral begin_answer('user_1', chatbot_id, conversation_id, 'Are refunds possible?', 1000) a;
do $$ begin perform finish_answer('user_1', message_id, 'complete', 'Yes.', '[]', 20, 5) from asked; end $$;

select results_eq(
  $$ select m.role, m.status, m.content, m.input_tokens, m.output_tokens
     from talk cross join asked cross join lateral read_message('user_1', conversation_id, message_id) m $$,
  $$ values ('assistant', 'complete', 'Yes.', 20::bigint, 5::bigint) $$, 'an answer is read as it was stored');
select results_eq(
  $$ select m.role, m.content from talk cross join asked cross join lateral read_message('user_1', conversation_id, user_message_id) m $$,
  $$ values ('user', 'Are refunds possible?') $$, 'and so is its question');
select results_eq(
  $$ select m.* from talk cross join asked cross join lateral read_message('user_1', conversation_id, message_id) m $$,
  $$ select m.* from talk cross join asked cross join lateral list_messages('user_1', conversation_id) m where m.message_id = asked.message_id $$,
  'as the list gives it');
select is_empty(
  $$ select m.* from talk cross join asked cross join lateral read_message('user_2', conversation_id, message_id) m $$,
  'another account''s message is not there');
select is_empty(
  $$ select m.* from asked cross join lateral read_message('user_1', gen_random_uuid(), message_id) m $$,
  'nor is it there under another conversation');

select * from finish();
rollback;
