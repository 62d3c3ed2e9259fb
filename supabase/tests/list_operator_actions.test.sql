-- list_operator_actions: what operators did, the latest first.
begin;
select plan(8);
insert into app.operator_actions (id, operator_id, action, processor, event_id, reason, status_before, status_after, created_at)
select ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'user_op', case when i % 2 = 0 then 'replay' else 'discard' end, p, 'evt_' || e, 'reason ' || i, 'dead', 'failed', '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2)
from (values (0, 'stripe', 1), (1, 'stripe', 1), (2, 'paddle', 1), (3, 'stripe', 2), (4, 'stripe', 1)) v (i, p, e);
select results_eq('select reason from api.list_operator_actions()', $$ select 'reason ' || i from generate_series(4, 0, -1) i $$, 'all come, the latest first');
select results_eq($$ select reason from api.list_operator_actions('stripe', 'evt_1') $$, array['reason 4', 'reason 1', 'reason 0'], 'or those of one delivery');
select results_eq($$ select reason from api.list_operator_actions(p_limit => 2) $$, array['reason 4', 'reason 3'], 'a page ends where it is full');
select results_eq($$ select reason from api.list_operator_actions(null, null, 2, '2020-01-02 00:00+00', '00000000-0000-4000-8000-000000000003') $$, array['reason 2', 'reason 1'], 'the next goes on after the last, also inside one instant');
select results_eq($$ select * from api.list_operator_actions('paddle') $$,
  $$ values ('00000000-0000-4000-8000-000000000002'::uuid, 'user_op', 'replay', 'paddle', 'evt_1', 'reason 2', 'dead', 'failed', '2020-01-02 00:00+00'::timestamptz) $$, 'each tells who, what, why, and what it was before');
select is_empty($$ select * from api.list_operator_actions('stripe', 'evt_9') $$, 'where nobody did anything there is none');
select throws_ok('select * from api.list_operator_actions(p_limit => 0)', 'PY004', null, 'a page has at least one row');
select throws_ok('select * from api.list_operator_actions(p_limit => 101)', 'PY004', null, '… and at most a hundred');
select * from finish();
rollback;
