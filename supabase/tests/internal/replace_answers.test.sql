begin;
select plan(7);
create temp table talk as select c.* from api.create_chatbot('user_1', 'Helper') b cross join lateral api.create_conversation('user_1', b.chatbot_id) c;
create temp table first as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'First?', 500) a;
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'Yes.') from first; end $$;
create temp table second as select a.* from talk cross join lateral api.begin_answer('user_1', chatbot_id, conversation_id, 'Second?', 500) a;
do $$ begin perform api.finish_answer('user_1', message_id, 'complete', 'No.') from second; end $$;
insert into app.messages (account_id, conversation_id, role, status, created_at) select 'user_1', conversation_id, 'assistant', 'failed', app.clock() from talk;
create function pg_temp.replaced(p_replaces uuid, p_question uuid, p_answer uuid default '00000000-0000-4000-8000-000000000001') returns bigint language plpgsql as $$
begin
  perform app.replace_answers('user_1', conversation_id, p_replaces, p_question, p_answer) from talk;
  return (select count(*) from app.messages where replaced_by = p_answer);
end
$$;

select throws_ok($$ select pg_temp.replaced(message_id, user_message_id) from first $$, 'PY004', 'only the last answer of a conversation can be given anew; another message came after this one', 'an answer before another question is refused');
select is((select pg_temp.replaced(message_id, user_message_id) from second), 2::bigint, 'the last one is marked, with the failed one after it');
select is((select count(*) from app.messages m join first f on m.id in (f.message_id, f.user_message_id) where m.replaced_by is not null), 0::bigint, '… and nothing of an earlier question');
select is((select count(*) from app.messages where role = 'user' and replaced_by is not null), 0::bigint, '… and no question');
select is((select pg_temp.replaced(message_id, user_message_id, '00000000-0000-4000-8000-000000000002') from second), 2::bigint, 'both are marked again by the next');
insert into app.messages (account_id, conversation_id, role, status, created_at) select 'user_1', conversation_id, 'assistant', 'streaming', app.clock() from talk;
select throws_ok($$ select pg_temp.replaced(message_id, user_message_id) from second $$, 'PY004', null, 'while one is being given after it, it is refused');
update app.messages set status = 'complete' where status = 'streaming';
select throws_ok($$ select pg_temp.replaced(message_id, user_message_id) from second $$, 'PY004', null, '… and once that is there');

select * from finish();
rollback;
