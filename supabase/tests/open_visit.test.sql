begin;
select plan(25);
update app.environment set kind = 'sandbox';
update app.plan_quotas set quota = null where metric = 'chatbots';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table second as select chatbot_id from api.create_chatbot('user_1', 'Second');
create function pg_temp.open(p_token text, p_earlier text default null, p_external_id text default null, p_account text default 'user_1') returns table (visitor_id uuid, conversation_id uuid, token text)
language sql as $$ select v.visitor_id, v.conversation_id, left(v.token_sha256, 1) from bot cross join lateral api.open_visit(p_account, chatbot_id, repeat(p_token, 64), repeat(p_earlier, 64), p_external_id) v $$;

select is_empty($$ select * from pg_temp.open('a') $$, 'a chatbot without widget has no visits');
do $$ begin
  perform api.ensure_widget('user_1', chatbot_id, 'wgt_first123', 'secret_0123456789') from bot;
  perform api.ensure_widget('user_1', chatbot_id, 'wgt_second12', 'secret_0123456789') from second;
end $$;

-- without identity
create temp table first as select * from pg_temp.open('a');
select is((select token from first), 'a', 'a visit begins with its token');
select is((select count(*) from app.conversations) + (select count(*) from app.usage_events where metric <> 'chatbots'), 0::bigint, '… and costs neither a conversation nor anything');
select results_eq($$ select * from pg_temp.open('a') $$, $$ select * from first $$, 'a repeat with the same token is the same visit');
select results_eq($$ select * from pg_temp.open('b', 'a') $$, $$ select * from first $$, 'the earlier token goes on with its visit, and stays its token');
select isnt((select visitor_id from pg_temp.open('c', 'd')), (select visitor_id from first), 'an unknown one begins another');
select isnt((select conversation_id from pg_temp.open('e')), (select conversation_id from first), 'none begins another, with a conversation of its own');
select isnt((select v.visitor_id from second cross join lateral api.open_visit('user_1', chatbot_id, repeat('f', 64), repeat('a', 64)) v), (select visitor_id from first), 'at another chatbot the token is worth nothing');
select is_empty($$ select * from pg_temp.open('a', p_account => 'user_2') $$, 'another account''s widget is not there');
select is_empty($$ select * from api.open_visit('user_1', gen_random_uuid(), repeat('a', 64)) $$, 'nor is an unknown one');

-- with identity
create temp table known as select * from pg_temp.open('1', 'a', 'customer_7');
select results_eq($$ select visitor_id, conversation_id, token from known $$, $$ select visitor_id, conversation_id, '1' from first $$, 'who signs in keeps the conversation begun before, under a new token');
select isnt((select visitor_id from pg_temp.open('2', 'a')), (select visitor_id from known), '… the token of before does not lead to it any more');
select isnt((select visitor_id from pg_temp.open('3', '1')), (select visitor_id from known), '… nor does its new one, without the identity');
select results_eq($$ select * from pg_temp.open('1', null, 'customer_7') $$, $$ select * from known $$, 'the identity is the same visit from another browser');
select results_eq($$ select visitor_id, conversation_id from pg_temp.open('4', 'c', 'customer_7') $$, $$ select visitor_id, conversation_id from known $$, '… whatever conversation was begun there without');
select is((select external_id from app.visitors where token_sha256 = repeat('c', 64)), null, '… which stays its own');
select isnt((select visitor_id from pg_temp.open('5', '4', 'customer_8')), (select visitor_id from known), 'another identity is another visit, also with the first one''s token');
select is((select external_id from app.visitors v join known k on v.id = k.visitor_id), 'customer_7', '… and the first one keeps its own');
create temp table elsewhere as select v.* from second cross join lateral api.open_visit('user_1', chatbot_id, repeat('6', 64), null, 'customer_7') v;
select results_eq($$ select e.visitor_id = k.visitor_id, v.external_id from elsewhere e cross join known k join app.visitors v on v.id = e.visitor_id $$, $$ values (false, 'customer_7') $$,
  'at another chatbot it is another visit');
select is_empty($$ select * from pg_temp.open('4') $$, 'the token of an identity, chosen for a visit without, opens nothing');

-- arguments
select throws_ok($$ select pg_temp.open(null) $$, 'PY004', 'token_sha256 must be 64 hex digits', 'no token is refused');
select throws_ok($$ select pg_temp.open('x') $$, 'PY004', 'token_sha256 must be 64 hex digits', 'a token that is no digest is refused');
select throws_ok($$ select pg_temp.open('a', null, '') $$, 'PY004', 'external_id must have 1 to 200 characters', 'an empty identity is refused');
select throws_ok($$ select pg_temp.open('a', null, repeat('i', 201)) $$, 'PY004', 'external_id must have 1 to 200 characters', 'one of 201 characters is refused');

do $$ begin perform api.delete_chatbot('user_1', chatbot_id) from bot; end $$;
select is((select count(*) from app.visitors v join bot b using (chatbot_id)), 0::bigint, 'visits go with the chatbot');

select * from finish();
rollback;
