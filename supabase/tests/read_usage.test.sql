-- read_usage: what its docstring promises: the meters show what the decisions go by.
begin;
select plan(24);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
select pg_temp.travel_to('2026-03-10 09:00:00+00');
update app.plan_quotas set quota = case plan when 'free' then 200000 else 4000000 end where plan in ('free', 'starter') and metric = 'llm_tokens';

select results_eq(
  $$ select metric, kind, unit, title, used, quota, remaining, window_start, resets_at, plan from api.read_usage('org_a') $$,
  $$ values
     ('messages', 'counter', 'message', 'Messages', 0::bigint, 100::bigint, 100::bigint,
      timestamptz '2026-03-10 09:00:00+00', timestamptz '2026-04-10 09:00:00+00', 'free'),
     ('llm_tokens', 'counter', 'token', 'Tokens', 0, 200000, 200000, '2026-03-10 09:00:00+00', '2026-04-10 09:00:00+00', 'free'),
     ('api_calls', 'counter', 'call', 'API calls', 0, 1000, 1000, '2026-03-10 09:00:00+00', '2026-04-10 09:00:00+00', 'free'),
     ('chatbots', 'gauge', 'chatbot', 'Chatbots', 0, 1, 1, null, null, 'free'),
     ('storage_bytes', 'gauge', 'byte', 'Storage', 0, 10000000, 10000000, null, null, 'free'),
     ('seats', 'gauge', 'seat', 'Seats', 0, 1, 1, null, null, 'free') $$,
  'a new account has used nothing: one row per metric in catalog order; a gauge has no window and never resets');
select is((select count(*) from app.accounts where account_id = 'org_a'), 1::bigint, 'the account was made on its first use');
select is_empty($$ select from app.counters where account_id = 'org_a' $$, 'reading opens no window');

-- What was used
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'messages', 40);
     select * from api.reserve_usage('org_a', 'llm_tokens', 200000, 'answer-1');
     select * from api.check_and_increment_usage('org_a', 'seats');
     insert into app.chatbots (account_id, name) values ('org_a', 'Bot');
     insert into app.documents (account_id, chatbot_id, name, media_type, size_bytes, sha256, passage_count)
     select 'org_a', b.id, 'a.txt', 'text/plain', 1234, repeat('0', 64), 0 from app.chatbots b where b.account_id = 'org_a' $$,
  'an account uses of every kind');
select results_eq(
  $$ select metric, used, remaining from api.read_usage('org_a') $$,
  $$ values ('messages', 40::bigint, 60::bigint), ('llm_tokens', 200000, 0), ('api_calls', 0, 1000), ('chatbots', 1, 0),
            ('storage_bytes', 1234, 9998766), ('seats', 1, 0) $$,
  'the meters show it, what is reserved too');
select is(
  (select (u.used, u.quota, u.remaining, u.resets_at, u.plan)::text from api.read_usage('org_a') u where metric = 'messages'),
  (select (d.used, d.quota, d.remaining, d.resets_at, d.plan)::text from api.check_and_increment_usage('org_a', 'messages', 61) d),
  'a meter shows what a refusal says');
select is((select sum(used) from api.read_usage('org_b')), 0::numeric, 'nothing of it shows at another account');

-- Windows
select pg_temp.travel_to('2026-04-10 08:59:59.999999+00');
select is((select used from api.read_usage('org_a') where metric = 'messages'), 40::bigint, 'to the last microsecond of its window a counter counts');
select pg_temp.travel_to('2026-04-10 09:00:00+00');
select results_eq(
  $$ select metric, used, remaining, window_start, resets_at from api.read_usage('org_a') where kind = 'counter' $$,
  $$ values
     ('messages', 0::bigint, 100::bigint, timestamptz '2026-04-10 09:00:00+00', timestamptz '2026-05-10 09:00:00+00'),
     ('llm_tokens', 0, 200000, '2026-04-10 09:00:00+00', '2026-05-10 09:00:00+00'),
     ('api_calls', 0, 1000, '2026-04-10 09:00:00+00', '2026-05-10 09:00:00+00') $$,
  'then every counter starts again');
select results_eq(
  $$ select metric, used from api.read_usage('org_a') where kind = 'gauge' $$,
  $$ values ('chatbots', 1::bigint), ('storage_bytes', 1234), ('seats', 1) $$,
  'and every gauge stays');

-- Plans
update app.accounts set plan = 'starter', plan_ends_at = '2026-04-20 00:00:00+00' where account_id = 'org_a';
select results_eq(
  $$ select metric, quota, plan from api.read_usage('org_a') $$,
  $$ values ('messages', 2000::bigint, 'starter'), ('llm_tokens', 4000000, 'starter'), ('api_calls', 20000, 'starter'), ('chatbots', 3, 'starter'),
            ('storage_bytes', 100000000, 'starter'), ('seats', 3, 'starter') $$,
  'the quotas are those of the plan in force');
select lives_ok($$ select * from api.check_and_increment_usage('org_a', 'messages', 300) $$, 'more than free allows is used');
select pg_temp.travel_to('2026-04-20 00:00:00+00');
select is(
  (select (used, quota, remaining, plan)::text from api.read_usage('org_a') where metric = 'messages'), '(300,100,0,free)',
  'where the plan has ended the quotas are those of free; above one remaining is 0, never negative');
update app.accounts set plan = 'enterprise', plan_ends_at = null where account_id = 'org_a';
select results_eq(
  $$ select metric, used, quota, remaining from api.read_usage('org_a') $$,
  $$ values ('messages', 300::bigint, null::bigint, null::bigint), ('llm_tokens', 0, null, null), ('api_calls', 0, null, null),
            ('chatbots', 1, null, null), ('storage_bytes', 1234, null, null), ('seats', 1, null, null) $$,
  'on an unlimited plan quota and remaining are null');
delete from app.plan_quotas where plan = 'enterprise' and metric = 'messages';
select is(
  (select (used, quota, remaining)::text from api.read_usage('org_a') where metric = 'messages'), '(300,0,0)',
  'a plan without a row for the metric gives nothing, and its meter says so');
select lives_ok(
  $$ insert into app.metrics (metric, kind, position, title, unit, default_quota, over_quota_message)
     values ('voice_minutes', 'counter', 0, 'Voice', 'minute', 30, 'Please wait until %s minute(s) fit again') $$,
  'a metric is added to the catalog, before the others');
select is(
  (select (metric, kind, unit, title, used, quota, remaining)::text from api.read_usage('org_b') limit 1), '(voice_minutes,counter,minute,Voice,0,30,30)',
  'its meter appears at every account');

-- Arguments
select throws_ok(
  format('select * from api.read_usage(%s)', bad), 'PY004', 'account_id must have 1 to 255 characters',
  format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.read_usage('org_w') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.read_usage('org_w') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.read_usage('org_w') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.read_usage('org_w') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
