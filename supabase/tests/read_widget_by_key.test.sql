begin;
select plan(8);
update app.environment set kind = 'sandbox';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper', p_welcome_message => 'Hello!');
create temp table made as select w.* from bot b cross join lateral api.ensure_widget('user_1', b.chatbot_id, 'wgt_first123', 'secret_0123456789') w;
do $$ begin
  perform api.create_chatbot('user_2', 'Other');
  perform api.ensure_widget('user_2', b.id, 'wgt_other123', 'secret_of_the_other') from app.chatbots b where b.account_id = 'user_2';
end $$;

select results_eq($$ select * from api.read_widget_by_key('wgt_first123') $$,
  $$ select 'user_1', chatbot_id, 'wgt_first123', false, '{}'::text[], 'Sorry, I cannot answer right now. Please try again later.', false, 'secret_0123456789', 'Helper', 'Hello!', null::text from bot $$,
  'the key leads to the widget, its chatbot and its account, also where it is switched off');
select is((select account_id from api.read_widget_by_key('wgt_other123')), 'user_2', 'another key to another');
select is_empty($$ select * from api.read_widget_by_key('wgt_nobody12') $$, 'an unknown key leads nowhere');
select is_empty($$ select * from api.read_widget_by_key(null) $$, 'nor does none');
update app.plan_quotas set quota = 0 where plan = 'free' and metric = 'chatbots';
select is((select blocked_by from api.read_widget_by_key('wgt_first123')), 'chatbot_read_only', 'it tells that the chatbot is read-only');
update app.accounts set closed_at = app.clock() where account_id = 'user_1';
select is((select blocked_by from api.read_widget_by_key('wgt_first123')), 'account_closed', '… and that the account is closed');
select is((select blocked_by from api.read_widget_by_key('wgt_other123')), 'chatbot_read_only', '… each for its own account');
do $$ begin perform api.delete_chatbot('user_1', chatbot_id) from bot; end $$;
select is_empty($$ select * from api.read_widget_by_key('wgt_first123') $$, 'with its chatbot the widget is gone');

select * from finish();
rollback;
