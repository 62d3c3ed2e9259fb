begin;
select plan(27);
do $$ begin update app.plan_quotas set quota = 5 where plan = 'free' and metric = 'chatbots'; end $$;
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table other as select chatbot_id from api.create_chatbot('user_1', 'Other');
create temp table foreign_bot as select chatbot_id from api.create_chatbot('user_2', 'Foreign');
create temp table doc as select d.document_id from bot cross join lateral api.create_document('user_1', chatbot_id, 'handbook.md', 'text/markdown', 100, repeat('a', 64), array[
  'Refunds are paid within fourteen days after the purchase was returned.',
  'The office in Lisbon opens at nine and closes at five.',
  'Returned goods must be unused. A refund needs the receipt of the purchase.',
  'Write to support@example.com or call +351 555 0100; see https://example.com/help for more.']) d;
do $$ begin
  perform api.create_document('user_1', chatbot_id, 'other.md', 'text/markdown', 100, repeat('b', 64), array['Refunds of the other chatbot: purchase returned, receipt needed.']) from other;
  perform api.create_document('user_2', chatbot_id, 'secret.md', 'text/markdown', 100, repeat('c', 64), array['Refunds of the other account: purchase returned, receipt needed.']) from foreign_bot;
end $$;
create function pg_temp.places(p_query text, p_limit integer default 6, p_account text default 'user_1') returns integer[] language sql as $$
  select array_agg(s.place order by s.score desc) from bot cross join lateral api.search_passages(p_account, bot.chatbot_id, p_query, p_limit) s $$;

select results_eq($$ select s.document_id, s.document_name, s.place, s.content from bot cross join lateral api.search_passages('user_1', chatbot_id, 'When does the Lisbon office open?') s $$,
  $$ select document_id, 'handbook.md', 2, 'The office in Lisbon opens at nine and closes at five.' from doc $$, 'a question finds the passage that answers it, with its document and place');
select is(pg_temp.places('refund purchase receipt'), array[3, 1], 'the passage with more of the question''s words comes first');
select is((select array_agg(p order by p) from unnest(pg_temp.places('REFUNDED purchases')) p), array[1, 3], 'words match in any form and case');
select is(pg_temp.places('refund purchase receipt', 1), array[3], 'no more come than asked for');
select is(pg_temp.places('what is the'), null, 'a question of stop words alone finds nothing');
select is(pg_temp.places(''), null, 'so does an empty one');
select is(pg_temp.places(null), null, 'so does none');
select is(pg_temp.places('quantum entanglement'), null, 'words that do not occur find nothing');
select is(pg_temp.places('Lisbon volcano history weather'), null, 'one word of four is too few: none is an answer too');
select is(pg_temp.places('Lisbon office weather history'), array[2], 'half of the words are enough');
select is(pg_temp.places('Lisbon office opens volcano history weather tourism beaches'), array[2], 'of a long question three words are enough');
select is(pg_temp.places('Lisbon office volcano history weather tourism beaches'), null, '… and two are too few');
select is(pg_temp.places('refund', p_account => 'user_2'), null, 'another account finds nothing in this chatbot');
select results_eq($$ select distinct s.document_name from bot cross join lateral api.search_passages('user_1', chatbot_id, 'refund purchase receipt') s $$, $$ values ('handbook.md') $$,
  'only documents of this chatbot are searched, not of another, not of another account');
select is_empty($$ select * from api.search_passages('user_1', gen_random_uuid(), 'refund') $$, 'an unknown chatbot finds nothing');

-- any text is a question
select lives_ok($$ select pg_temp.places(q) from unnest(array['''', '\', '''\''', '" OR 1=1; --', 'a & b | !c <-> d:*', '(((', ':*', 'don''t & can''t', '{}[]%$', '   ', E'\t\n', 'refund''; drop table app.passages; --']) q $$,
  'quotes, backslashes and operators of text search are words like others');
select is(pg_temp.places('refund & !purchase | receipt'), array[3, 1], 'operators are not obeyed');
select is(pg_temp.places('support@example.com'), array[4], 'an address is found');
select is(pg_temp.places('https://example.com/help'), array[4], 'so is a link');
select lives_ok($$ select pg_temp.places((select string_agg('word' || i, ' ') from generate_series(1, 5000) i)) $$, 'a question of thousands of words is answered');
select lives_ok($$ select pg_temp.places(repeat('x', 100000)) $$, 'so is one endless word');
select ok(bool_and(s.score > 0), 'scores are positive') from bot cross join lateral api.search_passages('user_1', chatbot_id, 'refund') s;
select is(pg_temp.places('refund purchase receipt ' || (select string_agg('aaa' || i, ' ') from generate_series(1, 100) i)), array[3], 'of a long question its first 64 words count, whatever their place in the alphabet');
select is(pg_temp.places((select string_agg('zzz' || i, ' ') from generate_series(1, 64) i) || ' refund purchase receipt'), null, '… and those after them do not');
select is(pg_temp.places(repeat('zebra zoo ', 100) || ' refund purchase receipt'), array[3], '… each counted once');
select throws_ok($$ select pg_temp.places('refund', 0) $$, 'PY004', 'limit must be from 1 to 50', 'a limit of 0 is refused');
select throws_ok($$ select pg_temp.places('refund', 51) $$, 'PY004', 'limit must be from 1 to 50', 'a limit of 51 is refused');

select * from finish();
rollback;
