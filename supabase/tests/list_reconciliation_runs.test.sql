-- list_reconciliation_runs: each time a processor was asked, with how much differed.
begin;
select plan(8);
insert into app.reconciliation_runs (id, processor, since, dry_run, status, entries, corrections, last_error, started_at, finished_at)
select ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, p, '2020-01-01', i = 1, s, 10 * i, i, case s when 'failed' then 'it is away' end, '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2), case s when 'done' then '2020-01-09'::timestamptz end
from (values (0, 'stripe', 'done'), (1, 'paddle', 'done'), (2, 'stripe', 'failed'), (3, 'razorpay', 'running')) v (i, p, s);
insert into app.reconciliation_drifts (run_id, event_id, field, processor, event_type, corrected)
select '00000000-0000-4000-8000-000000000001', 'evt_' || e, f, 'paddle', 't', true from unnest(array[1, 2]) e, unnest(array['plan', 'status']) f;
select results_eq('select run_id, drifts from api.list_reconciliation_runs()', $$ select ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, case i when 1 then 4::bigint else 0 end from generate_series(3, 0, -1) i $$, 'all come, the latest first, each with its own drifts counted');
select results_eq($$ select processor from api.list_reconciliation_runs(p_limit => 2) $$, array['razorpay', 'stripe'], 'a page ends where it is full');
select results_eq($$ select processor from api.list_reconciliation_runs(null, 2, '2020-01-02 00:00+00', '00000000-0000-4000-8000-000000000003') $$, array['stripe', 'paddle'], 'the next goes on after the last, also inside one instant');
select results_eq($$ select * from api.list_reconciliation_runs('00000000-0000-4000-8000-000000000001') $$,
  $$ values ('00000000-0000-4000-8000-000000000001'::uuid, 'paddle', '2020-01-01'::timestamptz, true, 'done', 10::bigint, 4::bigint, 1::bigint, null::text, '2020-01-01 00:00+00'::timestamptz, '2020-01-09'::timestamptz) $$, 'one of them tells all there is');
select is((select last_error from api.list_reconciliation_runs('00000000-0000-4000-8000-000000000002')), 'it is away', '… also why it failed');
select is_empty($$ select * from api.list_reconciliation_runs('00000000-0000-4000-8000-000000000009') $$, 'an unknown one is not there');
select throws_ok('select * from api.list_reconciliation_runs(null, 0)', 'PY004', null, 'a page has at least one row');
select throws_ok('select * from api.list_reconciliation_runs(null, 101)', 'PY004', null, '… and at most a hundred');
select * from finish();
rollback;
