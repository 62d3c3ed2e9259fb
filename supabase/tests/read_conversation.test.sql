begin;
select plan(5);
do $$ begin update app.plan_quotas set quota = 2 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id, 'About refunds', 'playground') c;

select results_eq($$ select r.* from talk cross join lateral api.read_conversation('user_1', chatbot_id, conversation_id) r $$,
  $$ select conversation_id, chatbot_id, 'About refunds', 'playground', created_at, updated_at from talk $$, 'a conversation is read as it was opened');
select is_empty($$ select r.* from talk cross join lateral api.read_conversation('user_2', chatbot_id, conversation_id) r $$, 'another account''s conversation is not there');
select is_empty($$ select r.* from talk cross join other cross join lateral api.read_conversation('user_1', other.chatbot_id, conversation_id) r $$, 'nor is it there under another chatbot');
select is_empty($$ select r.* from talk cross join lateral api.read_conversation('user_1', chatbot_id, gen_random_uuid()) r $$, 'an unknown id is not there');
select is_empty($$ select r.* from talk cross join lateral api.read_conversation('user_1', chatbot_id, null) r $$, 'no id reads none');

select * from finish();
rollback;
