begin;
select plan(7);

select check_and_increment_usage('org_a', 'messages', 90);
select check_and_increment_usage('org_a', 'seats', 1);
select check_and_increment_usage('org_b', 'messages', 10);
create temp view present as
select array_agg(account_id) as account_ids, array_agg(metric) as metrics, array_agg(window_start) as windows
from (select account_id, metric, window_start from counters order by account_id, metric) c;

select is(
  (select app.move_counters(account_ids, metrics, windows, array[100, 1, 100], array[10, 1, 5]) from present),
  array[100, null, 15]::bigint[], 'each is charged whole where it fits, exactly to the quota too; null where it does not');
select results_eq('select used from counters order by account_id, metric', $$ values (100::bigint), (1), (15) $$,
  'the counters that were charged have moved, the others have not');
select is(
  (select app.move_counters(account_ids, metrics, windows, array[100, null, 14], array[1, 1000, 1]) from present),
  array[null, 1001, null]::bigint[], 'a quota of null is unlimited; a counter above its quota takes no more');
select is(
  (select app.move_counters(account_ids, metrics, windows, array[null, null, null]::bigint[], array[9007199254740991, 1, 1]) from present),
  array[null, 1002, 16]::bigint[], 'nothing is counted beyond what can be counted');
select is(
  app.move_counters(array['org_a', 'org_z'], array['messages', 'messages'], array['2020-01-01', '2020-01-01']::timestamptz[],
                    array[100, 100], array[1, 1]),
  array[null, null]::bigint[], 'a counter that is not there is not made');
select is((select count(*) from counters), 3::bigint, 'nor is any other');
select is(app.move_counters('{}', '{}', '{}', '{}', '{}'), '{}'::bigint[], 'of none none is moved');

select * from finish();
rollback;
