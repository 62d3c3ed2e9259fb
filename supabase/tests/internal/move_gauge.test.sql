begin;
select plan(13);
do $$ begin perform app.ensure_account('user_1'); update app.plan_quotas set quota = 10 where plan = 'free' and metric = 'storage_bytes'; end $$;
create temp table bot as select gen_random_uuid() as id;
create function pg_temp.gauge() returns bigint language sql as $$ select used from app.counters where account_id = 'user_1' and metric = 'storage_bytes' and window_start = '-infinity' $$;
create function pg_temp.move(p_amount bigint) returns void language sql as $$ select app.move_gauge('user_1', 'storage_bytes', p_amount, id) from bot $$;

select lives_ok($$ select pg_temp.move(7) $$, 'what comes within the quota is let in');
select is(pg_temp.gauge(), 7::bigint, '… and the gauge moves by it');
select lives_ok($$ select pg_temp.move(3) $$, 'up to the quota exactly');
select throws_ok($$ select pg_temp.move(1) $$, 'PY402', 'quota exceeded: 10 of 10 storage_bytes used on plan free', 'one more is refused, saying how much of how much on which plan');
select is(pg_temp.gauge(), 10::bigint, '… and the gauge stays');

create function pg_temp.detail() returns jsonb language plpgsql as $$
declare
  v_detail text;
begin
  perform pg_temp.move(5);
  return null;
exception when sqlstate 'PY402' then
  get stacked diagnostics v_detail = pg_exception_detail;
  return v_detail::jsonb;
end
$$;
select is(pg_temp.detail() - array['error_code', 'error_message', 'window_start'],
  '{"metric": "storage_bytes", "allowed": false, "used": 10, "quota": 10, "remaining": 0, "resets_at": null, "plan": "free", "replayed": false}', 'the detail of the refusal is the decision as JSON');

select lives_ok($$ select pg_temp.move(-4) $$, 'what goes is given back');
select is(pg_temp.gauge(), 6::bigint, '… to the unit');
select lives_ok($$ select pg_temp.move(0) $$, 'nothing moves nothing');
select results_eq($$ select amount, reason, chatbot_id, window_start, request_id from app.usage_events where account_id = 'user_1' order by id $$,
  $$ select n, r, id, '-infinity'::timestamptz, null::text from bot cross join (values (7::bigint, 'insert'), (3, 'insert'), (-4, 'delete')) v (n, r) $$, 'the ledger has a row for each move, with its chatbot, and none for a refusal or for nothing');
do $$ begin perform pg_temp.move(-1000); end $$;
select is(pg_temp.gauge(), 0::bigint, 'a gauge never goes below 0');
select is((select sum(amount) from app.usage_events where account_id = 'user_1'), 0::numeric, '… and the ledger says what was really given back');
select throws_ok($$ select app.move_gauge('user_1', 'unheard_of', 1, null) $$, 'PY001', null, 'an unknown metric is an error');

select * from finish();
rollback;
