begin;
select plan(15);
update app.environment set kind = 'sandbox';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table usage_before as select * from app.usage_events;

create temp table made as select w.* from bot b cross join lateral api.ensure_widget('user_1', b.chatbot_id, 'wgt_first123', 'secret_0123456789') w;
select results_eq($$ select * from made $$,
  $$ select chatbot_id, 'wgt_first123', false, '{}'::text[], 30, 'Sorry, I cannot answer right now. Please try again later.', false, 'secret_0123456789', null::timestamptz, null::text, null::text from bot $$,
  'a widget is made switched off, for no site, with a polite sentence');
select results_eq($$ select widget_key, account_id, chatbot_id from app.widget_keys $$, $$ select 'wgt_first123', 'user_1', chatbot_id from bot $$, '… and its key leads to it');
select results_eq($$ select w.* from bot b cross join lateral api.ensure_widget('user_1', b.chatbot_id, 'wgt_second12', 'secret_abcdefghijk') w $$, $$ select * from made $$,
  'a repeat finds it as it is, whatever key and secret it brings');
select is((select count(*) from app.widget_keys), 1::bigint, '… and leaves no second key');
select is_empty($$ select w.* from bot b cross join lateral api.ensure_widget('user_2', b.chatbot_id, 'wgt_stolen12', 'secret_0123456789') w $$, 'another account''s chatbot is not there');
select is_empty($$ select * from api.ensure_widget('user_1', gen_random_uuid(), 'wgt_nobody12', 'secret_0123456789') $$, 'an unknown chatbot is not there');
select is_empty($$ select * from api.ensure_widget('user_1', null, 'wgt_nobody12', 'secret_0123456789') $$, 'nor is none');
select is((select count(*) from app.widgets) + (select count(*) from app.accounts where account_id = 'user_2'), 1::bigint, '… and none of these made anything');
select throws_ok($$ select api.ensure_widget('user_1', chatbot_id, 'first', 'secret_0123456789') from bot $$, 'PY004', 'widget_key must be wgt_ and 8 to 64 letters, digits, - or _', 'a key of another form is refused');
select throws_ok($$ select api.ensure_widget('user_1', chatbot_id, null, 'secret_0123456789') from bot $$, 'PY004', null, 'so is none');
select throws_ok($$ select api.ensure_widget('user_1', chatbot_id, 'wgt_first123', 'short') from bot $$, 'PY004', 'identity_secret must have 16 to 200 characters', 'a short secret is refused');
do $$ begin perform api.create_chatbot('user_2', 'Other'); end $$;
select throws_ok($$ select api.ensure_widget('user_2', b.id, 'wgt_first123', 'secret_0123456789') from app.chatbots b where b.account_id = 'user_2' $$, '23505', null, 'no key is two widgets''');
select is((select count(*) from app.widgets where account_id = 'user_2'), 0::bigint, '… and no widget without a key is left');
select results_eq($$ select * from app.usage_events where account_id = 'user_1' $$, $$ select * from usage_before $$, 'a widget costs nothing');
do $$ begin perform api.delete_chatbot('user_1', chatbot_id) from bot; end $$;
select is((select count(*) from app.widgets) + (select count(*) from app.widget_keys), 0::bigint, 'it goes with its chatbot, and so does its key');

select * from finish();
rollback;
