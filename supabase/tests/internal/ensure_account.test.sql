-- ensure_account: what its docstring promises.
begin;
select plan(13);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
select pg_temp.travel_to('2026-01-31 23:30:00+00');
select lives_ok($$ select app.ensure_account('org_a') $$, 'an account is made on its first use');
select results_eq(
  $$ select plan, plan_ends_at, anchor, created_at from app.accounts where account_id = 'org_a' $$,
  $$ values ('free', null::timestamptz, timestamptz '2026-01-31 23:30:00+00', timestamptz '2026-01-31 23:30:00+00') $$,
  'on plan free, anchored now');
update app.accounts set plan = 'growth', anchor = '2026-02-10 00:00:00+00', plan_ends_at = '2027-01-01 00:00:00+00' where account_id = 'org_a';
select pg_temp.travel_to('2026-03-05 00:00:00+00');
select lives_ok($$ select app.ensure_account('org_a') $$, 'on its next use it is there');
select results_eq(
  $$ select plan, plan_ends_at, anchor, created_at from app.accounts where account_id = 'org_a' $$,
  $$ values ('growth', timestamptz '2027-01-01 00:00:00+00', timestamptz '2026-02-10 00:00:00+00', timestamptz '2026-01-31 23:30:00+00') $$,
  'and is left alone');
select lives_ok(
  $$ select app.ensure_account(account_id) from unnest(array['x', repeat('x', 255), repeat('ä', 255), 'Org_A']) account_id $$,
  'an account id has 1 to 255 characters, whatever they are');
select is((select count(*) from app.accounts where lower(account_id) = 'org_a'), 2::bigint, 'upper and lower case are different accounts');
select throws_ok(
  format('select app.ensure_account(%s)', bad), 'PY004', 'account_id must have 1 to 255 characters', format('account id %s is an error', left(bad, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) bad;

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.ensure_account('org_w') $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.ensure_account('org_w') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.ensure_account('org_w') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.ensure_account('org_w') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
