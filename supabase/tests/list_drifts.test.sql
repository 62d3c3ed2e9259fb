-- list_drifts: what one run found, event by event, page by page.
begin;
select plan(6);
create temp table run as select run_id from api.begin_reconciliation('stripe');
create temp table other as select run_id from api.begin_reconciliation('paddle');
insert into app.reconciliation_drifts (run_id, event_id, field, processor, account_id, subscription_id, event_type, ours, theirs, corrected)
select r.run_id, v.* from run r cross join (values
  ('evt_2', 'status', 'stripe', 'user_1', 'sub_1', 'customer.subscription.updated', 'active', 'past_due', true),
  ('evt_2', 'event', 'stripe', 'user_1', 'sub_1', 'customer.subscription.updated', 'missing', 'customer.subscription.updated', true),
  ('evt_1', 'plan', 'stripe', null, null, 'invoice.paid', null, 'growth', false)) v
union all
select o.run_id, 'evt_9', 'plan', 'paddle', null, null, 'x', null, null, true from other o;

select results_eq($$ select d.event_id, d.field, d.ours, d.theirs, d.corrected from run r cross join lateral api.list_drifts(r.run_id) d $$,
  $$ values ('evt_1', 'plan', null, 'growth', false), ('evt_2', 'event', 'missing', 'customer.subscription.updated', true), ('evt_2', 'status', 'active', 'past_due', true) $$,
  'the fields of a run come event by event, and no other run''s');
select results_eq($$ select d.event_id, d.field from run r cross join lateral api.list_drifts(r.run_id, 2) d $$,
  $$ values ('evt_1', 'plan'), ('evt_2', 'event') $$, 'a page ends where it is full');
select results_eq($$ select d.event_id, d.field from run r cross join lateral api.list_drifts(r.run_id, 2, 'evt_2', 'event') d $$,
  $$ values ('evt_2', 'status') $$, 'the next goes on after the last, also inside one event');
select is_empty($$ select * from api.list_drifts('00000000-0000-4000-8000-000000000000') $$, 'an unknown run has none');
select throws_ok('select * from api.list_drifts(null, 0)', 'PY004', null, 'a page has at least one row');
select throws_ok('select * from api.list_drifts(null, 101)', 'PY004', null, '… and at most a hundred');
select * from finish();
rollback;
