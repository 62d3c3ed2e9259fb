begin;
select plan(30);
do $$ begin update app.plan_quotas set quota = 1000 where plan = 'free' and metric = 'storage_bytes'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table foreign_bot as select chatbot_id from api.create_chatbot('user_2', 'Foreign');
create function pg_temp.create_document(
  p_name text default 'a.txt', p_size bigint default 100, p_request_id text default null, p_sha256 text default repeat('a', 64), p_passages text[] default array['one', 'two'],
  p_media_type text default 'text/plain', p_account text default 'user_1'
) returns table (allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text, replayed boolean, document_id uuid, chatbot_id uuid, name text,
  media_type text, size_bytes bigint, passage_count integer, created_at timestamptz)
language sql as $$ select d.* from bot cross join lateral api.create_document(p_account, bot.chatbot_id, p_name, p_media_type, p_size, p_sha256, p_passages, p_request_id) d $$;

select results_eq($$ select allowed, used, quota, remaining, resets_at, plan, replayed, chatbot_id, name, media_type, size_bytes, passage_count, created_at from pg_temp.create_document() $$,
  $$ select true, 100::bigint, 1000::bigint, 900::bigint, null::timestamptz, 'free', false, chatbot_id, 'a.txt', 'text/plain', 100::bigint, 2, app.clock() from bot $$,
  'a document within the quota is stored and returned with the decision');
select results_eq($$ select account_id, place, content from app.passages order by place $$, $$ values ('user_1', 1, 'one'), ('user_1', 2, 'two') $$, 'its passages are stored in order');
select is((select sha256 from app.documents), repeat('a', 64), 'so is the digest of its file');
select is((select allowed from pg_temp.create_document('b.txt', 900)), true, 'one that fills the quota exactly fits');
select results_eq($$ select allowed, used, quota, remaining, plan, replayed, document_id, chatbot_id, name, size_bytes from pg_temp.create_document('c.txt', 1) $$,
  $$ values (false, 1000::bigint, 1000::bigint, 0::bigint, 'free', false, null::uuid, null::uuid, null::text, null::bigint) $$, 'one byte more is refused as data, with how much of how much');
select results_eq($$ select name from app.documents order by name $$, $$ values ('a.txt'), ('b.txt') $$, 'a refused document is not there');
select is((select count(*) from app.passages), 4::bigint, '… nor are its passages');
select results_eq($$ select used from app.counters where account_id = 'user_1' and metric = 'storage_bytes' $$, $$ values (1000::bigint) $$, 'the gauge is the sum of the sizes');
select results_eq($$ select amount, reason, chatbot_id from app.usage_events where metric = 'storage_bytes' order by id $$, $$ select n, 'insert', chatbot_id from bot cross join (values (100::bigint), (900)) v (n) $$,
  'the ledger has a row for each, with its chatbot');

-- another account's chatbot
select is_empty($$ select * from pg_temp.create_document(p_account => 'user_2') $$, 'nobody can put a document into another account''s chatbot');
select is_empty($$ select * from api.create_document('user_1', gen_random_uuid(), 'a.txt', 'text/plain', 1, repeat('a', 64), array['x']) $$, 'nor into one that is not there');
select is((select count(*) from app.documents), 2::bigint, '… and nothing is stored');

-- safe to repeat
do $$ begin perform api.delete_document('user_1', d.chatbot_id, d.id) from app.documents d; end $$;
create temp table first as select * from pg_temp.create_document('d.txt', 10, 'req_1');
select results_eq($$ select allowed, used, replayed, document_id, name from pg_temp.create_document('d.txt', 10, 'req_1') $$, $$ select true, 10::bigint, true, document_id, 'd.txt' from first $$,
  'the same request again returns the same document');
select is((select count(*) from app.documents), 1::bigint, '… and stores no second one');
select throws_ok($$ select pg_temp.create_document('e.txt', 10, 'req_1') $$, 'PY409', null, 'the same request id with another name is an error');
select throws_ok($$ select pg_temp.create_document('d.txt', 10, 'req_1', repeat('b', 64)) $$, 'PY409', null, '… and with another file');
select is((select allowed from pg_temp.create_document('big.txt', 5000, 'req_2')), false, 'a refused request with an id is refused');
do $$ begin update app.plan_quotas set quota = 10000 where plan = 'free' and metric = 'storage_bytes'; end $$;
select results_eq($$ select allowed, replayed, size_bytes from pg_temp.create_document('big.txt', 5000, 'req_2') $$, $$ values (true, false, 5000::bigint) $$, '… and succeeds with the same id once there is room');

-- arguments
select throws_ok($$ select pg_temp.create_document('') $$, 'PY004', 'name must have 1 to 255 characters', 'an empty name is refused');
select throws_ok($$ select pg_temp.create_document(repeat('n', 256)) $$, 'PY004', 'name must have 1 to 255 characters', 'a name of 256 characters is refused');
select throws_ok($$ select pg_temp.create_document(p_media_type => '') $$, 'PY004', 'media_type must have 1 to 100 characters', 'an empty media type is refused');
select throws_ok($$ select pg_temp.create_document(p_size => 0) $$, 'PY004', 'size_bytes must be from 1 to 1000000000', 'a size of 0 is refused');
select throws_ok($$ select pg_temp.create_document(p_size => -5) $$, 'PY004', 'size_bytes must be from 1 to 1000000000', 'a negative size is refused: it cannot free space');
select throws_ok($$ select pg_temp.create_document(p_size => 1000000001) $$, 'PY004', 'size_bytes must be from 1 to 1000000000', 'a size over a billion is refused');
select throws_ok($$ select pg_temp.create_document(p_sha256 => repeat('A', 64)) $$, 'PY004', 'sha256 must be 64 lower-case hexadecimal digits', 'a digest in upper case is refused');
select throws_ok($$ select pg_temp.create_document(p_passages => '{}') $$, 'PY004', 'passages must have 1 to 10000 entries', 'a document without text is refused');
select throws_ok($$ select pg_temp.create_document(p_passages => array['one', null]) $$, 'PY004', 'passages must have 1 to 10000 characters each', 'a passage that is none is refused');
select throws_ok($$ select pg_temp.create_document(p_passages => array['one', repeat('x', 10001)]) $$, 'PY004', 'passages must have 1 to 10000 characters each', 'a passage of 10001 characters is refused');
select throws_ok($$ select pg_temp.create_document(p_passages => array_fill('x'::text, array[10001])) $$, 'PY004', 'passages must have 1 to 10000 entries', 'a document of 10001 passages is refused');
select is_empty($$ select c.account_id, c.metric from app.counters c where c.used <> (
  select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.metric, e.window_start) = (c.account_id, c.metric, c.window_start)) $$, 'after all this every counter is the sum of its ledger');

select * from finish();
rollback;
