begin;
select plan(15);
update app.environment set kind = 'sandbox';
create function pg_temp.at(p_offset interval) returns void language sql as $$ update app.environment set clock_offset = p_offset $$;
insert into app.webhook_events (processor, id, event_type, status, attempts, occurred_at, payload, payload_sha256, next_attempt_at) values
  ('stripe', 'due',       't', 'failed',    3, now(), '{"a":1}', '', now() - interval '1 minute'),
  ('paddle', 'longest',   't', 'failed',    1, now(), '{"a":2}', '', now() - interval '1 hour'),
  ('stripe', 'woken',     't', 'failed',    1, now(), '{"a":3}', '', now()),
  ('stripe', 'later',     't', 'failed',    1, now(), '{}', '', now() + interval '30 seconds'),
  ('stripe', 'failed',    't', 'failed',    1, now(), '{}', '', null),
  ('stripe', 'dead',      't', 'dead',     10, now(), '{}', '', null),
  ('stripe', 'processed', 't', 'processed', 1, now(), '{}', '', null),
  ('stripe', 'ignored',   't', 'ignored',   1, now(), '{}', '', null);
create temp table untouched as select * from app.webhook_events where id in ('later', 'failed', 'dead', 'processed', 'ignored');

select results_eq($$ select * from api.claim_webhook_events(1) $$, $$ values ('paddle', 'longest', '{"a":2}', 1) $$, 'the delivery longest due comes first, with its body and attempts');
select set_eq($$ select * from api.claim_webhook_events() $$,
  $$ values ('stripe', 'due', '{"a":1}', 3), ('stripe', 'woken', '{"a":3}', 1) $$, 'then all that are due: after their pause, or woken');
select is_empty($$ select * from api.claim_webhook_events() $$, 'what is taken is not given to another worker');
select set_eq($$ select * from app.webhook_events where id in ('later', 'failed', 'dead', 'processed', 'ignored') $$, $$ select * from untouched $$, 'nothing else is touched');
select results_eq($$ select status, attempts, next_attempt_at from app.webhook_events where id = 'due' $$, $$ values ('failed', 3, app.clock() + interval '60 seconds') $$, 'taking it is no attempt yet');
do $$ begin perform pg_temp.at('59 seconds'); end $$;
select results_eq($$ select id from api.claim_webhook_events() $$, $$ values ('later') $$, 'what becomes due is given; what is taken is still taken after 59 seconds');
do $$ begin perform pg_temp.at('60 seconds'); end $$;
select set_eq($$ select id from api.claim_webhook_events() $$, array['longest', 'due', 'woken'], 'what a dead worker left is given again after a minute');

-- the life of a delivery that fails
do $$ begin perform pg_temp.at('0'); delete from app.webhook_events; end $$;
create function pg_temp.attempt() returns text language sql as $$
  select outcome from api.record_billing_event('user_1', 'stripe', 'evt_1', 't', 'state', '2027-03-01 10:00+00', 2, null, 'sub_1', 'active', null,
    array['price_unknown'], array[null::timestamptz], array[null::timestamptz], null, null, null, '{"id":"evt_1"}', p_is_retry => true)
$$;
select is(pg_temp.attempt(), 'failed', 'a delivery fails');
select is_empty($$ select * from api.claim_webhook_events() $$, '… and is not due at once');
do $$ begin perform pg_temp.at('10 seconds'); end $$;
select results_eq($$ select id, payload, attempts from api.claim_webhook_events() $$, $$ values ('evt_1', '{"id":"evt_1"}', 1) $$, '… but some seconds later');
create function pg_temp.waits() returns interval[] language plpgsql as $$
declare
  v_waits interval[];
begin
  for i in 2..9 loop
    perform pg_temp.attempt();
    v_waits := v_waits || (select next_attempt_at - app.clock() from app.webhook_events where id = 'evt_1');
  end loop;
  return v_waits;
end
$$;
create temp table waited as select w, i from unnest(pg_temp.waits()) with ordinality as t (w, i);
select ok(bool_and(w between make_interval(secs => exp(i + 1)) and make_interval(secs => exp(i + 1) * 1.1)), 'each failure waits e times as long as the one before, and up to a tenth more') from waited;
select is(pg_temp.attempt(), 'dead', 'the tenth failure is the last');
do $$ begin perform pg_temp.at('1 year'); end $$;
select is_empty($$ select * from api.claim_webhook_events() $$, 'a dead delivery is never given again');

select throws_ok($$ select * from api.claim_webhook_events(0) $$, 'PY004', 'limit must be from 1 to 100', 'taking none is refused');
select throws_ok($$ select * from api.claim_webhook_events(101) $$, 'PY004', 'limit must be from 1 to 100', 'taking 101 is refused');

select * from finish();
rollback;
