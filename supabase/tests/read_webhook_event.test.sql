-- read_webhook_event: one delivery and its body.
begin;
select plan(4);
do $$ begin
  perform api.record_billing_event(null, 'stripe', 'evt_1', 't', 'ignored', now(), 2, null, null, null, null, null, null, null, null, null, null, '{"a":  1}', 'of no interest');
  perform api.record_billing_event(null, 'paddle', 'evt_1', 't', 'ignored', now(), 2, null, null, null, null, null, null, null, null, null, null, '{"b":2}', 'of no interest');
end $$;
select results_eq($$ select processor, event_id, payload from api.read_webhook_event('stripe', 'evt_1') $$, $$ values ('stripe', 'evt_1', '{"a":  1}') $$, 'the body is as it was received, space by space');
select results_eq($$ select to_jsonb(r) - 'payload' from api.read_webhook_event('paddle', 'evt_1') r $$, $$ select to_jsonb(l) from api.list_webhook_events(null, 'paddle') l $$, 'the rest is as in the list, of this processor');
select is_empty($$ select * from api.read_webhook_event('stripe', 'evt_2') $$, 'an unknown delivery is not there');
select is_empty($$ select * from api.read_webhook_event(null, null) $$, 'nor is none');
select * from finish();
rollback;
