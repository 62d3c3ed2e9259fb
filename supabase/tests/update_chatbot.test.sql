begin;
select plan(22);
update app.environment set kind = 'sandbox';
create temp table bot as select * from api.create_chatbot('user_1', 'Helper', 'Be kind.', 'Hello!', 'small');
create temp table usage_before as select * from app.usage_events;
update app.environment set clock_offset = interval '1 hour';

select results_eq($$ select r.* from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_name => 'Renamed') r $$,
  $$ select chatbot_id, 'Renamed', 'Be kind.', 'Hello!', 'small', 0::bigint, 0::bigint, created_at, app.clock(), false, null::bigint, 0::bigint from bot $$, 'only what is given changes, and the time of the change');
select results_eq($$ select r.name, r.instructions, r.welcome_message, r.model from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, 'Other', 'Be short.', 'Hi.', 'large') r $$,
  $$ values ('Other', 'Be short.', 'Hi.', 'large') $$, 'all settings change at once');
select results_eq($$ select r.name, r.instructions, r.welcome_message, r.model from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_instructions => '', p_welcome_message => '') r $$,
  $$ values ('Other', '', '', 'large') $$, 'an empty text empties the setting');
select results_eq($$ select r.name, r.model from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_model => '') r $$, $$ values ('Other', null::text) $$,
  'an empty model means the service''s default');
select results_eq($$ select r.name, r.updated_at from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id) r $$, $$ values ('Other', app.clock()) $$, 'nothing given, nothing changed');
select is_empty($$ select r.* from bot b cross join lateral api.update_chatbot('user_2', b.chatbot_id, 'Stolen') r $$, 'another account''s chatbot is not there');
select is_empty($$ select * from api.update_chatbot('user_1', gen_random_uuid(), 'Nobody') $$, 'an unknown id is not there');
select is_empty($$ select * from api.update_chatbot('user_1', null, 'Everybody') $$, 'no id changes none, not all');
select results_eq($$ select name from app.chatbots $$, $$ values ('Other') $$, '… and none of these changed anything');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, '') from bot $$, 'PY004', 'name must have 1 to 100 characters', 'an empty name is refused');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, repeat('n', 101)) from bot $$, 'PY004', 'name must have 1 to 100 characters', 'a name of 101 characters is refused');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, p_instructions => repeat('i', 8001)) from bot $$, 'PY004', 'instructions must have at most 8000 characters', 'instructions of 8001 characters are refused');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, p_welcome_message => repeat('w', 501)) from bot $$, 'PY004', 'welcome_message must have at most 500 characters', 'a welcome message of 501 characters is refused');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, p_model => repeat('m', 101)) from bot $$, 'PY004', 'model must have at most 100 characters', 'a model of 101 characters is refused');
select is((select r.monthly_message_cap from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_monthly_message_cap => 50) r), 50::bigint, 'a cap is set');
select is((select r.monthly_message_cap from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_name => 'Other') r), 50::bigint, '… and stays when it is not given');
select is((select r.monthly_message_cap from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_monthly_message_cap => 1000000000) r), 1000000000::bigint, '… up to a billion');
select is((select r.monthly_message_cap from bot b cross join lateral api.update_chatbot('user_1', b.chatbot_id, p_monthly_message_cap => 0) r), null::bigint, '… and 0 removes it');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, p_monthly_message_cap => -1) from bot $$, 'PY004', 'monthly_message_cap must be from 1 to 1000000000, or 0 for none', 'a negative cap is refused');
select throws_ok($$ select api.update_chatbot('user_1', chatbot_id, p_monthly_message_cap => 1000000001) from bot $$, 'PY004', null, 'one over a billion too');
select throws_ok($$ update app.chatbots set account_id = 'user_2' $$, 'PY411', 'a chatbot keeps its account and its id', 'not even plain SQL moves a chatbot to another account');
select results_eq($$ select * from app.usage_events $$, $$ select * from usage_before $$, 'a change of settings costs nothing');

select * from finish();
rollback;
