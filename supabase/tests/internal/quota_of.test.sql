begin;
select plan(4);

select is(app.quota_of('starter', 'chatbots'), 3::bigint, 'a plan gives what its row says');
select is(app.quota_of('enterprise', 'chatbots'), null::bigint, 'a row that says null gives without limit');
delete from plan_quotas where plan = 'enterprise' and metric = 'chatbots';
select is(app.quota_of('enterprise', 'chatbots'), 0::bigint, 'without a row nothing is given: a lost row must not make a plan unlimited');
select is(app.quota_of('nope', 'chatbots'), 0::bigint, 'an unknown plan gives nothing');

select * from finish();
rollback;
