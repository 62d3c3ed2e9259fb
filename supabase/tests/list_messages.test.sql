begin;
select plan(15);
create temp table bot as select chatbot_id from api.create_chatbot('user_1', 'Helper');
create temp table talk as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table other as select c.* from bot cross join lateral api.create_conversation('user_1', chatbot_id) c;
create temp table done as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'First?', 500) a;
do $$ begin
  perform api.finish_answer('user_1', message_id, 'complete', 'Yes.', '[{"documentId":"d1","documentName":"a.txt","place":1}]', 20, 10) from done;
  perform api.begin_answer('user_1', chatbot_id, conversation_id, 'Elsewhere?', 500) from other;
end $$;
create temp table failed as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Second?', 500) a;
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', '', p_error => 'the model is away') from failed; end $$;
create temp table running as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Third?', 500) a;
create function pg_temp.list(p_account text, p_limit integer default 50, p_before bigint default null)
returns table (message_id uuid, place bigint, role text, status text, content text, citations jsonb, input_tokens bigint, output_tokens bigint, error text, created_at timestamptz, finished_at timestamptz)
language sql as $$ select m.* from talk cross join lateral api.list_messages(p_account, conversation_id, p_limit, p_before) m $$;

select results_eq($$ select role, status, content, citations, input_tokens, output_tokens, error, created_at = app.clock(), finished_at = app.clock() from pg_temp.list('user_1') $$,
  $$ values ('assistant', 'streaming', '', '[]'::jsonb, null::bigint, null::bigint, null::text, true, null::boolean), ('user', 'complete', 'Third?', '[]', null, null, null, true, true),
            ('assistant', 'failed', '', '[]', null, null, 'the model is away', true, true), ('user', 'complete', 'Second?', '[]', null, null, null, true, true),
            ('assistant', 'complete', 'Yes.', '[{"documentId":"d1","documentName":"a.txt","place":1}]', 20, 10, null, true, true), ('user', 'complete', 'First?', '[]', null, null, null, true, true) $$,
  'messages of the conversation come newest first, whole, with the one being streamed');
select results_eq($$ select message_id from pg_temp.list('user_1', 2) $$, $$ select message_id from running union all select user_message_id from running $$, 'they have the ids begin_answer gave');
select is((select array_agg(place order by place desc) = array_agg(place) and count(distinct place) = 6 from pg_temp.list('user_1')), true, 'each has a place of its own, in order');
select results_eq($$ select n.content from (select min(place) as place from pg_temp.list('user_1', 3)) p cross join lateral pg_temp.list('user_1', 2, p.place) n $$, $$ values ('Second?'), ('Yes.') $$, 'the next page goes on below the last place');
select is_empty($$ select n.* from (select min(place) as place from pg_temp.list('user_1')) p cross join lateral pg_temp.list('user_1', 2, p.place) n $$, 'after the last there are none');
select is_empty($$ select * from pg_temp.list('user_2') $$, 'another account sees none of them');
select is_empty($$ select * from api.list_messages('user_1', gen_random_uuid()) $$, 'an unknown conversation has none');
select is_empty($$ select * from api.list_messages('user_1', null) $$, 'no conversation has none');
select throws_ok($$ select * from pg_temp.list('user_1', 0) $$, 'PY004', 'limit must be from 1 to 100', 'a page of none is refused');
select throws_ok($$ select * from pg_temp.list('user_1', 101) $$, 'PY004', 'limit must be from 1 to 100', 'a page of 101 is refused');

-- answers given anew
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'Old.') from running; end $$;
create function pg_temp.anew(p_replaces uuid) returns table (message_id uuid) language sql as $$
  select a.message_id from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Third?', 500, p_replaces => p_replaces) a
$$;
create temp table anew as select a.* from running cross join lateral pg_temp.anew(message_id) a;
select results_eq($$ select status, content from pg_temp.list('user_1', 3) $$, $$ values ('streaming', ''), ('complete', 'Third?'), ('failed', '') $$, 'an answer that is being given anew is hidden by the new one');
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', 'Hal') from anew; end $$;
select results_eq($$ select status, content from pg_temp.list('user_1', 3) $$, $$ values ('failed', 'Hal'), ('complete', 'Old.'), ('complete', 'Third?') $$, '… and is back when that one failed: nothing is lost');
create temp table again as select a.* from anew cross join lateral pg_temp.anew(message_id) a;
do $$ begin perform api.finish_answer('user_1', message_id, 'failed', 'Ha') from again; end $$;
select results_eq($$ select status, content from pg_temp.list('user_1', 3) $$, $$ values ('failed', 'Ha'), ('complete', 'Old.'), ('complete', 'Third?') $$, 'of two that failed in its place the last is shown');
create temp table third as select a.* from again cross join lateral pg_temp.anew(message_id) a;
do $$ begin perform api.finish_answer('user_1', message_id, 'stopped', 'New.', '[]', 5, 5) from third; end $$;
select results_eq($$ select status, content from pg_temp.list('user_1', 3) $$, $$ values ('stopped', 'New.'), ('complete', 'Third?'), ('failed', '') $$, 'one that was stopped is there, and hides all it replaced');
select is((select count(*) from app.messages m join talk using (conversation_id)), 9::bigint, '… which are kept');

select * from finish();
rollback;
