begin;
select plan(34);
do $$ begin perform api.upsert_price('stripe', 'price_starter_monthly', 'starter', 'month'); end $$;

select results_eq($$ select allowed, used, quota, remaining, resets_at, plan, replayed, name, instructions, welcome_message, model, created_at, updated_at
                     from api.create_chatbot('user_1', 'Helper', 'Be kind.', 'Hello!', 'small') $$,
  $$ values (true, 1::bigint, 1::bigint, 0::bigint, null::timestamptz, 'free', false, 'Helper', 'Be kind.', 'Hello!', 'small', app.clock(), app.clock()) $$,
  'a chatbot within the quota is created and returned with the decision');
select results_eq($$ select account_id, name from app.chatbots $$, $$ values ('user_1', 'Helper') $$, 'it is stored under its account, which is made on the way');
select results_eq($$ select allowed, used, quota, remaining, resets_at, plan, replayed, chatbot_id, name, created_at from api.create_chatbot('user_1', 'Second') $$,
  $$ values (false, 1::bigint, 1::bigint, 0::bigint, null::timestamptz, 'free', false, null::uuid, null::text, null::timestamptz) $$,
  'one beyond the quota is refused as data: how much of how much, on which plan, and no chatbot');
select is((select count(*) from app.chatbots where account_id = 'user_1'), 1::bigint, 'a refused chatbot is not there');
select is((select used from app.counters where account_id = 'user_1' and metric = 'chatbots'), 1::bigint, 'a refusal does not move the gauge');
select results_eq($$ select metric, amount, reason, chatbot_id from app.usage_events where account_id = 'user_1' $$,
  $$ select 'chatbots', 1::bigint, 'insert', id from app.chatbots where account_id = 'user_1' $$, 'the ledger has one row, for the one that was created');

-- safe to repeat
create temp table first as select * from api.create_chatbot('user_2', 'Twice', p_request_id => 'req_1');
select results_eq($$ select allowed, used, replayed, chatbot_id, name from api.create_chatbot('user_2', 'Twice', p_request_id => 'req_1') $$,
  $$ select true, 1::bigint, true, chatbot_id, 'Twice' from first $$, 'the same request again returns the same chatbot, and says that it is a replay');
select is((select count(*) from app.chatbots where account_id = 'user_2'), 1::bigint, '… and makes no second one');
select throws_ok($$ select * from api.create_chatbot('user_2', 'Other', p_request_id => 'req_1') $$, 'PY409', 'request id req_1 was used for another request; use another id',
  'the same request id for another chatbot is an error');
select throws_ok($$ select * from api.create_chatbot('user_2', 'Twice', 'other instructions', p_request_id => 'req_1') $$, 'PY409', null, 'other instructions make it another chatbot too');
select results_eq($$ select allowed, replayed from api.create_chatbot('user_3', 'Twice', p_request_id => 'req_1') $$, $$ values (true, false) $$, 'another account may use the same request id');
select results_eq($$ select allowed, replayed from api.create_chatbot('user_1', 'Later', p_request_id => 'req_late') $$, $$ values (false, false) $$, 'a refused request with an id is refused');
do $$ begin perform api.delete_chatbot('user_1', id) from app.chatbots where account_id = 'user_1'; end $$;
select results_eq($$ select allowed, replayed, name from api.create_chatbot('user_1', 'Later', p_request_id => 'req_late') $$, $$ values (true, false, 'Later') $$,
  'a refusal does not use the request id up: once there is room the same request succeeds');
do $$ begin perform api.delete_chatbot('user_2', chatbot_id) from first; end $$;
select results_eq($$ select allowed, used, replayed, chatbot_id, name from api.create_chatbot('user_2', 'Twice', p_request_id => 'req_1') $$,
  $$ values (true, 0::bigint, true, null::uuid, null::text) $$, 'a replay of a chatbot deleted since makes no new one');
select throws_ok($$ select * from api.create_chatbot('user_2', 'Twice', p_request_id => '') $$, 'PY004', 'request_id must have 1 to 255 characters', 'an empty request id is refused');
select throws_ok($$ select * from api.create_chatbot('user_2', 'Twice', p_request_id => repeat('r', 256)) $$, 'PY004', null, 'a request id of 256 characters is refused');

-- a cap
create temp table capped as select * from api.create_chatbot('user_capped', 'Capped', p_request_id => 'req_1', p_monthly_message_cap => 50);
select results_eq($$ select allowed, monthly_message_cap from capped $$, $$ values (true, 50::bigint) $$, 'a chatbot is created with a cap of its own');
select results_eq($$ select replayed, chatbot_id, monthly_message_cap from api.create_chatbot('user_capped', 'Capped', p_request_id => 'req_1', p_monthly_message_cap => 50) $$, $$ select true, chatbot_id, 50::bigint from capped $$, '… and the same request again returns it');
select throws_ok($$ select api.create_chatbot('user_capped', 'Capped', p_request_id => 'req_1', p_monthly_message_cap => 51) $$, 'PY409', null, 'another cap makes it another chatbot');
select throws_ok($$ select api.create_chatbot('user_capped', 'Capped', p_request_id => 'req_1') $$, 'PY409', null, '… and so does none');
select is((select monthly_message_cap from api.create_chatbot('user_uncapped', 'Free', p_monthly_message_cap => 0)), null::bigint, 'a cap of 0 is none');
select throws_ok($$ select api.create_chatbot('user_capped', 'Capped', p_monthly_message_cap => -1) $$, 'PY004', 'monthly_message_cap must be from 1 to 1000000000, or 0 for none', 'a negative cap is refused');
select throws_ok($$ select api.create_chatbot('user_capped', 'Capped', p_monthly_message_cap => 1000000001) $$, 'PY004', null, 'a cap over a billion is refused');

-- a larger plan
do $$ begin perform api.record_billing_event('user_4', 'stripe', 'evt_1', 't', 'state', app.clock(), 2, 'cus_1', 'sub_1', 'active', null,
  array['price_starter_monthly'], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, '{}'); end $$;
select is((select array_agg(c.allowed order by i) from generate_series(1, 4) i cross join lateral api.create_chatbot('user_4', 'Bot ' || i) c), array[true, true, true, false],
  'a plan of three gives three, not four');
select is((select count(*) from app.chatbots where account_id = 'user_4'), 3::bigint, '… and three are there');

-- arguments
select throws_ok($$ select * from api.create_chatbot('user_5', '') $$, 'PY004', 'name must have 1 to 100 characters', 'an empty name is refused');
select throws_ok($$ select * from api.create_chatbot('user_5', null) $$, 'PY004', 'name must have 1 to 100 characters', 'no name is refused');
select throws_ok($$ select * from api.create_chatbot('user_5', repeat('n', 101)) $$, 'PY004', 'name must have 1 to 100 characters', 'a name of 101 characters is refused');
select throws_ok($$ select * from api.create_chatbot('user_5', 'Bot', repeat('i', 8001)) $$, 'PY004', 'instructions must have at most 8000 characters', 'instructions of 8001 characters are refused');
select throws_ok($$ select * from api.create_chatbot('user_5', 'Bot', '', repeat('w', 501)) $$, 'PY004', 'welcome_message must have at most 500 characters', 'a welcome message of 501 characters is refused');
select throws_ok($$ select * from api.create_chatbot('user_5', 'Bot', '', '', repeat('m', 101)) $$, 'PY004', 'model must have at most 100 characters', 'a model of 101 characters is refused');
select throws_ok($$ select * from api.create_chatbot(null, 'Bot') $$, 'PY004', 'account_id must have 1 to 255 characters', 'no account is refused');
select is((select count(*) from app.accounts where account_id = 'user_5'), 0::bigint, 'a refused argument leaves no account behind');
select results_eq($$ select length(name), length(instructions), length(welcome_message) from api.create_chatbot('user_5', repeat('ü', 100), repeat('ü', 8000), repeat('ü', 500)) $$,
  $$ values (100, 8000, 500) $$, 'the limits are of characters, not bytes, and are themselves allowed');

select * from finish();
rollback;
