begin;
select plan(8);

select lives_ok($$ select app.open_windows(array['org_b', 'org_a', 'org_b', 'org_b'], array['messages', 'seats', 'messages', 'tea'], false) $$,
  'windows of several accounts are opened at once; an unknown metric is passed over');
select results_eq(
  $$ select account_id, metric, used, window_start = '-infinity' from counters order by 1 $$,
  $$ values ('org_a', 'seats', 0::bigint, true), ('org_b', 'messages', 0, false) $$,
  'at 0, a level in the window that never ends');
select is((select window_start from counters where metric = 'messages'), (select anchor from accounts where account_id = 'org_b'),
  'a counter in the current window');
select results_eq('select account_id from accounts order by 1', $$ values ('org_a'), ('org_b') $$, 'accounts are made on their first use');

select check_and_increment_usage('org_b', 'messages', 7);
select app.open_windows(array['org_b'], array['messages'], true);
select results_eq($$ select used from counters where account_id = 'org_b' $$, $$ values (7::bigint) $$, 'what is open keeps what it counts');

update accounts set closed_at = app.clock() where account_id = 'org_b';
select app.open_windows(array['org_b'], array['api_calls'], false);
select is_empty($$ select from counters where metric = 'api_calls' $$, 'of a closed account nothing is opened');
select lives_ok($$ select app.open_windows(array['org_c'], array['tea'], true) $$, 'an unknown metric alone');
select is_empty($$ select from accounts where account_id = 'org_c' $$, 'leaves no account behind');

select * from finish();
rollback;
