-- plain_entries: an entry is plain when deciding at once and one by one come to the same.
begin;
select plan(10);

select app.open_windows(array['org_a', 'org_a', 'org_b', 'org_c'], array['messages', 'api_calls', 'messages', 'messages'], false);
create function pg_temp.plain(p_accounts text[], p_metrics text[], p_amounts bigint[], p_ids text[] default null, p_good bigint[] default '{1,2,3,4}')
returns bigint[] language sql as $$ select app.plain_entries(p_accounts, p_metrics, p_amounts, p_ids, p_good) $$;

select is(pg_temp.plain(array['org_a', 'org_b', 'org_a', 'org_a'], array['messages', 'messages', 'api_calls', 'messages'], array[1, 100, 3, 2]),
  '{1,2,3,4}'::bigint[], 'all that fit are plain');
select is(pg_temp.plain(array['org_a', 'org_b', 'org_b'], array['messages', 'messages', 'messages'], array[1, 100, 1]),
  '{1}'::bigint[], 'where some fit and some do not, none of that counter is');
select is(pg_temp.plain(array['org_a', 'org_b', 'org_b'], array['messages', 'messages', 'messages'], array[1, 101, 102]),
  '{1,2,3}'::bigint[], 'where not even the smallest fits, all are');
select is(pg_temp.plain(array['org_a', 'org_b'], array['messages', 'messages'], array[1, 1], null, '{2}'), '{2}'::bigint[], 'only those that are good');
select is(pg_temp.plain(array['org_a', 'org_a', 'org_a', 'org_b'], array['messages', 'api_calls', 'messages', 'messages'], array[1, 1, 1, 1], array['r', 'r', 'r', 'r']),
  '{2,4}'::bigint[], 'of those with one request id the first: by metric, then by place; of another account it is another id');
select check_and_increment_usage('org_a', 'messages', 1, 'known');
select is(pg_temp.plain(array['org_a', 'org_b'], array['messages', 'messages'], array[1, 1], array['known', 'known']), '{2}'::bigint[], 'an id that is known is not');
select decrement_usage('org_a', 'messages', 1, 'returned');
select is(pg_temp.plain(array['org_a', 'org_a'], array['messages', 'messages'], array[1, 1], array['returned', null]), '{2}'::bigint[], 'nor one that gave units back');
select is(pg_temp.plain(array['org_a', 'org_z'], array['messages', 'messages'], array[1, 1]), '{1}'::bigint[], 'nor what has no counter');
update counters set used = 9007199254740991 where account_id = 'org_c';
update accounts set plan = 'enterprise' where account_id = 'org_c';
select is(pg_temp.plain(array['org_c', 'org_b'], array['messages', 'messages'], array[1, 1]), '{2}'::bigint[], 'nor what would overflow');
update accounts set closed_at = app.clock() where account_id = 'org_b';
select is(pg_temp.plain(array['org_a', 'org_b'], array['messages', 'messages'], array[1, 1]), '{1}'::bigint[], 'nor those of a closed account');

select * from finish();
rollback;
