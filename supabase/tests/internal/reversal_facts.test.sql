-- reversal_facts: where a refund or dispute stands is what was said of it last, in the processor's order.
begin;
select plan(4);
do $$ begin
  perform app.ensure_account('user_1');
  insert into app.reversal_events (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids, amount_minor)
  values ('user_1', 'stripe', 're_1', 'evt_2', 'refund', 'reversed', '2027-03-02', 2, '{in_1}', 500),
         ('user_1', 'stripe', 're_1', 'evt_1', 'refund', 'pending', '2027-03-01', 0, '{in_1}', 500),
         ('user_1', 'paddle', 're_1', 'evt_1', 'refund', 'restored', '2027-03-09', 2, '{txn_1}', 900);
end $$;
select is(app.reversal_facts('stripe', 're_1'), '{"reversal_status": "reversed", "reversal_amount": "500"}'::jsonb, 'it stands where the latest event says');
select is(app.reversal_facts('paddle', 're_1'), '{"reversal_status": "restored", "reversal_amount": "900"}'::jsonb, 'the same id of another processor is another one');
select is(app.reversal_facts('stripe', 're_never'), null, 'one nobody heard of has no facts');
select is(app.reversal_facts('stripe', null), null, 'nor has none');
select * from finish();
rollback;
