begin;
select plan(5);

select results_eq(
  $$ select place, error_code, allowed, used from app.decide_usage_one_by_one(array['org_b', 'org_a', 'org_b', 'org_b', 'org_a'],
       array['messages', 'messages', 'messages', 'messages', 'tea'], array[60, 1, 50, 40, 1], null, null, null, null, null) order by place $$,
  $$ values (1, null::text, true, 60::bigint), (2, null, true, 1), (3, null, false, 60), (4, null, true, 100), (5, 'PY001', null, null) $$,
  'those of one counter in the order of arrival, a refused one does not stop the next, a bad one has its own verdict');
select results_eq(
  $$ select place, used from app.decide_usage_one_by_one(array['org_c', 'org_c'], array['messages', 'messages'], null, null, null, null, null, null) $$,
  $$ values (1, 1::bigint), (2, 2) $$, 'without amounts every entry is 1 unit');
select results_eq(
  $$ select place, used, replayed from app.decide_usage_one_by_one(array['org_c', 'org_c'], array['messages', 'messages'], array[5, 5],
       array['r', 'r'], null, null, null, null) $$,
  $$ values (1, 7::bigint, false), (2, 7, true) $$, 'a request id is charged once');
select results_eq(
  $$ select place, error_code, error_message from app.decide_usage_one_by_one(array['org_c'], array['messages'], null, null, null, null, array['email'], null) $$,
  $$ values (1, 'PY004', 'channel must be playground, widget or api, not ''email''') $$, 'a channel that there is not is a verdict');
select is_empty($$ select place from app.decide_usage_one_by_one('{}', '{}', null, null, null, null, null, null) $$, 'of none none is decided');

select * from finish();
rollback;
