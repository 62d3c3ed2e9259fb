begin;
select plan(6);

select api.check_and_increment_usage_many(array['org_a'], array['messages'], p_batch_id => ('00000000-0000-4000-8000-00000000000' || n)::uuid)
from generate_series(1, 4) n;
update app.usage_batches set created_at = created_at - interval '1 hour 1 second' where batch_id <> '00000000-0000-4000-8000-000000000004';
update app.usage_batches set created_at = created_at - interval '1 day' where batch_id = '00000000-0000-4000-8000-000000000002';

select is(forget_usage_batches(1), 1, 'at most so many at once');
select is_empty($$ select from app.usage_batches where batch_id = '00000000-0000-4000-8000-000000000002' $$, 'the oldest first');
select is(forget_usage_batches(), 2, 'what is older than an hour goes');
select results_eq('select batch_id::text from app.usage_batches', $$ values ('00000000-0000-4000-8000-000000000004') $$, 'what is younger stays');
select throws_ok('select api.forget_usage_batches(0)', 'PY004', 'limit must be from 1 to 10000', 'a limit of nothing is a mistake');
select throws_ok('select api.forget_usage_batches(10001)', 'PY004', null, 'as is one beyond the largest');

select * from finish();
rollback;
