begin;
select plan(6);
update app.environment set kind = 'sandbox';
update app.plan_quotas set quota = null where metric = 'chatbots';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table second as select chatbot_id from api.create_chatbot('user_1', 'Second');
do $$ begin
  perform api.ensure_widget('user_1', chatbot_id, 'wgt_first123', 'secret_0123456789') from bot;
  perform api.ensure_widget('user_1', chatbot_id, 'wgt_second12', 'secret_0123456789') from second;
end $$;
create temp table visit as select v.* from bot cross join lateral api.open_visit('user_1', chatbot_id, repeat('a', 64)) v;
create temp table known as select v.* from bot cross join lateral api.open_visit('user_1', chatbot_id, repeat('b', 64), null, 'customer_7') v;

select results_eq($$ select v.* from bot cross join lateral api.read_visitor('user_1', chatbot_id, repeat('a', 64)) v $$, $$ select visitor_id, conversation_id, null::text from visit $$, 'the token leads to its visitor');
select results_eq($$ select v.* from bot cross join lateral api.read_visitor('user_1', chatbot_id, repeat('b', 64)) v $$, $$ select visitor_id, conversation_id, 'customer_7' from known $$, '… and to its identity');
select is_empty($$ select v.* from bot cross join lateral api.read_visitor('user_1', chatbot_id, repeat('c', 64)) v $$, 'an unknown token leads to nobody');
select is_empty($$ select v.* from bot cross join lateral api.read_visitor('user_1', chatbot_id, null) v $$, 'nor does none');
select is_empty($$ select v.* from second cross join lateral api.read_visitor('user_1', chatbot_id, repeat('a', 64)) v $$, 'it is worth nothing at another chatbot');
select is_empty($$ select v.* from bot cross join lateral api.read_visitor('user_2', chatbot_id, repeat('a', 64)) v $$, '… nor in another account');

select * from finish();
rollback;
