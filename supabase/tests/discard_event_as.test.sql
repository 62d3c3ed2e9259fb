-- discard_event_as: what an operator discarded stays without effect, whatever comes after.
begin;
select plan(22);
create function pg_temp.deliver(p_retry boolean default false) returns text language sql as $$
  select r.outcome from api.record_billing_event(null, 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, 'cus_1', 'sub_1', 'active', null,
    array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{"later":true}', p_is_retry => p_retry) r
$$;
create function pg_temp.status() returns text language sql as $$ select status from app.webhook_events where id = 'evt_1' $$;
do $$ begin
  perform api.record_billing_event(null, 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, 'cus_1', 'sub_1', 'active', null, array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}');
end $$;
select is(pg_temp.status(), 'failed', 'a delivery waits for its account');
select results_eq($$ select outcome, status from api.discard_event_as('user_op', 'stripe', 'evt_1', 'Of another product') $$, $$ values ('done', 'discarded') $$, 'an operator discards it');
select results_eq($$ select operator_id, action, reason, status_before, status_after from app.operator_actions $$, $$ values ('user_op', 'discard', 'Of another product', 'failed', 'discarded') $$, '… and why is kept');
select results_eq($$ select attempts, next_attempt_at, processed_at, last_error like 'PY413%' from app.webhook_events $$, $$ values (1, null::timestamptz, null::timestamptz, true) $$, 'it is not due any more, and what was wrong with it can be read');

-- what could bring it back
update app.environment set kind = 'sandbox', clock_offset = interval '2 days';
select is_empty('select * from api.claim_webhook_events()', 'the worker does not get it, not days later');
select is(pg_temp.deliver(), 'duplicate', 'delivered again it is a duplicate, for which the processor is thanked');
select is(pg_temp.status(), 'discarded', '… and stays discarded');
select results_eq($$ select deliveries, attempts, payload from app.webhook_events $$, $$ values (2, 1, '{}') $$, '… the delivery is counted, what it says is kept as it was');
select is(pg_temp.deliver(true), 'duplicate', 'a worker that had taken it before applies nothing either');
select is((select outcome from api.record_billing_event('user_1', 'stripe', 'evt_link', 'checkout.session.completed', 'link', '2027-03-01 09:00+00', 0, 'cus_1', 'sub_1', null, null, null, null, null, null, null, null, '{}')), 'processed', 'its account becomes known');
select is(pg_temp.status(), 'discarded', '… which does not wake it');
update app.webhook_events set last_error = 'PY412 unknown price' where id = 'evt_1';
select is((select plan from api.upsert_price('stripe', 'price_new', 'growth', 'month')), 'growth', 'its price becomes known');
select is(pg_temp.status(), 'discarded', '… which does not wake it');
create temp table run as select run_id from api.begin_reconciliation('stripe');
select is((select r.outcome from run, api.reconcile_event(run.run_id, false, 'user_1', 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, 'cus_1', 'sub_1', 'active', null,
  array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}') r), 'known', 'a reconciliation that is told of it knows it');
select is_empty('select * from app.reconciliation_drifts', '… and finds nothing to correct');
select is_empty('select * from app.subscription_events', 'nothing of it ever took effect');
select is((select plan from api.read_account('user_1')), 'free', '… the account has what it had');
select is_empty($$ select * from api.check_invariants() where violations > 0 $$, 'every invariant holds');
select results_eq($$ select failed, dead, deliveries from api.read_processor_health() $$, $$ values (0::bigint, 0::bigint, 2::bigint) $$, 'it counts neither as failed nor as dead, but it arrived');

select results_eq($$ select outcome, status from api.discard_event_as('user_op', 'stripe', 'evt_link', 'because') $$, $$ values ('refused', 'processed') $$, 'what took effect is not discarded');
select is((select status from api.replay_event_as('user_2', 'stripe', 'evt_1', 'It is ours after all')), 'failed', 'only a replay revives it');
select is(pg_temp.deliver(true), 'processed', '… and then it takes effect');
select * from finish();
rollback;
