begin;
select plan(3);

create temp table answered as
select * from api.check_and_increment_usage_many(array['org_a', 'org_a', 'org_a', 'org_b'], array['messages', 'tea', 'messages', 'seats'],
  array[60, 1, 50, 1], p_batch_id => '00000000-0000-4000-8000-000000000001');
select results_eq(
  $$ select place, error_code, allowed, used, remaining from answered $$,
  $$ values (1, null::text, true, 60::bigint, 40::bigint), (2, 'PY001', null, null, null), (3, null, false, 60, 40), (4, null, true, 1, 0) $$,
  'a batch is answered');
select results_eq($$ select * from app.answer_of_batch('00000000-0000-4000-8000-000000000001') $$, 'select * from answered',
  'and every word of it can be had again');
select is_empty($$ select * from app.answer_of_batch('00000000-0000-4000-8000-000000000002') $$, 'of one that is not known there is nothing');

select * from finish();
rollback;
