begin;
select plan(24);
do $$ begin update app.plan_quotas set quota = 3 where plan = 'free' and metric = 'chatbots'; end $$;
create function pg_temp.gauge(p_account text default 'user_1') returns bigint language sql as $$
  select coalesce((select used from app.counters where account_id = p_account and metric = 'chatbots' and window_start = '-infinity'), 0) $$;

insert into app.chatbots (account_id, id, name) values ('user_1', '00000000-0000-0000-0000-000000000001', 'One');
select is(pg_temp.gauge(), 1::bigint, 'a plain insert moves the gauge');
insert into app.chatbots (account_id, name) values ('user_1', 'Two'), ('user_1', 'Three'), ('user_2', 'Foreign');
select is(pg_temp.gauge(), 3::bigint, 'an insert of several rows moves it by each');
select is(pg_temp.gauge('user_2'), 1::bigint, '… each account by its own');
select throws_ok($$ insert into app.chatbots (account_id, name) values ('user_1', 'Four') $$, 'PY402', 'quota exceeded: 3 of 3 chatbots used on plan free', 'a plain insert beyond the quota is refused');
select is((select count(*) from app.chatbots where account_id = 'user_1'), 3::bigint, '… and the row is not there');
select is(pg_temp.gauge(), 3::bigint, '… nor did the gauge move');
select throws_ok($$ insert into app.chatbots (account_id, name) values ('user_3', 'A'), ('user_3', 'B'), ('user_3', 'C'), ('user_3', 'D') $$, 'PY402', null, 'several rows of which the last is beyond the quota are refused');
select is((select count(*) from app.chatbots where account_id = 'user_3') + (select count(*) from app.accounts where account_id = 'user_3') + (select count(*) from app.usage_events where account_id = 'user_3'), 0::bigint, '… all of them, and nothing stays');
delete from app.chatbots where name = 'Three';
select is(pg_temp.gauge(), 2::bigint, 'a plain delete gives back');
insert into app.chatbots (account_id, id, name) values ('user_1', '00000000-0000-0000-0000-000000000001', 'Again') on conflict do nothing;
select is(pg_temp.gauge(), 2::bigint, 'an insert that does nothing on conflict counts nothing');
insert into app.chatbots (account_id, id, name) values ('user_1', '00000000-0000-0000-0000-000000000001', 'Again') on conflict (account_id, id) do update set name = excluded.name;
select is(pg_temp.gauge(), 2::bigint, 'nor does one that updates on conflict');
update app.chatbots set name = name || '!';
select is(pg_temp.gauge(), 2::bigint, 'nor does an update');
with gone as (delete from app.chatbots where account_id = 'user_1' and name = 'Two!' returning *) insert into app.chatbots (account_id, name) select account_id, 'Moved' from gone;
select is(pg_temp.gauge(), 2::bigint, 'a row replaced in one statement counts once');
create temp table other as select * from app.chatbots where account_id = 'user_1';
delete from app.chatbots where account_id = 'user_1';
select is(pg_temp.gauge(), 0::bigint, 'a delete of several rows gives each back');
insert into app.chatbots select * from other;
select is(pg_temp.gauge(), 2::bigint, 'an insert from a select counts as any other');
savepoint before_rollback;
insert into app.chatbots (account_id, name) values ('user_1', 'Undone');
rollback to before_rollback;
select is(pg_temp.gauge(), 2::bigint, 'what is rolled back is not counted');
select is(pg_temp.gauge(), (select count(*) from app.chatbots where account_id = 'user_1'), 'the gauge is the number of rows');
select is(pg_temp.gauge('user_2'), 1::bigint, 'and the other account''s is untouched');
select throws_ok($$ truncate app.chatbots cascade $$, 'PY411', 'delete chatbots instead: the gauge counts them', 'a truncate, which would go past the gauge, is refused');
select throws_ok($$ update app.chatbots set account_id = 'user_2' where name = 'Moved' $$, 'PY411', 'a chatbot keeps its account and its id', 'so is a change of account');
select throws_ok($$ select * from api.check_and_increment_usage('user_1', 'chatbots') $$, 'PY410', null, 'so is a charge without a row');
do $$ begin update app.plan_quotas set quota = 1 where plan = 'free' and metric = 'chatbots'; end $$;
select throws_ok($$ insert into app.chatbots (account_id, name) values ('user_1', 'More') $$, 'PY402', 'quota exceeded: 2 of 1 chatbots used on plan free', 'above a quota that was lowered nothing is added');
select lives_ok($$ delete from app.chatbots where account_id = 'user_1' and name = 'Moved' $$, '… but deleted');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'after all this every gauge is the sum of its ledger');

select * from finish();
rollback;
