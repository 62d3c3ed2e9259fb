begin;
select plan(8);
do $$ begin
  for i in 1..10 loop
    perform api.record_billing_event('user_1', 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, null, 'sub_1', 'active', null, array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}');
  end loop;
  insert into app.processor_prices (processor, price_id, plan, billing_interval) values ('stripe', 'price_new', 'growth', 'month');
end $$;
create function pg_temp.delivered() returns text language sql as $$
  select r.outcome from api.record_billing_event('user_1', 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, null, 'sub_1', 'active', null,
    array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}', p_is_retry => true) r
$$;
select is((select status from app.webhook_events where id = 'evt_1'), 'dead', 'a delivery is dead');
select results_eq($$ select outcome, status from api.replay_event_as('user_op', 'stripe', 'evt_1', 'The price is known now') $$, $$ values ('done', 'failed') $$, 'an operator replays it');
select results_eq($$ select id from api.claim_webhook_events() $$, array['evt_1'], '… the worker gets it');
select is(pg_temp.delivered(), 'processed', '… and it takes effect');
select results_eq($$ select outcome, status from api.replay_event_as('user_op', 'stripe', 'evt_1', 'Once more') $$, $$ values ('refused', 'processed') $$, 'what was processed is not replayed');
select results_eq($$ select operator_id, action, processor, event_id, reason, status_before, status_after, created_at from app.operator_actions $$,
  $$ values ('user_op', 'replay', 'stripe', 'evt_1', 'The price is known now', 'dead', 'failed', app.clock()) $$, 'who did it and why is kept, the refusal is not');
select is_empty($$ select * from api.replay_event_as('user_op', 'paddle', 'evt_1', 'because') $$, 'the same id of another processor is not there');
select throws_ok($$ select * from api.replay_event_as('user_op', 'stripe', 'evt_1', '') $$, 'PY004', null, 'without a reason it is refused');
select * from finish();
rollback;
