-- refuse_change: what triggers keep true cannot be broken, not even by the owner of the tables.
begin;
select plan(35);

create function pg_temp.refuses(p_statement text, p_sentence text, p_description text) returns text language sql as $$
  select throws_ok(p_statement, 'PY411', p_sentence, p_description)
$$;
select lives_ok(
  $$ select * from api.check_and_increment_usage('org_a', 'messages', 5);
     select * from api.check_and_increment_usage('org_b', 'messages', 5);
     insert into app.chatbots (account_id, id, name) values ('org_a', '00000000-0000-4000-8000-000000000001', 'Bot');
     insert into app.documents (account_id, chatbot_id, name, media_type, size_bytes, sha256, passage_count)
     values ('org_a', '00000000-0000-4000-8000-000000000001', 'a.txt', 'text/plain', 10, repeat('0', 64), 0);
     insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, plan)
     values ('org_a', 'stripe', 'sub_1', 'evt_1', now(), 0, 'active', 'starter') $$,
  'an account has a ledger, a chatbot, a document and a subscription');

-- The ledger
select pg_temp.refuses('update app.usage_events set amount = 1', 'the ledger is append-only: write a correction', 'a ledger row cannot be changed');
select pg_temp.refuses(
  $$ update app.usage_events set operation = 'x' where account_id = 'org_a' $$, 'the ledger is append-only: write a correction',
  'in no column');
select pg_temp.refuses('delete from app.usage_events', 'the ledger is append-only: write a correction', 'a ledger row cannot be deleted');
select pg_temp.refuses('truncate app.usage_events', 'the ledger is append-only: write a correction', 'the ledger cannot be emptied');
select throws_ok(
  $$ insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason) values ('org_a', 'messages', 0, now(), now(), 'correction') $$,
  '23514', null, 'a ledger row of 0 cannot be written');
select lives_ok(
  $$ insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason) values ('org_a', 'seats', 1, now(), '-infinity', 'correction') $$,
  'a correction can be added');

-- What processors said
select pg_temp.refuses($$ update app.subscription_events set status = 'canceled' $$, 'what a processor said is append-only', 'what a processor said cannot be changed');
select pg_temp.refuses('delete from app.subscription_events', 'what a processor said is append-only', 'what a processor said cannot be deleted');
select pg_temp.refuses('truncate app.subscription_events', null, 'what processors said cannot be emptied');

-- What processors said of refunds and disputes, and what was sold
insert into app.reversal_events (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids) values ('org_a', 'stripe', 're_1', 'evt_2', 'refund', 'pending', now(), 0, array['in_1']);
select pg_temp.refuses($$ update app.reversal_events set status = 'restored' $$, 'what a processor said is append-only', 'what a processor said of a refund cannot be changed');
select pg_temp.refuses('delete from app.reversal_events', 'what a processor said is append-only', '… nor deleted');
select pg_temp.refuses('truncate app.reversal_events', 'what a processor said is append-only', '… nor emptied');
select lives_ok($$ insert into app.reversal_events (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids) values ('org_a', 'stripe', 're_1', 'evt_3', 'refund', 'reversed', now(), 2, array['in_1']) $$,
  'what is said later is added');
select pg_temp.refuses($$ update app.plan_prices set amount_minor = 1 where plan = 'growth' $$, 'a price stays as it was sold: add a version', 'what a plan was sold for cannot be changed');
select pg_temp.refuses($$ delete from app.plan_prices where plan = 'growth' $$, 'a price stays as it was sold: add a version', '… nor deleted');
select pg_temp.refuses('truncate app.plan_prices', 'a price stays as it was sold: add a version', '… nor emptied');
select lives_ok($$ insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 8900) $$, 'a version can be added');

-- What operators did
insert into app.operator_actions (operator_id, action, processor, event_id, reason, status_before, status_after) values ('user_op', 'discard', 'stripe', 'evt_1', 'because', 'dead', 'discarded');
select pg_temp.refuses($$ update app.operator_actions set reason = 'another' $$, 'what operators did is append-only', 'what an operator did cannot be changed');
select pg_temp.refuses('delete from app.operator_actions', 'what operators did is append-only', '… nor deleted');
select pg_temp.refuses('truncate app.operator_actions', 'what operators did is append-only', '… nor emptied');

-- Chatbots
select pg_temp.refuses(
  $$ update app.chatbots set account_id = 'org_b' $$, 'a chatbot keeps its account and its id', 'a chatbot cannot move to another account');
select pg_temp.refuses(
  'update app.chatbots set id = gen_random_uuid()', 'a chatbot keeps its account and its id', 'a chatbot cannot change its id');
select pg_temp.refuses('truncate app.chatbots cascade', 'delete chatbots instead: the gauge counts them', 'chatbots cannot be emptied past their gauge');
select lives_ok($$ update app.chatbots set name = 'Renamed', account_id = account_id $$, 'a chatbot can be renamed');

-- Documents
select pg_temp.refuses('update app.documents set size_bytes = 1', null, 'a document cannot change its size');
select pg_temp.refuses($$ update app.documents set account_id = 'org_b' $$, null, 'a document cannot move to another account');
select pg_temp.refuses('update app.documents set chatbot_id = gen_random_uuid()', null, 'a document cannot move to another chatbot');
select pg_temp.refuses('truncate app.documents cascade', 'delete documents instead: the gauge counts them', 'documents cannot be emptied past their gauge');
select lives_ok($$ update app.documents set name = 'b.txt', size_bytes = size_bytes $$, 'a document can be renamed');
select pg_temp.refuses('truncate app.accounts cascade', null, 'nor can everything at once');

-- All is as it was
select is((select sum(amount) from app.usage_events where metric = 'messages'), 10::numeric, 'the ledger is untouched');
select results_eq(
  $$ select metric, used from app.counters where account_id = 'org_a' order by 1 $$,
  $$ values ('chatbots', 1::bigint), ('messages', 5), ('storage_bytes', 10) $$, 'and so are the counters');
select lives_ok($$ delete from app.chatbots where account_id = 'org_a' $$, 'a chatbot can be deleted with its documents');
select results_eq(
  $$ select metric, used from app.counters where account_id = 'org_a' order by 1 $$,
  $$ values ('chatbots', 0::bigint), ('messages', 5), ('storage_bytes', 0) $$, 'the gauges follow; the ledger stays');

select * from finish();
rollback;
