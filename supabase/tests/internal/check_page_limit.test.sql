-- check_page_limit: what its docstring promises.
begin;
select plan(14);

select lives_ok(format('select app.check_page_limit(%s)', fine), format('a page may have %s rows', fine)) from unnest(array[1, 2, 50, 99, 100]) fine;
select throws_ok(
  format('select app.check_page_limit(%s)', bad), 'PY004', 'limit must be from 1 to 100', format('a page of %s rows is an error', bad))
from unnest(array['0', '-1', '101', '2147483647', 'null']) bad;

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.check_page_limit(1) $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.check_page_limit(1) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.check_page_limit(1) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.check_page_limit(1) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
