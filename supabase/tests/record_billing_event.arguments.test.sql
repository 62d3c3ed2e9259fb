-- record_billing_event, part 4: what it refuses before anything is kept, what is kept as failed, and what an operator reads.
begin;
select plan(45);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin perform api.upsert_price('stripe', 'price_growth_monthly', 'growth', 'month'); end $$;

create function pg_temp.deliver(
  p_id text, p_account text default 'user_1', p_customer text default null, p_subscription text default 'sub_1', p_kind text default 'state',
  p_processor text default 'stripe', p_type text default 't', p_at timestamptz default '2027-03-01 10:00+00', p_payload text default '{}',
  p_start timestamptz default '2027-03-01 10:00+00', p_end timestamptz default '2027-04-01 10:00+00', p_price text default 'price_growth_monthly'
) returns table (outcome text, account_id text, last_error text) language sql as $$
  select r.outcome, r.account_id, r.last_error
  from api.record_billing_event(p_account, p_processor, p_id, p_type, p_kind, p_at, 2, p_customer, p_subscription,
    case when p_kind = 'state' then 'active' end, case when p_kind = 'payment' then 'paid' end, array[p_price], array[p_start], array[p_end],
    null, null, null, p_payload) r
$$;

-- Refused: nothing is kept
select throws_ok(format('select pg_temp.deliver(''evt_bad'', %s)', bad.arguments), 'PY004', bad.message, format('%s is an error', bad.what))
from (values
  ('p_processor => ''acme''', 'processor must be stripe, paddle, razorpay or clerk', 'an unknown processor'),
  ('p_processor => null', 'processor must be stripe, paddle, razorpay or clerk', 'no processor'),
  ('p_type => null', 'event_type, payload and a finite occurred_at are required', 'no event type'),
  ('p_payload => null', 'event_type, payload and a finite occurred_at are required', 'no payload'),
  ('p_at => null', 'event_type, payload and a finite occurred_at are required', 'no time'),
  ('p_at => ''infinity''', 'event_type, payload and a finite occurred_at are required', 'a time after all others'),
  ('p_at => ''-infinity''', 'event_type, payload and a finite occurred_at are required', 'a time before all others'),
  ('p_customer => ''''', 'customer_id and subscription_id must have 1 to 255 characters, or be null', 'an empty customer id'),
  ('p_customer => repeat(''c'', 256)', 'customer_id and subscription_id must have 1 to 255 characters, or be null', 'a customer id of 256 characters'),
  ('p_subscription => ''''', 'customer_id and subscription_id must have 1 to 255 characters, or be null', 'an empty subscription id'),
  ('p_subscription => repeat(''s'', 256)', 'customer_id and subscription_id must have 1 to 255 characters, or be null', 'a subscription id of 256 characters'),
  ('p_kind => ''ignored'', p_customer => ''''', 'customer_id and subscription_id must have 1 to 255 characters, or be null', 'an empty id of an event without effect')
) bad (arguments, message, what);
select is_empty('select id from app.webhook_events', 'a refused call leaves nothing in the inbox');
select is_empty('select object_id from app.processor_links', '… ties no id');
select is_empty('select account_id from app.accounts', '… and makes no account');
select results_eq($$ select outcome, account_id from pg_temp.deliver('evt_long', 'user_long', repeat('c', 255), repeat('s', 255)) $$, $$ values ('processed', 'user_long') $$, 'ids of 255 characters are taken');
select is((select outcome from pg_temp.deliver('evt_long_unknown', null, repeat('d', 255), repeat('t', 255))), 'failed',
  '… and fail, to be tried again, where their account is not known');

-- A period without a beginning or an end
select is((select outcome from pg_temp.deliver('evt_finite', 'user_2', p_subscription => 'sub_2')), 'processed', 'a subscription begins');
do $$ begin perform api.check_and_increment_usage('user_2', 'messages', 5); end $$;
select results_eq(format($$ select outcome, left(last_error, 5) from pg_temp.deliver('evt_%s', 'user_2', p_subscription => 'sub_2', p_at => '2027-03-02 10:00+00', %s) $$, bad.what, bad.arguments),
  $$ values ('failed', '23514') $$, format('a period from or to infinity (%s) fails the event', bad.what))
from (values ('start', $$p_start => '-infinity'$$), ('end', $$p_end => 'infinity'$$), ('both', $$p_start => '-infinity', p_end => 'infinity'$$)) bad (what, arguments);
select results_eq($$ select status, attempts from app.webhook_events where id in ('evt_start', 'evt_end', 'evt_both') $$, $$ values ('failed', 1), ('failed', 1), ('failed', 1) $$, 'each is kept, to be looked at');
select results_eq($$ select plan, anchor from app.accounts where account_id = 'user_2' $$, $$ values ('growth', '2027-03-01 10:00+00'::timestamptz) $$, 'the account''s windows stay where they were');
select results_eq($$ select allowed, used from api.check_and_increment_usage('user_2', 'messages') $$, $$ values (true, 6::bigint) $$, 'and it is decided on as before');
select throws_ok(format($$ insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, period_start, period_end)
  values ('user_2', 'stripe', 'sub_2', 'e', %L, 2, 'active', %L, %L) $$, v.at, v.period_start, v.period_end), '23514', null, format('such times cannot be stored: %s, %s to %s', v.at, v.period_start, v.period_end))
from (values ('infinity', null, null), ('2027-03-02', '-infinity', '2027-04-01'), ('2027-03-02', '2027-03-01', 'infinity')) v (at, period_start, period_end);

-- Waiting for its account is failing; the link gives it all its attempts back
create function pg_temp.outcomes(p_times integer) returns text[] language sql as $$
  select array_agg(d.outcome order by i) from generate_series(1, p_times) i
  cross join lateral pg_temp.deliver('evt_patient', null, null, 'sub_patient', p_type => i::text, p_price => 'price_nobody_knows') d
$$;
select is(pg_temp.outcomes(1), array['failed'], 'an event of nobody known fails');
select results_eq($$ select status, attempts, last_error, next_attempt_at > app.clock() from app.webhook_events where id = 'evt_patient' $$,
  $$ values ('failed', 1, 'PY413 no account is known yet for this customer, subscription or payment', true) $$,
  '… which is an attempt, says what it waits for, and is tried again later');
select is(pg_temp.outcomes(11), array_fill('failed'::text, array[8]) || array['dead', 'duplicate', 'duplicate'],
  'after ten attempts it is dead');
select results_eq($$ select status, attempts, deliveries, next_attempt_at from app.webhook_events where id = 'evt_patient' $$,
  $$ values ('dead', 10, 12, null::timestamptz) $$, '… and not due again');
select results_eq($$ select outcome, account_id from pg_temp.deliver('evt_patient_link', 'user_patient', null, 'sub_patient', 'link') $$,
  $$ values ('processed', 'user_patient') $$, 'its account becomes known');
select results_eq($$ select status, attempts, next_attempt_at from app.webhook_events where id = 'evt_patient' $$,
  $$ values ('failed', 0, app.clock()) $$, '… which wakes the dead event: it is due at once');
select is(pg_temp.outcomes(10), array_fill('failed'::text, array[9]) || array['dead'], '… with all of its ten attempts');
select alike((select last_error from app.webhook_events where id = 'evt_patient'), 'PY412 %', '… which now fail of something else');
select is((select outcome from pg_temp.deliver('evt_patient_customer', 'user_patient', 'cus_patient', 'sub_patient', 'link')), 'processed',
  'its account gets another id');
select is((select status from app.webhook_events where id = 'evt_patient'), 'dead', '… which does not wake what died of something else');

-- An event that names another account than its subscription belongs to
select results_eq($$ select * from pg_temp.deliver('evt_mine', 'user_3', 'cus_3', 'sub_3') $$, $$ values ('processed', 'user_3', null::text) $$, 'a subscription belongs to an account');
select results_eq($$ select * from pg_temp.deliver('evt_other', 'user_4', 'cus_3', 'sub_3', p_at => '2027-03-02 10:00+00') $$,
  $$ values ('processed', 'user_3', 'names account user_4, but its subscription belongs to user_3, where it was applied') $$, 'an event of it that names another is applied to it, and says so');
select is((select last_error from app.webhook_events where id = 'evt_other'), 'names account user_4, but its subscription belongs to user_3, where it was applied', 'the inbox says so');
select is((select last_error from pg_temp.deliver('evt_other', 'user_4', 'cus_3', 'sub_3')), 'names account user_4, but its subscription belongs to user_3, where it was applied', '… and a second delivery too');
select is_empty($$ select account_id from app.accounts where account_id = 'user_4' $$, 'the other account gets nothing');
select results_eq($$ select outcome, account_id, last_error is null from pg_temp.deliver('evt_link_other', 'user_4', 'cus_3', 'sub_3', 'link') $$, $$ values ('processed', 'user_3', false) $$, 'so does a checkout that names another');
select is((select last_error from pg_temp.deliver('evt_silent', null, 'cus_3', 'sub_3', p_at => '2027-03-03 10:00+00')), null, 'one that names nobody says nothing');
select is((select last_error from pg_temp.deliver('evt_empty', '', 'cus_3', 'sub_3', p_at => '2027-03-04 10:00+00')), null, 'nor does an empty name');

select * from finish();
rollback;
