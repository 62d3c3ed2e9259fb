-- advance_reconciliation: how far a comparison came, and how it ended.
begin;
select plan(19);

create function pg_temp.travel(p_to timestamptz) returns void language sql as $$
  update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from p_to - now())::float8)
$$;
do $$ begin perform pg_temp.travel('2027-03-10 12:00+00'); end $$;
create temp table mine as select run_id from api.begin_reconciliation('stripe');
create temp table others as select run_id from api.begin_reconciliation('paddle');
create function pg_temp.row_of() returns table (status text, cursor text, entries bigint, last_error text, updated_at timestamptz, finished_at timestamptz) language sql as $$
  select r.status, r.cursor, r.entries, r.last_error, r.updated_at, r.finished_at from app.reconciliation_runs r join mine on run_id = r.id
$$;

do $$ begin perform pg_temp.travel('2027-03-10 12:05+00'); end $$;
select results_eq($$ select a.* from mine, api.advance_reconciliation(run_id, 'cursor_1', 30) a $$, $$ values (30::bigint, 0::bigint, 0::bigint) $$, 'the entries compared are told');
select results_eq('select * from pg_temp.row_of()', $$ values ('running', 'cursor_1', 30::bigint, null::text, '2027-03-10 12:05+00'::timestamptz, null::timestamptz) $$, '… and kept, with where to go on, and when that was');
insert into app.reconciliation_drifts (run_id, event_id, field, processor, event_type, corrected) select run_id, 'evt_1', field, 'stripe', 't', true from mine, unnest(array['event', 'status']) field;
update app.reconciliation_runs set corrections = 1 where id = (select run_id from mine);
select results_eq($$ select a.* from mine, api.advance_reconciliation(run_id, 'cursor_2', 12) a $$, $$ values (42::bigint, 1::bigint, 2::bigint) $$, 'entries add up; corrections and what differed are told as they are');
select results_eq($$ select a.* from mine, api.advance_reconciliation(run_id, 'cursor_2', 0) a $$, $$ values (42::bigint, 1::bigint, 2::bigint) $$, 'nothing more adds nothing');
select lives_ok($$ select a.* from mine, api.advance_reconciliation(run_id, 'cursor_2', 0, 'failed', 'the processor is away') a $$, 'it may fail');
select results_eq('select * from pg_temp.row_of()', $$ values ('failed', 'cursor_2', 42::bigint, 'the processor is away', '2027-03-10 12:05+00'::timestamptz, '2027-03-10 12:05+00'::timestamptz) $$, '… which says why, and when');
select lives_ok($$ select a.* from mine, api.advance_reconciliation(run_id, null, 8, 'done') a $$, 'it may end well');
select results_eq('select * from pg_temp.row_of()', $$ values ('done', null::text, 50::bigint, null::text, '2027-03-10 12:05+00'::timestamptz, '2027-03-10 12:05+00'::timestamptz) $$, '… without an error');
select is((select length(last_error) from mine, api.advance_reconciliation(run_id, null, 0, 'failed', repeat('x', 600)), pg_temp.row_of()), null, 'a long reason does not fail the call');
select is((select length(last_error) from pg_temp.row_of()), 500, '… and is cut');
select results_eq($$ select status, cursor, entries from app.reconciliation_runs r join others on run_id = r.id $$, $$ values ('running', null::text, 0::bigint) $$, 'no other run is touched');

-- arguments
select throws_ok(format('select a.* from mine, api.advance_reconciliation(run_id, null, 0, %L) a', bad), 'PY004', 'status must be running, done or failed', format('status %s is refused', coalesce(bad, 'null')))
from unnest(array['stopped', '', null]) bad;
select throws_ok($$ select * from api.advance_reconciliation(gen_random_uuid(), null, 0) $$, 'PY404', 'no such reconciliation', 'an unknown run is refused');

-- who may call it
set local role service_role;
select throws_ok($$ select * from api.advance_reconciliation(gen_random_uuid(), null, 0) $$, 'PY404', null, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.advance_reconciliation(gen_random_uuid(), null, 0) $$, '42501', null, 'a signed-in user may not');
set local role anon;
select throws_ok($$ select * from api.advance_reconciliation(gen_random_uuid(), null, 0) $$, '42501', null, 'nor a visitor');
set local role operator;
select throws_ok($$ select * from api.advance_reconciliation(gen_random_uuid(), null, 0) $$, '42501', null, 'nor an operator');
reset role;

select * from finish();
rollback;
