begin;
select plan(12);
insert into app.webhook_events (processor, id, event_type, status, attempts, occurred_at, payload, payload_sha256, last_error, next_attempt_at, processed_at)
select p, s, 't', s, 7, now(), '{}', '', 'why', null, case when s in ('processed', 'ignored') then now() end
from unnest(array['stripe', 'paddle']) p, unnest(array['failed', 'dead', 'discarded', 'processed', 'ignored']) s;
create temp table before as select * from app.webhook_events;

select results_eq($$ select s, r.status from unnest(array['failed', 'dead', 'discarded']) s cross join lateral api.replay_webhook_event('stripe', s) r $$,
  $$ values ('failed', 'failed'), ('dead', 'failed'), ('discarded', 'failed') $$, 'a failed, a dead and a discarded delivery may be replayed');
select results_eq($$ select id, attempts, next_attempt_at, last_error from app.webhook_events where processor = 'stripe' and status = 'failed' order by id $$,
  $$ select s, 0, app.clock(), 'why' from unnest(array['dead', 'discarded', 'failed']) s $$,
  'it is due at once, with all its attempts before it; its last error stays to be read');
select results_eq($$ select s, r.status from unnest(array['processed', 'ignored']) s cross join lateral api.replay_webhook_event('stripe', s) r $$,
  $$ values ('processed', 'processed'), ('ignored', 'ignored') $$, 'a processed or ignored one says that it is');
select set_eq($$ select * from app.webhook_events where processor = 'paddle' or id in ('processed', 'ignored') $$, $$ select * from before where processor = 'paddle' or id in ('processed', 'ignored') $$,
  '… and is left alone, as is the same id of another processor: it cannot apply twice');
select set_eq($$ select id from api.claim_webhook_events() $$, array['failed', 'dead', 'discarded'], 'the worker gets what was replayed');
select results_eq($$ select operator_id = session_user, action, processor, event_id, reason, status_before from app.operator_actions order by event_id $$,
  $$ select true, 'replay', 'stripe', s, 'replay_webhook_event', s from unnest(array['dead', 'discarded', 'failed']) s $$, 'what was replayed is in the log of what operators did');
select results_eq($$ select status from api.replay_webhook_event('stripe', 'dead') $$, $$ values ('failed') $$, 'replaying again is the same');
select is_empty($$ select * from api.replay_webhook_event('stripe', 'nobody') $$, 'an unknown delivery is not there');
select is_empty($$ select * from api.replay_webhook_event('nobody', 'dead') $$, 'nor is one of an unknown processor');

-- from end to end: a subscription whose price was unknown until it was dead
do $$ begin
  for i in 1..10 loop
    perform api.record_billing_event('user_1', 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, null, 'sub_1', 'active', null, array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}');
  end loop;
  insert into app.processor_prices (processor, price_id, plan, billing_interval) values ('stripe', 'price_new', 'growth', 'month');
end $$;
select is((select status from app.webhook_events where id = 'evt_1'), 'dead', 'a delivery is dead');
select is((select status from api.replay_webhook_event('stripe', 'evt_1')), 'failed', 'it is replayed after its cause is gone');
select results_eq($$ select r.outcome, (select plan from api.read_account('user_1')) as plan from api.record_billing_event('user_1', 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, null, 'sub_1', 'active', null,
  array['price_new'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{}', p_is_retry => true) r $$, $$ values ('processed', 'growth') $$, '… and takes effect');
select * from finish();
rollback;
