begin;
select plan(12);
do $$ begin update app.plan_quotas set quota = 5 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
create temp table doc as select d.document_id from bot cross join lateral api.create_document('user_1', chatbot_id, 'handbook.md', 'text/markdown', 100, repeat('a', 64),
  array['one', 'two', 'three', 'four', 'five', 'six', 'seven']) d;
create temp table short as select d.document_id from bot cross join lateral api.create_document('user_1', chatbot_id, 'note.txt', 'text/plain', 10, repeat('b', 64), array['alone']) d;
create function pg_temp.places(p_place integer, p_account text default 'user_1', p_bot uuid default null) returns integer[] language sql as $$
  select array_agg(r.place) from bot cross join doc cross join lateral api.read_passages(p_account, coalesce(p_bot, bot.chatbot_id), doc.document_id, p_place) r $$;

select results_eq($$ select r.* from bot cross join doc cross join lateral api.read_passages('user_1', chatbot_id, document_id, 4) r $$,
  $$ values ('handbook.md', 7, 2, 'two'), ('handbook.md', 7, 3, 'three'), ('handbook.md', 7, 4, 'four'), ('handbook.md', 7, 5, 'five'), ('handbook.md', 7, 6, 'six') $$,
  'a passage comes with two before and two after it, in the order of the text');
select is(pg_temp.places(1), array[1, 2, 3], 'the first has none before it');
select is(pg_temp.places(7), array[5, 6, 7], 'the last has none after it');
select results_eq($$ select r.* from bot cross join short cross join lateral api.read_passages('user_1', chatbot_id, document_id, 1) r $$,
  $$ values ('note.txt', 1, 1, 'alone') $$, 'the only passage of a document comes alone, without those of another');
select is(pg_temp.places(8), null, 'a place after the last is no passage, though its neighbours are');
select is(pg_temp.places(0), null, 'nor is one before the first');
select is(pg_temp.places(2147483647), null, 'nor is the greatest number there is');
select is(pg_temp.places(null), null, 'nor is none');
select is(pg_temp.places(4, p_account => 'user_2'), null, 'another account reads nothing');
select is(pg_temp.places(4, p_bot => (select chatbot_id from other)), null, 'nor does another chatbot of the account');
select is_empty($$ select r.* from bot cross join lateral api.read_passages('user_1', chatbot_id, gen_random_uuid(), 1) r $$, 'an unknown document has no passages');
do $$ begin perform api.delete_document('user_1', chatbot_id, document_id) from bot, doc; end $$;
select is(pg_temp.places(4), null, 'a deleted document has none any more');

select * from finish();
rollback;
