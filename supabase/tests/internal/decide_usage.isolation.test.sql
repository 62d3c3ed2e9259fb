-- decide_usage: under any isolation but READ COMMITTED its second look at the plan would see what it saw before; it refuses.
begin isolation level repeatable read;
select plan(7);

select throws_ok($$ select * from api.check_and_increment_usage('org_a', 'messages') $$, '25000',
  'quotas are decided under READ COMMITTED, not repeatable read', 'a charge under REPEATABLE READ is an error');
select throws_ok($$ select * from api.check_and_increment_usage_many(array['org_a'], array['messages']) $$, '25000', null, 'so is a batch');
select throws_ok($$ select * from api.reserve_usage('org_a', 'llm_tokens', 1, 'r') $$, '25000', null, 'a reservation');
select throws_ok($$ insert into app.chatbots (account_id, name) values ('org_a', 'Bot') $$, '25000', null, 'and a row that a gauge counts');
select is_empty('select account_id from app.accounts', 'none leaves an account behind');
select is_empty('select account_id from app.counters', 'nor a counter');
select lives_ok($$ select * from api.read_usage('org_a') $$, 'what decides nothing may be read');

select * from finish();
rollback;
