begin;
select plan(18);
do $$ begin update app.plan_quotas set quota = 1000 where plan = 'free' and metric = 'storage_bytes'; update app.plan_quotas set quota = 5 where plan = 'free' and metric = 'chatbots'; end $$;
insert into app.chatbots (account_id, id, name) values ('user_1', '00000000-0000-0000-0000-000000000001', 'One'), ('user_1', '00000000-0000-0000-0000-000000000002', 'Two'), ('user_2', '00000000-0000-0000-0000-000000000003', 'Foreign');
create function pg_temp.gauge(p_account text default 'user_1') returns bigint language sql as $$
  select coalesce((select used from app.counters where account_id = p_account and metric = 'storage_bytes' and window_start = '-infinity'), 0) $$;
-- Documents of these sizes, by plain SQL.
create function pg_temp.put(p_bot integer, variadic p_sizes bigint[]) returns void language sql as $$
  insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count)
  select case p_bot when 3 then 'user_2' else 'user_1' end, ('00000000-0000-0000-' || lpad(p_bot::text, 4, '0') || '-' || lpad(s::text, 12, '0'))::uuid,
         ('00000000-0000-0000-0000-' || lpad(p_bot::text, 12, '0'))::uuid, s || '.txt', 'text/plain', s, repeat('a', 64), 0 from unnest(p_sizes) s
$$;

do $$ begin perform pg_temp.put(1, 100); end $$;
select is(pg_temp.gauge(), 100::bigint, 'a plain insert moves the gauge by the size');
do $$ begin perform pg_temp.put(1, 200, 300); perform pg_temp.put(2, 50); perform pg_temp.put(3, 7); end $$;
select is(pg_temp.gauge(), 650::bigint, 'an insert of several rows by each, of all chatbots of the account');
select is(pg_temp.gauge('user_2'), 7::bigint, '… each account by its own');
select throws_ok($$ select pg_temp.put(1, 351) $$, 'PY402', 'quota exceeded: 650 of 1000 storage_bytes used on plan free', 'an insert beyond the quota is refused');
select throws_ok($$ select pg_temp.put(1, 340, 11) $$, 'PY402', null, 'so are several rows of which the last is beyond it');
select is((select sum(size_bytes) from app.documents where account_id = 'user_1'), 650::numeric, '… and none of the rows is there');
select is(pg_temp.gauge(), 650::bigint, '… nor did the gauge move');
delete from app.documents where name = '300.txt';
select is(pg_temp.gauge(), 350::bigint, 'a plain delete gives the size back');
insert into app.documents select * from app.documents where name = '100.txt' on conflict do nothing;
select is(pg_temp.gauge(), 350::bigint, 'an insert that does nothing on conflict counts nothing');
update app.documents set name = 'renamed.txt' where name = '100.txt';
select is(pg_temp.gauge(), 350::bigint, 'nor does a change of name');
select throws_ok($$ update app.documents set size_bytes = 1 $$, 'PY411', null, 'a change of size is refused');
select throws_ok($$ truncate app.documents cascade $$, 'PY411', 'delete documents instead: the gauge counts them', 'so is a truncate');
delete from app.chatbots where id = '00000000-0000-0000-0000-000000000001';
select is(pg_temp.gauge(), 50::bigint, 'a cascade from the chatbot gives all of its documents back');
select is((select sum(amount) from app.usage_events where account_id = 'user_1' and metric = 'storage_bytes' and chatbot_id = '00000000-0000-0000-0000-000000000001'), 0::numeric, '… and the ledger of that chatbot is even');
select throws_ok($$ insert into app.documents (account_id, chatbot_id, name, media_type, size_bytes, sha256, passage_count) values ('user_2', '00000000-0000-0000-0000-000000000002', 'a', 't', 10, repeat('a', 64), 0) $$, '23503', null,
  'a document of another account''s chatbot cannot be stored');
select is(pg_temp.gauge('user_2'), 7::bigint, '… and is not counted');
select is(pg_temp.gauge(), (select sum(size_bytes)::bigint from app.documents where account_id = 'user_1'), 'the gauge is the sum of the sizes');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'after all this every gauge is the sum of its ledger');

select * from finish();
rollback;
