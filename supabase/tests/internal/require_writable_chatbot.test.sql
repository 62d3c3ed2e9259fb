-- require_writable_chatbot: a chatbot the plan does not hold can be read and deleted, not changed or asked.
begin;
select plan(28);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
create temp sequence event;
-- What a processor says now of a subscription, for March unless something else is said; the price tells which processor.
create function pg_temp.subscribe(
  p_account text, p_price text default 'price_growth_monthly', p_status text default 'active',
  p_start timestamptz default '2027-03-01 10:00+00', p_end timestamptz default '2027-04-01 10:00+00',
  p_cancels_at timestamptz default null, p_subscription text default null
) returns text language sql as $$
  select r.outcome from api.record_billing_event(
    p_account, case split_part(p_price, '_', 1) when 'pri' then 'paddle' when 'plan' then 'razorpay' else 'stripe' end,
    'evt_' || lpad(nextval('pg_temp.event')::text, 6, '0'), 'test.state', 'state', app.clock(), 2, 'cus_' || p_account,
    coalesce(p_subscription, 'sub_' || p_account), p_status, null, array[p_price], array[p_start], array[p_end], p_cancels_at, null, null, '{}') r
$$;
create function pg_temp.bots(p_account text, p_count integer) returns void language sql as $$
  insert into app.chatbots (account_id, name, created_at) select p_account, 'Bot ' || n, app.clock() + make_interval(secs => n) from generate_series(1, p_count) n
$$;

do $$ begin perform pg_temp.subscribe('user_1'); perform pg_temp.bots('user_1', 4); end $$;
create function pg_temp.bot(p_n integer) returns uuid language sql as $$ select id from app.chatbots where account_id = 'user_1' and name = 'Bot ' || p_n $$;
create temp table doc as select d.document_id as id from api.create_document('user_1', pg_temp.bot(4), 'a.txt', 'text/plain', 10, repeat('0', 64), array['Text'], 'req_doc') d;
create temp table talk as select n, c.conversation_id as id from generate_series(1, 4) n cross join lateral api.create_conversation('user_1', pg_temp.bot(n), 'Talk', 'api', 'req_' || n) c;
create function pg_temp.talk(p_n integer) returns uuid language sql as $$ select id from talk where n = p_n $$;
create temp table answer as select a.message_id from api.begin_answer('user_1', pg_temp.bot(4), pg_temp.talk(4), 'Why?', 100, 'req_asked') a;
select lives_ok($$ select app.require_writable_chatbot('user_1', id) from app.chatbots $$, 'on a plan that holds them all are writable');
do $$ begin perform pg_temp.subscribe('user_1', 'price_starter_monthly'); end $$;
create temp table before as select used from app.counters where account_id = 'user_1';

-- refused
select throws_ok($$ select app.require_writable_chatbot('user_1', pg_temp.bot(4)) $$, 'PY414',
  'this chatbot is read-only, because the plan does not hold all chatbots: delete others, choose which to keep, or upgrade', 'one beyond it is not, and the error says what can be done');
select lives_ok($$ select app.require_writable_chatbot('user_1', pg_temp.bot(n)) from generate_series(1, 3) n $$, 'the others are');
select throws_ok($$ select * from api.update_chatbot('user_1', pg_temp.bot(4), 'New name') $$, 'PY414', null, 'its settings are not changed');
select throws_ok($$ select * from api.create_document('user_1', pg_temp.bot(4), 'b.txt', 'text/plain', 10, repeat('1', 64), array['Text']) $$, 'PY414', null, 'it is given no documents');
select throws_ok($$ select * from api.create_conversation('user_1', pg_temp.bot(4)) $$, 'PY414', null, 'no conversation is opened with it');
select throws_ok($$ select * from api.begin_answer('user_1', pg_temp.bot(4), pg_temp.talk(4), 'Why not?', 100) $$, 'PY414', null, 'it is not asked');
select is((select name from app.chatbots where id = pg_temp.bot(4)), 'Bot 4', '… and all is as it was');
select set_eq($$ select used from app.counters where account_id = 'user_1' $$, $$ select used from before $$, '… nothing is charged');
select is((select count(*) from app.usage_reservations where account_id = 'user_1' and status = 'open'), 3::bigint, '… and nothing reserved but what was before');

-- what was done before is told again
select is((select outcome from api.begin_answer('user_1', pg_temp.bot(4), pg_temp.talk(4), 'Why?', 100, 'req_asked')), 'running', 'a request that was made before is told how it stands');
select is((select status from api.finish_answer('user_1', message_id, 'complete', 'Because', '[]', 10, 10)), 'complete', '… and its answer is finished') from answer;
select lives_ok($$ select * from api.create_conversation('user_1', pg_temp.bot(4), 'Talk', 'api', 'req_4') $$, 'a conversation that was opened before is told again, not refused');
select lives_ok($$ select * from api.create_document('user_1', pg_temp.bot(4), 'a.txt', 'text/plain', 10, repeat('0', 64), array['Text'], 'req_doc') $$, '… so is a document');

-- read, and deleted
select is((select name || read_only from api.read_chatbot('user_1', pg_temp.bot(4))), 'Bot 4true', 'it can be read, and says that it is read-only');
select is((select array_agg(right(l.name, 1) order by l.name) from api.list_chatbots('user_1') l where l.read_only), array['4'], '… in the list, too');
select isnt_empty($$ select * from api.list_documents('user_1', pg_temp.bot(4)) $$, '… with its documents');
select isnt_empty($$ select * from api.list_messages('user_1', pg_temp.talk(4)) $$, '… and what was said');
select is((select deleted from api.delete_document('user_1', pg_temp.bot(4), doc.id)), true, 'its documents can be deleted') from doc;
select is((select deleted from api.delete_conversation('user_1', pg_temp.bot(4), pg_temp.talk(4))), true, '… and its conversations');
select lives_ok($$ select * from api.update_chatbot('user_1', pg_temp.bot(1), 'Bot 1', 'Be kind.') $$, 'the others work as before');
select is((select outcome from api.begin_answer('user_1', pg_temp.bot(1), pg_temp.talk(1), 'Why?', 100)), 'started', '… and answer');
select is((select deleted from api.delete_chatbot('user_1', pg_temp.bot(2))), true, 'one is deleted');
select lives_ok($$ select * from api.update_chatbot('user_1', pg_temp.bot(4), null, 'Be brief.') $$, 'then it thaws');
do $$ begin perform pg_temp.subscribe('user_1', 'price_starter_monthly', 'canceled'); end $$;
select throws_ok($$ select * from api.update_chatbot('user_1', pg_temp.bot(4), null, 'Be brief.') $$, 'PY414', null, 'on plan free it is read-only again');
select is((select deleted from api.delete_chatbot('user_1', pg_temp.bot(4))), true, 'and can be deleted itself');

-- nobody else's
select lives_ok($$ select app.require_writable_chatbot('user_2', pg_temp.bot(3)) $$, 'another account''s chatbot is not read-only, but not there');
select is_empty($$ select * from api.update_chatbot('user_2', pg_temp.bot(3), 'Mine') $$, '… and is not changed');

select * from finish();
rollback;
