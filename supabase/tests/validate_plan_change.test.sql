-- validate_plan_change: what its docstring promises.
begin;
select plan(25);

-- Nothing in the way
select is_empty($$ select * from api.validate_plan_change('org_new', 'free') $$, 'an account that does not exist yet fits every plan');
select is_empty($$ select from app.accounts where account_id = 'org_new' $$, 'and is not made by asking');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'messages');
     update app.accounts set plan = 'growth' where account_id = 'org_a';
     insert into app.chatbots (account_id, name) select 'org_a', 'Bot ' || n from generate_series(1, 3) n;
     select * from api.check_and_increment_usage('org_a', 'seats', 3) $$,
  'an account on growth has 3 chatbots and 3 seats');
select is_empty($$ select * from api.validate_plan_change('org_a', 'growth') $$, 'its own plan fits');
select is_empty($$ select * from api.validate_plan_change('org_a', 'enterprise') $$, 'an unlimited plan fits');
select is_empty($$ select * from api.validate_plan_change('org_a', 'starter') $$, 'a smaller plan fits where a gauge is exactly at its quota');
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'messages', 9000);
     select * from api.check_and_increment_usage('org_a', 'llm_tokens', 19000000) $$,
  'the counters are far above the quotas of starter');
select is_empty($$ select * from api.validate_plan_change('org_a', 'starter') $$, 'counters never stand in the way: they start again');

-- What stands in the way
select results_eq(
  $$ select metric, used, quota, excess, message from api.validate_plan_change('org_a', 'free') $$,
  $$ values ('chatbots', 3::bigint, 1::bigint, 2::bigint, 'Please delete 2 chatbot(s) before downgrading'),
            ('seats', 3, 1, 2, 'Please remove 2 seat(s) before downgrading') $$,
  'each gauge above the quota is a row, in catalog order, with the excess and a sentence for the owner');
select lives_ok(
  $$ insert into app.documents (account_id, chatbot_id, name, media_type, size_bytes, sha256, passage_count)
     select 'org_a', b.id, 'big.txt', 'text/plain', 10000001, repeat('0', 64), 0 from app.chatbots b where b.account_id = 'org_a' limit 1 $$,
  'the account stores one byte more than free gives');
select results_eq(
  $$ select metric, excess, message from api.validate_plan_change('org_a', 'free') $$,
  $$ values ('chatbots', 2::bigint, 'Please delete 2 chatbot(s) before downgrading'),
            ('storage_bytes', 1, 'Please delete documents of 1 byte(s) before downgrading'),
            ('seats', 2, 'Please remove 2 seat(s) before downgrading') $$,
  'every blocker is told at once');
select lives_ok(
  $$ delete from app.chatbots where account_id = 'org_a'; select * from api.decrement_usage('org_a', 'seats', 2) $$,
  'the owner does what the sentences say');
select is_empty($$ select * from api.validate_plan_change('org_a', 'free') $$, 'then the plan fits');
select lives_ok(
  $$ insert into app.metrics (metric, kind, position, title, unit, default_quota, over_quota_message)
     values ('domains', 'gauge', 0, 'Domains', 'domain', 0, 'Please remove %s domain(s) before downgrading');
     update app.plan_quotas set quota = 5 where plan = 'growth' and metric = 'domains';
     select * from api.check_and_increment_usage('org_a', 'domains', 4);
     insert into app.chatbots (account_id, name) select 'org_a', 'Bot ' || n from generate_series(1, 2) n $$,
  'a metric is added to the catalog, before the others');
select results_eq(
  $$ select metric, used, quota, excess, message from api.validate_plan_change('org_a', 'free') $$,
  $$ values ('domains', 4::bigint, 0::bigint, 4::bigint, 'Please remove 4 domain(s) before downgrading'),
            ('chatbots', 2, 1, 1, 'Please delete 1 chatbot(s) before downgrading') $$,
  'it stands in the way like the others');
select is_empty($$ select * from api.validate_plan_change('org_b', 'free') $$, 'what another account has does not matter');

-- Arguments
select throws_ok($$ select * from api.validate_plan_change('org_a', 'gold') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok($$ select * from api.validate_plan_change('org_a', null) $$, 'PY002', 'unknown plan null', 'no plan is an error');
select throws_ok(
  format($$ select * from api.validate_plan_change(%s, 'free') $$, bad), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.validate_plan_change('org_w', 'free') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.validate_plan_change('org_w', 'free') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.validate_plan_change('org_w', 'free') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.validate_plan_change('org_w', 'free') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
