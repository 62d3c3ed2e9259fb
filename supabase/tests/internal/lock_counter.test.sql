begin;
select plan(4);

select app.ensure_account('acct');
select lives_ok($$ select app.lock_counter('acct', 'messages') $$, 'a counter that is not there yet is made');
select results_eq(
  $$ select used from counters where account_id = 'acct' and metric = 'messages' $$, $$ values (0::bigint) $$,
  'at 0, in the current window');
select check_and_increment_usage('acct', 'messages', 7);
select lives_ok($$ select app.lock_counter('acct', 'messages') $$, 'one that is there is locked');
select results_eq(
  $$ select used from counters where account_id = 'acct' and metric = 'messages' $$, $$ values (7::bigint) $$,
  'and keeps what it counts');

select * from finish();
rollback;
