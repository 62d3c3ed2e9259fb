-- clock: now(), moved by the offset of a sandbox database alone.
begin;
select plan(19);

update app.environment set clock_offset = interval '0';
select is(app.clock(), now(), 'without an offset it is now');
update app.environment set clock_offset = interval '40 days 3 hours';
select is(app.clock(), now() + interval '40 days 3 hours', 'it is moved ahead by the offset');
update app.environment set clock_offset = interval '-1 microsecond';
select is(app.clock(), now() - interval '1 microsecond', 'or back');
select is((select count(distinct app.clock()) from generate_series(1, 100)), 1::bigint, 'it stands still for a whole transaction');
select lives_ok($$ select pg_sleep(0.001); select * from api.check_and_increment_usage('org_a', 'messages') $$, 'an account is made a moment later');
select is((select created_at from app.accounts where account_id = 'org_a'), app.clock(), 'what is written goes by it');

-- Production keeps real time
select throws_ok(
  $$ update app.environment set kind = 'production' $$, '23514', null, 'a database with a moved clock cannot be production');
select lives_ok(
  $$ update app.environment set kind = 'production', clock_offset = interval '0' $$, 'once its clock is right it can');
select throws_ok(
  $$ update app.environment set clock_offset = interval '1 second' $$, '23514', null, 'production cannot move its clock');
select throws_ok($$ insert into app.environment (only_row) values (true) $$, '23505', null, 'there is one environment');
select throws_ok($$ insert into app.environment (only_row) values (false) $$, '23514', null, 'and no other');
select throws_ok($$ update app.environment set kind = 'staging' $$, '23514', null, 'it is production or sandbox');

-- Who may do what
set local role operator;
select lives_ok('select app.clock()', 'an operator may read the clock');
select throws_ok($$ update app.environment set clock_offset = interval '1 day' $$, '42501', null, 'but not move it');
set local role service_role;
select throws_ok('select app.clock()', '42501', null, 'the server may not call it');
select throws_ok($$ update app.environment set clock_offset = interval '1 day' $$, '42501', null, 'the server may not move it');
set local role authenticated;
select throws_ok('select app.clock()', '42501', 'permission denied for function clock', 'a signed-in user may not call it');
select throws_ok($$ update app.environment set clock_offset = interval '1 day' $$, '42501', null, 'a signed-in user may not move it');
set local role anon;
select throws_ok('select app.clock()', '42501', null, 'a visitor may not call it');
reset role;

select * from finish();
rollback;
