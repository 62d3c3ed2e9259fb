-- act_on_event: what an operator does with a delivery, and its log, are one.
begin;
select plan(22);
insert into app.webhook_events (processor, id, event_type, status, attempts, occurred_at, payload, payload_sha256, last_error, next_attempt_at, processed_at)
select p, s, 't', s, 7, now(), '{}', '', 'why', case s when 'failed' then now() + interval '1 hour' end, case when s in ('processed', 'ignored') then now() end
from unnest(array['stripe', 'paddle']) p, unnest(array['failed', 'dead', 'discarded', 'processed', 'ignored', 'received']) s;
create temp table before as select * from app.webhook_events;
create function pg_temp.row_of(p_id text) returns table (status text, attempts integer, next_attempt_at timestamptz, last_error text) language sql as $$
  select e.status, e.attempts, e.next_attempt_at, e.last_error from app.webhook_events e where e.processor = 'stripe' and e.id = p_id
$$;
-- Does it, reports what it said and left, and takes it back.
create function pg_temp.tried(p_action text, p_id text) returns text language plpgsql as $$
declare
  v_said text;
begin
  select r.outcome || ' ' || r.status into v_said from app.act_on_event('user_op', p_action, 'stripe', p_id, 'because') r;
  raise exception using errcode = 'ZZ001', message = coalesce(v_said, 'nothing')
    || coalesce((select format('; %s %s %s', status, attempts, coalesce((next_attempt_at = app.clock())::text, 'never')) from pg_temp.row_of(p_id)), '')
    || coalesce((select '; ' || string_agg(format('%s %s %s>%s %s', operator_id, action, status_before, status_after, reason), ',') from app.operator_actions), '');
exception when sqlstate 'ZZ001' then
  return sqlerrm;
end
$$;

select is(pg_temp.tried('replay', s), format('done failed; failed 0 true; user_op replay %s>failed because', s), 'a ' || s || ' delivery is replayed: due now, with all its attempts, and logged')
from unnest(array['failed', 'dead', 'discarded']) s;
select is(pg_temp.tried('discard', s), format('done discarded; discarded 7 never; user_op discard %s>discarded because', s), 'a ' || s || ' delivery is discarded: never due, and logged')
from unnest(array['failed', 'dead', 'discarded']) s;
select is(pg_temp.tried(a, s), format('refused %s; %s 7 never', s, s), format('to %s a %s delivery is refused, changes nothing and is not logged', a, s))
from unnest(array['processed', 'ignored', 'received']) s, unnest(array['replay', 'discard']) a;
select is(pg_temp.tried('replay', 'nobody'), 'nothing', 'an unknown delivery is not there, and nothing is logged');
select set_eq('select * from app.webhook_events', 'select * from before', 'of the same id of another processor nothing changed');

select throws_ok($$ select * from app.act_on_event('user_op', 'replay', 'stripe', 'dead', ' x ') $$, 'PY004', 'reason must have 3 to 500 characters', 'a reason has three characters');
select throws_ok($$ select * from app.act_on_event('user_op', 'replay', 'stripe', 'dead', null) $$, 'PY004', null, '… and is required');
select throws_ok($$ select * from app.act_on_event('user_op', 'discard', 'stripe', 'dead', repeat('x', 501)) $$, 'PY004', null, '… of at most 500');
select throws_ok($$ select * from app.act_on_event(null, 'replay', 'stripe', 'dead', 'because') $$, 'PY004', null, 'somebody does it');
select throws_ok($$ select * from app.act_on_event('', 'replay', 'stripe', 'dead', 'because') $$, 'PY004', null, '… with a name');
select throws_ok($$ select * from app.act_on_event('user_op', 'undo', 'stripe', 'dead', 'because') $$, '23514', null, 'there is no other action');
do $$ begin perform app.act_on_event('user_op', 'replay', 'stripe', 'dead', '  because it is '); end $$;
select is((select reason from app.operator_actions), 'because it is', 'a reason is kept without the spaces around it');
select is(has_function_privilege('service_role', 'app.act_on_event(text, text, text, text, text)', 'execute'), false, 'only functions of api call it');
select * from finish();
rollback;
