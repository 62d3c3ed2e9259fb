begin;
select plan(22);
update app.environment set kind = 'sandbox';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table made as select w.* from bot b cross join lateral api.ensure_widget('user_1', b.chatbot_id, 'wgt_first123', 'secret_0123456789') w;
create function pg_temp.allow(p_origins text[]) returns setof text[] language sql as
  $$ select w.allowed_origins from bot b cross join lateral api.update_widget('user_1', b.chatbot_id, p_allowed_origins => p_origins) w $$;

select results_eq($$ select w.* from bot b cross join lateral api.update_widget('user_1', b.chatbot_id) w $$, $$ select * from made $$, 'nothing given, nothing changed');
select results_eq($$ select w.enabled, w.unavailable_message, w.identity_secret from bot b cross join lateral api.update_widget('user_1', b.chatbot_id, p_enabled => true) w $$,
  $$ select true, unavailable_message, identity_secret from made $$, 'only what is given changes');
select results_eq($$ select w.enabled, w.allowed_origins, w.messages_per_visitor_per_hour, w.unavailable_message, w.identity_required, w.identity_secret, w.widget_key
  from bot b cross join lateral api.update_widget('user_1', b.chatbot_id, false, array['https://www.example.com', 'http://localhost:8080', 'http://[::1]:5'], 5, 'Back soon.', true, 'secret_abcdefghijk') w $$,
  $$ values (false, array['https://www.example.com', 'http://localhost:8080', 'http://[::1]:5'], 5, 'Back soon.', true, 'secret_abcdefghijk', 'wgt_first123') $$, 'everything changes at once, but the key');
select results_eq($$ select pg_temp.allow('{}') $$, $$ values ('{}'::text[]) $$, 'an empty list allows no site');
select is_empty($$ select w.* from bot b cross join lateral api.update_widget('user_2', b.chatbot_id, true) w $$, 'another account''s widget is not there');
select is_empty($$ select * from api.update_widget('user_1', gen_random_uuid(), true) $$, 'an unknown one is not there');
select is_empty($$ select * from api.update_widget('user_1', null, true) $$, 'nor is none');
select is((select enabled from app.widgets), false, '… and none of these changed anything');

select throws_ok($$ select pg_temp.allow(array['https://a.example;script-src']) $$, 'PY004', 'allowed_origins must be like https://www.example.com', 'an origin that would begin a directive of its own is refused');
select throws_ok($$ select pg_temp.allow(array['https://*.example.com']) $$, 'PY004', null, 'so is any host of a domain');
select throws_ok($$ select pg_temp.allow(array['https://a.example https://b.example']) $$, 'PY004', null, '… two in one');
select throws_ok($$ select pg_temp.allow(array['https://a.example/path']) $$, 'PY004', null, '… a path');
select throws_ok($$ select pg_temp.allow(array['javascript:alert(1)']) $$, 'PY004', null, '… another scheme');
select throws_ok($$ select pg_temp.allow(array[null]::text[]) $$, 'PY004', null, '… and none');
select throws_ok($$ select pg_temp.allow(array_fill('https://a.example'::text, array[21])) $$, 'PY004', 'allowed_origins must be at most 20', '21 origins are refused');
select throws_ok($$ select api.update_widget('user_1', chatbot_id, p_messages_per_visitor_per_hour => 0) from bot $$, 'PY004', 'messages_per_visitor_per_hour must be from 1 to 10000', 'no message in an hour is refused');
select throws_ok($$ select api.update_widget('user_1', chatbot_id, p_messages_per_visitor_per_hour => 10001) from bot $$, 'PY004', null, 'so are 10,001');
select throws_ok($$ select api.update_widget('user_1', chatbot_id, p_unavailable_message => '') from bot $$, 'PY004', 'unavailable_message must have 1 to 500 characters', 'an empty sentence is refused');
select throws_ok($$ select api.update_widget('user_1', chatbot_id, p_unavailable_message => repeat('m', 501)) from bot $$, 'PY004', null, 'so is one of 501 characters');
select throws_ok($$ select api.update_widget('user_1', chatbot_id, p_identity_secret => 'short') from bot $$, 'PY004', 'identity_secret must have 16 to 200 characters', 'a short secret is refused');

update app.plan_quotas set quota = 0 where plan = 'free' and metric = 'chatbots';
select throws_ok($$ select api.update_widget('user_1', chatbot_id, true) from bot $$, 'PY414', null, 'the widget of a read-only chatbot does not change');
select is((select enabled from app.widgets), false, '… also not to on');

select * from finish();
rollback;
