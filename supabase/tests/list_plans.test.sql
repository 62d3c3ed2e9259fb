-- list_plans: what its docstring promises, and the default catalog.
begin;
select plan(8);

select results_eq(
  'select plan, name, position, metric, kind, unit, title, quota from api.list_plans()',
  $$ values
     ('free', 'Free', 0, 'messages', 'counter', 'message', 'Messages', 100::bigint),
     ('free', 'Free', 0, 'llm_tokens', 'counter', 'token', 'Tokens', 500000),
     ('free', 'Free', 0, 'api_calls', 'counter', 'call', 'API calls', 1000),
     ('free', 'Free', 0, 'chatbots', 'gauge', 'chatbot', 'Chatbots', 1),
     ('free', 'Free', 0, 'storage_bytes', 'gauge', 'byte', 'Storage', 10000000),
     ('free', 'Free', 0, 'seats', 'gauge', 'seat', 'Seats', 1),
     ('starter', 'Starter', 1, 'messages', 'counter', 'message', 'Messages', 2000),
     ('starter', 'Starter', 1, 'llm_tokens', 'counter', 'token', 'Tokens', 10000000),
     ('starter', 'Starter', 1, 'api_calls', 'counter', 'call', 'API calls', 20000),
     ('starter', 'Starter', 1, 'chatbots', 'gauge', 'chatbot', 'Chatbots', 3),
     ('starter', 'Starter', 1, 'storage_bytes', 'gauge', 'byte', 'Storage', 100000000),
     ('starter', 'Starter', 1, 'seats', 'gauge', 'seat', 'Seats', 3),
     ('growth', 'Growth', 2, 'messages', 'counter', 'message', 'Messages', 10000),
     ('growth', 'Growth', 2, 'llm_tokens', 'counter', 'token', 'Tokens', 50000000),
     ('growth', 'Growth', 2, 'api_calls', 'counter', 'call', 'API calls', 100000),
     ('growth', 'Growth', 2, 'chatbots', 'gauge', 'chatbot', 'Chatbots', 10),
     ('growth', 'Growth', 2, 'storage_bytes', 'gauge', 'byte', 'Storage', 1000000000),
     ('growth', 'Growth', 2, 'seats', 'gauge', 'seat', 'Seats', 10),
     ('enterprise', 'Enterprise', 3, 'messages', 'counter', 'message', 'Messages', null),
     ('enterprise', 'Enterprise', 3, 'llm_tokens', 'counter', 'token', 'Tokens', null),
     ('enterprise', 'Enterprise', 3, 'api_calls', 'counter', 'call', 'API calls', null),
     ('enterprise', 'Enterprise', 3, 'chatbots', 'gauge', 'chatbot', 'Chatbots', null),
     ('enterprise', 'Enterprise', 3, 'storage_bytes', 'gauge', 'byte', 'Storage', null),
     ('enterprise', 'Enterprise', 3, 'seats', 'gauge', 'seat', 'Seats', null) $$,
  'every plan gives each metric a quota, from the smallest plan to the largest; null is unlimited');
select lives_ok(
  $$ insert into app.plans (plan, name, position) values ('trial', 'Trial', -1);
     insert into app.metrics (metric, kind, position, title, unit, default_quota, over_quota_message)
     values ('voice_minutes', 'counter', 0, 'Voice', 'minute', 30, 'Please wait until %s minute(s) fit again') $$,
  'a plan and a metric are added, each by one row');
select is(
  (select array_agg(plan || ' ' || metric || ' ' || quota) from (select * from api.list_plans() limit 7) first),
  array['trial voice_minutes 30', 'trial messages 100', 'trial llm_tokens 500000', 'trial api_calls 1000', 'trial chatbots 1',
        'trial storage_bytes 10000000', 'trial seats 1'],
  'both are listed in their places, with the default quotas');
select is((select count(*) from api.list_plans()), 35::bigint, 'every plan still has every metric');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.list_plans() $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.list_plans() $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.list_plans() $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.list_plans() $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
