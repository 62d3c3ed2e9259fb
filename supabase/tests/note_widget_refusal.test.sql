begin;
select plan(8);
update app.environment set kind = 'sandbox';
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
do $$ begin perform api.ensure_widget('user_1', chatbot_id, 'wgt_first123', 'secret_0123456789') from bot; end $$;
create function pg_temp.refusal() returns table (at timestamptz, cause text, request_id text) language sql as
  $$ select last_refused_at, last_refused_cause, last_refused_request_id from app.widgets where account_id = 'user_1' $$;

select is((select noted from bot cross join lateral api.note_widget_refusal('user_1', chatbot_id, 'messages: 100 of 100 used', 'req_1')), true, 'a refusal is noted');
select results_eq($$ select * from pg_temp.refusal() $$, $$ values (app.clock(), 'messages: 100 of 100 used', 'req_1') $$, '… with its time, cause and request');
select is((select noted from bot cross join lateral api.note_widget_refusal('user_1', chatbot_id, repeat('c', 600), repeat('r', 200))), true, 'a later one takes its place');
select results_eq($$ select length(cause), length(request_id) from pg_temp.refusal() $$, $$ values (500, 100) $$, '… cut where it is too long');
select is((select noted from bot cross join lateral api.note_widget_refusal('user_2', chatbot_id, 'forged', 'req_2')), false, 'another account notes nothing here');
select is((select noted from api.note_widget_refusal('user_1', gen_random_uuid(), 'forged', 'req_2')), false, 'nor is there an unknown widget');
select throws_ok($$ select api.note_widget_refusal('user_1', chatbot_id, null, 'req_1') from bot $$, 'PY004', 'cause and request_id are required', 'no cause is refused');
select throws_ok($$ select api.note_widget_refusal('user_1', chatbot_id, 'cause', null) from bot $$, 'PY004', 'cause and request_id are required', 'no request is refused');

select * from finish();
rollback;
