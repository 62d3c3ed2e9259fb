-- list_webhook_events: the inbox, page by page and filtered.
begin;
select plan(13);
insert into app.webhook_events (processor, id, event_type, kind, status, attempts, last_error, account_id, subscription_id, occurred_at, payload, payload_sha256, created_at)
select p, 'evt_' || i, 't', 'state', s, 1, case s when 'dead' then 'why' end, 'user_' || (i % 2), 'sub_' || i, now(), '{"secret":"payload"}', '', '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2)
from (values (0, 'stripe', 'processed'), (1, 'stripe', 'dead'), (2, 'paddle', 'failed'), (3, 'stripe', 'discarded'), (4, 'clerk', 'ignored'), (4, 'razorpay', 'dead'), (5, 'stripe', 'dead')) v (i, p, s);
create function pg_temp.found(p_status text default null, p_processor text default null, p_account text default null, p_limit integer default 50, p_time timestamptz default null, p_before_processor text default null, p_id text default null)
returns text language sql as $$
  select coalesce(string_agg(substr(l.processor, 1, 1) || substr(l.event_id, 5), ' '), '') from api.list_webhook_events(p_status, p_processor, p_account, p_limit, p_time, p_before_processor, p_id) l
$$;
select is(pg_temp.found(), 's5 r4 c4 s3 p2 s1 s0', 'all deliveries come, the newest first, and of one instant by processor and id');
select is(pg_temp.found(p_limit => 2), 's5 r4', 'a page ends where it is full');
select is(pg_temp.found(p_limit => 2, p_time => '2020-01-03 00:00+00', p_before_processor => 'razorpay', p_id => 'evt_4'), 'c4 s3', 'the next goes on after the last: the same id of two processors is two deliveries');
select is(pg_temp.found('dead'), 's5 r4 s1', 'of one status');
select is(pg_temp.found('discarded'), 's3', '… discarded ones too');
select is(pg_temp.found(p_processor => 'stripe'), 's5 s3 s1 s0', 'of one processor');
select is(pg_temp.found(p_account => 'user_0'), 'r4 c4 p2 s0', 'of one account');
select is(pg_temp.found('dead', 'stripe', 'user_1', 1, '2020-01-03 00:00+00', 'stripe', 'evt_5'), 's1', 'and all of it at once, page by page');
select is(pg_temp.found('unheard'), '', 'of a status there is not, none');
select results_eq($$ select processor, event_id, event_type, kind, status, attempts, deliveries, last_error, account_id, subscription_id, occurred_at, received_at, processed_at, next_attempt_at from api.list_webhook_events('dead', 'razorpay') $$,
  $$ values ('razorpay', 'evt_4', 't', 'state', 'dead', 1, 1, 'why', 'user_0', 'sub_4', now(), '2020-01-03 00:00+00'::timestamptz, null::timestamptz, null::timestamptz) $$, 'each row tells what became of it');
select is_empty($$ select * from api.list_webhook_events() l where l::text like '%payload%' $$, 'payloads are not listed');
select throws_ok('select * from api.list_webhook_events(p_limit => 0)', 'PY004', null, 'a page has at least one row');
select throws_ok('select * from api.list_webhook_events(p_limit => 101)', 'PY004', null, '… and at most a hundred');
select * from finish();
rollback;
