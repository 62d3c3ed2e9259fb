-- move_clock: a sandbox's clock moves forward, and no other does.
begin;
select plan(16);


update app.environment set kind = 'sandbox', clock_offset = interval '0';
select results_eq($$ select * from api.move_clock(now() + interval '40 days') $$, $$ values (now() + interval '40 days', true, 40 * 86400000::bigint) $$,
  'the clock of a sandbox is set to a later time');
select is(app.clock(), now() + interval '40 days', '… for everybody');
select is((select extract(epoch from clock_offset) from app.environment), 40 * 86400::numeric, '… by a distance in seconds');
select is((select extract(day from clock_offset) from app.environment), 0::numeric, '… which is as long on any day');
select results_eq($$ select * from api.move_clock(now() + interval '40 days') $$, $$ values (now() + interval '40 days', true, 40 * 86400000::bigint) $$, 'set to the same time again it stays');
select is((select now from api.move_clock(now() + interval '40 days' - interval '1 second')), now() + interval '40 days', 'the second that passed since somebody looked is forgiven, and not gone back');
select throws_ok($$ select * from api.move_clock(app.clock() - interval '1.000001 seconds') $$, 'PY004', null, 'it does not move backward');
select throws_ok($$ select * from api.move_clock(now()) $$, 'PY004', null, '… not to the real time, either');
select throws_ok(format($$ select * from api.move_clock(%L) $$, t), 'PY004', null, format('%L is no time to move to', t))
from unnest(array['infinity', '-infinity', null]) t;
select is(app.clock(), now() + interval '40 days', 'a refused call moves nothing');
select is((select now from api.move_clock('2027-10-31 12:00:00.123457+02')), '2027-10-31 10:00:00.123457+00'::timestamptz, 'it goes to the microsecond, across a change of the hour');
update app.environment set clock_offset = interval '0', kind = 'production';
select throws_ok($$ select * from api.move_clock(now() + interval '1 day') $$, 'PY416', 'the clock of a production database cannot be moved', 'the clock of production is not moved');
select throws_ok($$ select * from api.move_clock(null) $$, 'PY416', null, '… whatever is asked');
select is(app.clock(), now(), '… it stays the real time');

select * from finish();
rollback;
