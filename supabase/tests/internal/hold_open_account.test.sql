-- hold_open_account: whoever decides holds the account, and nothing is decided for one that is closed.
begin;
select plan(5);
select lives_ok($$ select app.hold_open_account('user_new') $$, 'an account nobody knew is made');
select is((select plan from app.accounts where account_id = 'user_new'), 'free', '… on plan free');
select is((select count(*) from pg_locks l where l.pid = pg_backend_pid() and l.relation = 'app.accounts'::regclass and l.mode = 'RowShareLock'), 1::bigint,
  'and its row is locked');
do $$ begin
  perform api.record_billing_event('user_new', 'clerk', 'evt_gone', 'user.deleted', 'closed', app.clock(), 3, null, null, null, null, null, null, null, null, null, null, '{}');
end $$;
select throws_ok($$ select app.hold_open_account('user_new') $$, 'PY415', 'the account is closed', 'for one that is closed nothing is decided');
select throws_ok($$ select app.hold_open_account(null) $$, 'PY004', null, 'no account is an error');
select * from finish();
rollback;
