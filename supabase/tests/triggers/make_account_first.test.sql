begin;
select plan(8);
insert into app.chatbots (account_id, name) values ('user_1', 'One');
select results_eq($$ select account_id, plan, plan_ends_at, anchor, created_at from app.accounts $$, $$ values ('user_1', 'free', null::timestamptz, app.clock(), app.clock()) $$,
  'a plain insert for an unknown account makes it: free, anchored now');
update app.accounts set plan = 'growth', anchor = '2027-01-01 00:00+00';
insert into app.chatbots (account_id, name) values ('user_1', 'Two');
select results_eq($$ select plan, anchor from app.accounts $$, $$ values ('growth', '2027-01-01 00:00+00'::timestamptz) $$, 'a known account is left as it is');
insert into app.chatbots (account_id, name) select 'user_' || i, 'Bot' from generate_series(2, 4) i;
select is((select count(*) from app.accounts), 4::bigint, 'rows of several accounts make each of them');
select throws_ok($$ insert into app.chatbots (account_id, name) values ('', 'Bot') $$, 'PY004', 'account_id must have 1 to 255 characters', 'an empty account id is refused');
select throws_ok($$ insert into app.chatbots (account_id, name) values (repeat('a', 256), 'Bot') $$, 'PY004', 'account_id must have 1 to 255 characters', 'one of 256 characters is refused');
select throws_ok($$ insert into app.chatbots (account_id, name) values (null, 'Bot') $$, 'PY004', 'account_id must have 1 to 255 characters', 'none is refused');
select throws_ok($$ insert into app.chatbots (account_id, name) values ('user_new', '') $$, '23514', null, 'a row that is refused');
select is((select count(*) from app.accounts), 4::bigint, '… makes no account');

select * from finish();
rollback;
