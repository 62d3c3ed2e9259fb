-- check_and_increment_usage_many: what its docstring promises, above all that each entry is decided as the single call
-- would.
begin;
select plan(61);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create temp view disagreements as
select account_id, metric, window_start, c.used, l.total
from app.counters c
full join (select account_id, metric, window_start, sum(amount) as total from app.usage_events group by 1, 2, 3) l
  using (account_id, metric, window_start)
where coalesce(c.used, 0) <> coalesce(l.total, 0);
select pg_temp.travel_to('2026-03-10 09:00:00+00');

-- One entry is the single call
select results_eq(
  $$ select place, error_code, error_message, allowed, used, quota, remaining, resets_at, plan, replayed
     from api.check_and_increment_usage_many(array['org_a'], array['messages'], array[7]) $$,
  $$ values (1, null::text, null::text, true, 7::bigint, 100::bigint, 93::bigint, timestamptz '2026-04-10 09:00:00+00', 'free', false) $$,
  'a batch of one entry is decided as the single call');
select is(
  (select (b.allowed, b.used, b.quota, b.remaining, b.resets_at, b.plan, b.replayed)::text
   from api.check_and_increment_usage_many(array['org_batch'], array['seats']) b),
  (select (s.allowed, s.used, s.quota, s.remaining, s.resets_at, s.plan, s.replayed)::text
   from api.check_and_increment_usage('org_single', 'seats') s),
  'a gauge in a batch is decided as in the single call');
update app.accounts set plan = 'enterprise' where account_id = 'org_batch';
select is(
  (select (allowed, used, quota, remaining)::text
   from api.check_and_increment_usage_many(array['org_batch'], array['messages'], array[1000000000])),
  '(t,1000000000,,)', 'in a batch, too, unlimited is null');

-- Amounts
select is(
  (select array_agg(used order by place)
   from api.check_and_increment_usage_many(array['org_b', 'org_b', 'org_b'], array['messages', 'messages', 'messages'])),
  '{1,2,3}'::bigint[], 'without amounts every entry is 1 unit');
select is(
  (select array_agg(used order by place)
   from api.check_and_increment_usage_many(array['org_c', 'org_c', 'org_c'], array['messages', 'messages', 'messages'], array[1, 20, 3])),
  '{1,21,24}'::bigint[], 'amounts may differ from entry to entry');

-- Order of arrival
select results_eq(
  $$ select place, allowed, used, remaining from api.check_and_increment_usage_many(
       array['org_d', 'org_d', 'org_d', 'org_d'], array['messages', 'messages', 'messages', 'messages'], array[60, 50, 40, 1]) $$,
  $$ values (1, true, 60::bigint, 40::bigint), (2, false, 60, 40), (3, true, 100, 0), (4, false, 100, 0) $$,
  'entries of one account and metric are decided in the order of arrival: a refused one does not stop the next');
select results_eq(
  $$ select place, allowed, used from api.check_and_increment_usage_many(
       array['org_f', 'org_e', 'org_f', 'org_e', 'org_f'], array['messages', 'seats', 'api_calls', 'messages', 'messages'],
       array[99, 1, 5, 100, 2]) $$,
  $$ values (1, true, 99::bigint), (2, true, 1), (3, true, 5), (4, true, 100), (5, false, 99) $$,
  'accounts and metrics may be mixed; answers come in the order of arrival');
select results_eq(
  $$ select place, used from api.check_and_increment_usage_many(
       array_fill('org_g'::text, array[100]), array_fill('messages'::text, array[100])) $$,
  $$ select n, n::bigint from generate_series(1, 100) n $$,
  'a hundred entries for the last hundred units are all granted, each seeing the ones before it');
select is(
  (select array_agg(distinct (allowed, used)::text) from api.check_and_increment_usage_many(
     array_fill('org_g'::text, array[50]), array_fill('messages'::text, array[50]))),
  '{"(f,100)"}'::text[], 'and fifty more are all refused');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after mixed batches');

-- A bad entry gets its own verdict
select results_eq(
  $$ select place, error_code, error_message, allowed, used from api.check_and_increment_usage_many(
       array['org_h', 'org_h', null, 'org_h', 'org_h', '', 'org_h', 'org_h', 'org_h', repeat('x', 256), 'org_h', 'org_h'],
       array['messages', 'tea', 'messages', 'messages', 'messages', 'messages', 'chatbots', 'messages', null, 'messages', 'messages', 'messages'],
       array[1, 1, 1, 0, -1, 1, 1, 1000000001, 1, 1, null, 2]) $$,
  $$ values
     (1, null, null, true, 1::bigint),
     (2, 'PY001', 'unknown metric ''tea''', null, null),
     (3, 'PY004', 'account_id must have 1 to 255 characters', null, null),
     (4, 'PY003', 'amount must be a whole number from 1 to 1000000000, not 0', null, null),
     (5, 'PY003', 'amount must be a whole number from 1 to 1000000000, not -1', null, null),
     (6, 'PY004', 'account_id must have 1 to 255 characters', null, null),
     (7, 'PY410', 'metric chatbots moves with its rows: insert or delete them instead', null, null),
     (8, 'PY003', 'amount must be a whole number from 1 to 1000000000, not 1000000001', null, null),
     (9, 'PY001', 'unknown metric null', null, null),
     (10, 'PY004', 'account_id must have 1 to 255 characters', null, null),
     (11, 'PY003', 'amount must be a whole number from 1 to 1000000000, not null', null, null),
     (12, null, null, true, 3) $$,
  'each bad entry gets its own code and sentence; the good ones around it are granted');
select results_eq(
  $$ select place, error_code, error_message, allowed from api.check_and_increment_usage_many(
       array['org_i', 'org_i', 'org_i', 'org_i', 'org_i'], array_fill('messages'::text, array[5]), null,
       array['', repeat('x', 256), 'ok', null, null], p_channels => array['api', 'api', 'widget', 'email', 'playground']) $$,
  $$ values
     (1, 'PY004', 'request_id must have 1 to 255 characters', null),
     (2, 'PY004', 'request_id must have 1 to 255 characters', null),
     (3, null, null, true),
     (4, 'PY004', 'channel must be playground, widget or api, not ''email''', null),
     (5, null, null, true) $$,
  'a bad request id or channel is a verdict on its entry alone');
select is(
  (select array_agg(distinct (allowed, used, quota, remaining, resets_at, plan, replayed)::text)
   from api.check_and_increment_usage_many(array['org_none', 'org_h', 'org_h'], array['tea', 'tea', 'chatbots'])),
  '{"(,,,,,,)"}'::text[], 'a bad entry has no decision');
select is(
  (select error_code from api.check_and_increment_usage_many(array['org_none'], array['chatbots'])), 'PY410', 'a gauge that counts rows is a verdict to an unknown account too');
select is_empty($$ select from app.accounts where account_id = 'org_none' $$, 'neither leaves an account behind');
select results_eq(
  $$ select place, error_code from api.check_and_increment_usage_many(array['org_new', 'org_new'], array['tea', 'messages']) $$,
  $$ values (1, 'PY001'), (2, null) $$,
  'a batch may make an account and name an unknown metric at once');
select is(
  (select used from app.counters where account_id = 'org_h' and metric = 'messages'), 3::bigint,
  'bad entries charge nothing');

select results_eq(
  $$ select place, error_code, used from api.check_and_increment_usage_many(
       array['org_h', 'org_h', 'org_huge'], array_fill('messages'::text, array[3]), array[9223372036854775807, 1, 1]) $$,
  $$ values (1, 'PY003', null::bigint), (2, null, 4), (3, null, 1) $$, 'an amount that no sum can hold is a verdict too');
select throws_ok(
  $$ select * from api.check_and_increment_usage_many('[0:1]={org_h,org_h}', array['messages', 'messages']) $$,
  'PY004', 'the arrays of a batch must be plain lists whose entries count from 1', 'a list that counts from 0 is refused');
select throws_ok(
  $$ select * from api.check_and_increment_usage_many(array[array['org_h', 'org_h']], array['messages', 'messages']) $$,
  'PY004', 'the arrays of a batch must be plain lists whose entries count from 1', 'as is a list of lists');

-- A quota that no row tells of
select api.check_and_increment_usage('org_quotaless', 'seats');
update app.accounts set plan = 'growth', pending_plan = 'starter' where account_id = 'org_quotaless';
delete from app.plan_quotas where plan = 'growth' and metric = 'seats';
select results_eq(
  $$ select allowed, quota from api.check_and_increment_usage_many(array['org_quotaless', 'org_quotaless'], array['seats', 'seats'], array[2, 2]) $$,
  $$ values (false, 0::bigint), (false, 0) $$, 'is 0, whatever the plan after it would give');
select is((select quota from api.check_and_increment_usage('org_quotaless', 'seats')), 0::bigint, 'as for the single call');
insert into app.plan_quotas (plan, metric, quota) values ('growth', 'seats', 10);

-- Plans made while there was next to nothing
select api.check_and_increment_usage('org_of_many_' || n, 'messages') from generate_series(1, 2000) n;
create temp table reads as select idx_tup_fetch + seq_tup_read as rows from pg_stat_xact_user_tables where relname = 'counters';
select is((select count(*) from api.check_and_increment_usage_many(array['org_of_many_1', 'org_of_many_2000'], array['messages', 'messages']) where allowed),
  2::bigint, 'a batch beside many counters that were never analysed');
select cmp_ok((select idx_tup_fetch + seq_tup_read - (select rows from reads) from pg_stat_xact_user_tables where relname = 'counters'),
  '<', 50::bigint, 'reads its own');

-- The same batch, sent again
select is(
  (select array_agg(b::text order by place) from api.check_and_increment_usage_many(
     array['org_again', 'org_again', 'org_again', 'org_more'], array['messages', 'messages', 'tea', 'messages'], array[60, 50, 1, 1],
     p_batch_id => '00000000-0000-4000-8000-00000000000b') b),
  (select array_agg(b::text order by place) from api.check_and_increment_usage_many(
     array['org_again', 'org_again', 'org_again', 'org_more'], array['messages', 'messages', 'tea', 'messages'], array[60, 50, 1, 1],
     p_batch_id => '00000000-0000-4000-8000-00000000000b') b),
  'a batch sent again gets its first answer, verdicts and refusals too');
select is(
  (select array_agg((allowed, used)::text) from api.check_and_increment_usage_many(array['org_more'], array['messages'], p_batch_id => '00000000-0000-4000-8000-00000000000c')),
  '{"(t,2)"}'::text[], 'and was charged once');
select is((select used from app.counters where account_id = 'org_again'), 60::bigint, 'both of its accounts');
select is((select count(*) from app.usage_events where account_id in ('org_again', 'org_more')), 3::bigint, 'with one ledger row each time');

-- Safe to repeat
select results_eq(
  $$ select place, allowed, used, replayed from api.check_and_increment_usage_many(
       array['org_j', 'org_j', 'org_j', 'org_j'], array_fill('messages'::text, array[4]), array[10, 10, 95, 10],
       array['r1', 'r1', 'r2', 'r3']) $$,
  $$ values (1, true, 10::bigint, false), (2, true, 10, true), (3, false, 10, false), (4, true, 20, false) $$,
  'a request id repeated inside a batch is charged once, by its first entry');
select results_eq(
  $$ select place, allowed, used, remaining, replayed from api.check_and_increment_usage_many(
       array['org_j', 'org_j', 'org_j', 'org_j'], array_fill('messages'::text, array[4]), array[10, 10, 95, 10],
       array['r1', 'r1', 'r2', 'r3']) $$,
  $$ values (1, true, 10::bigint, 90::bigint, true), (2, true, 10, 90, true), (3, false, 10, 90, true), (4, true, 20, 80, true) $$,
  'a repeated batch gets its first decisions, refusals too');
select is((select used from app.counters where account_id = 'org_j'), 20::bigint, 'and charges nothing');
select is(
  (select (allowed, used, replayed)::text from api.check_and_increment_usage('org_j', 'messages', 10, 'r3')), '(t,20,t)',
  'a request decided in a batch may be repeated by the single call');
select results_eq(
  $$ select place, error_code, error_message, used from api.check_and_increment_usage_many(
       array['org_j', 'org_j', 'org_j'], array['messages', 'api_calls', 'messages'], array[11, 10, 1], array['r1', 'r1', null]) $$,
  $$ values
     (1, 'PY409', 'request id r1 was used for a charge of 10 messages; use another id for another request', null::bigint),
     (2, 'PY409', 'request id r1 was used for a charge of 10 messages; use another id for another request', null),
     (3, null, null, 21) $$,
  'a request id used with other arguments is a verdict on its entry alone');
select results_eq(
  $$ select place, error_code, used from api.check_and_increment_usage_many(
       array['org_k', 'org_k', 'org_k'], array_fill('messages'::text, array[3]), array[0, 5, 6], array['r1', 'r1', 'r1']) $$,
  $$ values (1, 'PY003', null::bigint), (2, null, 5), (3, 'PY409', null) $$,
  'a bad entry does not use its request id up');
select results_eq(
  $$ select place, used, replayed from api.check_and_increment_usage_many(
       array['org_l', 'org_m'], array['messages', 'messages'], array[5, 6], array['r1', 'r1']) $$,
  $$ values (1, 5::bigint, false), (2, 6, false) $$,
  'request ids belong to their account, in a batch too');
select results_eq(
  $$ select place, error_code, error_message, allowed from api.check_and_increment_usage_many(
       array['org_q', 'org_q'], array['messages', 'messages'], array[10, 10],
       array[(select r.request_id from app.usage_requests r where false), 'reserved']) $$,
  $$ values (1, null::text, null::text, true), (2, null, null, true) $$, 'a batch charges under an id');
select lives_ok(
  $$ select * from api.reserve_usage('org_q', 'messages', 10, 'answer-1'); select * from api.settle_usage('org_q', 'answer-1', 0);
     select * from api.decrement_usage('org_q', 'messages', 5, 'late-1') $$,
  'an id is used for a reservation, another for a give-back');
select results_eq(
  $$ select place, error_code, error_message, allowed, used from api.check_and_increment_usage_many(
       array['org_q', 'org_q'], array['messages', 'messages'], array[10, 1], array['answer-1', null]) $$,
  $$ values (1, 'PY409', 'request id answer-1 was used for a reserve of 10 messages; use another id for another request', null::boolean, null::bigint),
            (2, null, null, true, 16) $$,
  'the id of a reservation is a verdict on its entry alone');
select results_eq(
  $$ select place, error_code, error_message, allowed, used from api.check_and_increment_usage_many(
       array['org_q', 'org_q'], array['messages', 'messages'], array[5, 1], array['late-1', null]) $$,
  $$ values (1, 'PY409', 'request id late-1 gave units back before it charged any; use another id', null::boolean, null::bigint),
            (2, null, null, true, 17) $$,
  'so is an id that gave units back before');
update app.accounts set plan = 'enterprise' where account_id = 'org_q';
insert into app.counters (account_id, metric, window_start, used) values ('org_q', 'seats', '-infinity', 9007199254740990);
insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
values ('org_q', 'seats', 9007199254740990, app.clock(), '-infinity', 'correction');
select results_eq(
  $$ select place, error_code, error_message, allowed, used, quota, plan, replayed from api.check_and_increment_usage_many(
       array['org_q', 'org_q', 'org_q'], array['seats', 'seats', 'messages'], array[2, 1, 1]) $$,
  $$ values (1, 'PY003', 'amount 2 would take seats beyond what can be counted', null::boolean, null::bigint, null::bigint, null::text, null::boolean),
            (2, null, null, true, 9007199254740991, null, 'enterprise', false), (3, null, null, true, 18, null, 'enterprise', false) $$,
  'so is an amount beyond what can be counted');
select is_empty('select * from disagreements', 'every counter is the sum of its ledger after bad entries and repeats');

-- The source of each entry
select is(
  (select count(*) from api.check_and_increment_usage_many(array['org_n', 'org_n'], array['messages', 'api_calls'], array[1, 2], null,
     array['00000000-0000-4000-8000-000000000001', null]::uuid[], array['00000000-0000-4000-8000-000000000002', null]::uuid[],
     array['widget', null], array['chat', null])),
  2::bigint, 'entries may name their source');
select results_eq(
  $$ select metric, amount, reason, chatbot_id, conversation_id, channel, operation from app.usage_events
     where account_id = 'org_n' order by metric desc $$,
  $$ values
     ('messages', 1::bigint, 'charge', '00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002'::uuid, 'widget', 'chat'),
     ('api_calls', 2, 'charge', null, null, null, null) $$,
  'each ledger row keeps the source of its own entry');

-- The shape of a batch
select is_empty(
  $$ select * from api.check_and_increment_usage_many('{}', '{}') $$, 'an empty batch is answered by no row');
select is(
  (select count(*) from api.check_and_increment_usage_many(array_fill('org_o'::text, array[1000]), array_fill('messages'::text, array[1000]))),
  1000::bigint, 'a batch may have 1000 entries');
select throws_ok(
  $$ select * from api.check_and_increment_usage_many(array_fill('org_o'::text, array[1001]), array_fill('messages'::text, array[1001])) $$,
  'PY004', 'a batch has at most 1000 entries, not 1001', 'a batch of 1001 entries is an error');
select throws_ok(
  format($$ select * from api.check_and_increment_usage_many(array['org_p', 'org_p'], %s) $$, others), 'PY004',
  'all arrays of a batch must have the 2 entries of account_ids',
  format('arrays of different lengths are an error: %s', others))
from unnest(array[
  $$array['messages']$$,
  $$null$$,
  $$array['messages', 'messages'], array[1]$$,
  $$array['messages', 'messages'], array[1, 1, 1]$$,
  $$array['messages', 'messages'], p_request_ids => array['r']$$,
  $$array['messages', 'messages'], p_chatbot_ids => array[null]::uuid[]$$,
  $$array['messages', 'messages'], p_conversation_ids => array[null]::uuid[]$$,
  $$array['messages', 'messages'], p_channels => array['api']$$,
  $$array['messages', 'messages'], p_operations => '{}'$$]) others;
select throws_ok(
  $$ select * from api.check_and_increment_usage_many(null, array['messages']) $$, 'PY004', null, 'a batch without accounts is an error');
select is_empty($$ select from app.accounts where account_id = 'org_p' $$, 'a batch of a wrong shape does nothing');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.check_and_increment_usage_many(array['org_w'], array['messages']) $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.check_and_increment_usage_many(array['org_w'], array['messages']) $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.check_and_increment_usage_many(array['org_w'], array['messages']) $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.check_and_increment_usage_many(array['org_w'], array['messages']) $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
