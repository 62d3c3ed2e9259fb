-- What each role really can and cannot do, tried as that role. What it may by its privileges: _catalog.
begin;
select plan(64);
update app.environment set kind = 'sandbox';
do $$ begin
  perform api.upsert_price('stripe', 'price_starter_monthly', 'starter', 'month');
  update app.plan_quotas set quota = null where plan = 'free' and metric in ('messages', 'llm_tokens');
end $$;

-- Three accounts with a row of everything: a user, an organization, another user.
do $$
declare
  v_account text;
  v_bot uuid;
  v_talk uuid;
begin
  foreach v_account in array array['user_a', 'org_a', 'user_b'] loop
    perform api.record_billing_event(v_account, 'stripe', 'evt_' || v_account, 'customer.subscription.created', 'state', app.clock(), 0, 'cus_' || v_account, 'sub_' || v_account, 'active', null,
      array['price_starter_monthly'], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, '{}');
    select chatbot_id into v_bot from api.create_chatbot(v_account, 'Bot of ' || v_account);
    perform api.create_document(v_account, v_bot, v_account || '.txt', 'text/plain', 10, repeat('a', 64), array['secret of ' || v_account]);
    select conversation_id into v_talk from api.create_conversation(v_account, v_bot, 'Talk of ' || v_account);
    perform api.begin_answer(v_account, v_bot, v_talk, 'Question of ' || v_account, 100);
  end loop;
  perform api.create_chatbot('user_b', 'Second of user_b');
end
$$;

-- pg_temp belongs to the owner; the other roles need a place to call these from.
create schema roles_test;
create function roles_test.sign_in(p_claims text) returns void language sql as $$ select set_config('request.jwt.claims', p_claims, true) $$;
-- Statements that must be refused for want of a right, with those that were not.
create function roles_test.allowed(p_statements text[]) returns setof text language plpgsql as $$
declare
  v_statement text;
begin
  foreach v_statement in array p_statements loop
    begin
      execute v_statement;
      return next v_statement;
    exception
      when insufficient_privilege then null;
      when others then return next v_statement || ': ' || sqlerrm;
    end;
  end loop;
end
$$;
create table roles_test.relations as select n.nspname || '.' || c.relname as name, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('app', 'api') and c.relkind in ('r', 'v');
create table roles_test.functions as
select n.nspname as schema, p.proname as name, p.prorettype = 'trigger'::regtype as is_trigger,
       'select ' || n.nspname || '.' || p.proname || '(' || coalesce((select string_agg('null::' || format_type(t, null), ', ' order by i) from unnest(p.proargtypes::oid[]) with ordinality as a (t, i)), '') || ')' as call
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
-- The planner answers a strict immutable function of a null itself, before anybody's rights are asked.
where n.nspname in ('app', 'api') and not (p.proisstrict and p.provolatile = 'i');
grant usage on schema roles_test to public;
grant select on all tables in schema roles_test to public;

-- (As one of these roles no set_eq and the like: they make temporary tables, which none of them may.)
-- anon
set local role anon;
select is(current_user::text, 'anon', 'as anon:');
select is_empty($$ select roles_test.allowed(array_agg('select 1 from ' || name)) from roles_test.relations $$, 'anon reads no table and no view');
select is_empty($$ select roles_test.allowed(array_agg(call)) from roles_test.functions where not is_trigger $$, 'anon calls no function');
do $$ begin perform roles_test.sign_in('{"sub":"user_a"}'); end $$;
select is_empty($$ select roles_test.allowed(array['select * from api.my_chatbots', 'select * from app.chatbots', 'select app.signed_in_account()']) $$, '… not with claims either');
reset role;

-- service_role
set local role service_role;
select is(current_user::text, 'service_role', 'as service_role:');
select is_empty($$ select roles_test.allowed(array_agg('select 1 from ' || name)) from roles_test.relations $$, 'the server reads no table and no view');
select is_empty($$ select roles_test.allowed(array_agg(v || name)) from roles_test.relations cross join unnest(array['delete from ', 'truncate ']) v where relkind = 'r' $$, '… writes none');
select is_empty($$ select roles_test.allowed(array_agg(call)) from roles_test.functions where schema = 'app' and not is_trigger $$, '… and calls no function of app');
select is((select plan from api.read_account('user_a')), 'starter', 'it calls the functions of api');
select is((select allowed from api.create_chatbot('user_a', 'By the server')), true, '… also those that write');
select is_empty($$ select name from roles_test.functions f where f.schema = 'api' and not has_function_privilege((select p.oid from pg_proc p where p.pronamespace = 'api'::regnamespace and p.proname = f.name), 'execute') $$, '… all of them');
select is_empty($$ select roles_test.allowed(array['create table api.mine (id int)', 'create table app.mine (id int)', 'alter table app.plans disable row level security', 'create function api.mine() returns int language sql as ''select 1''']) $$,
  'it cannot change the schema');
reset role;

-- authenticated: a user
set local role authenticated;
select is(current_user::text, 'authenticated', 'as authenticated:');
do $$ begin perform roles_test.sign_in('{"sub":"user_a","sid":"sess_1"}'); end $$;
select results_eq($$ select name from api.my_chatbots order by name $$, array['Bot of user_a', 'By the server'], 'a signed-in user sees its own chatbots');
select results_eq($$ select name from api.my_documents $$, array['user_a.txt'], '… its own documents');
select results_eq($$ select title from api.my_conversations $$, array['Talk of user_a'], '… its own conversations');
select results_eq($$ select content from api.my_messages order by place $$, array['Question of user_a', ''], '… its own messages');
select results_eq($$ select metric, sum(amount) from api.my_usage_events group by metric order by metric $$,
  $$ values ('api_calls', 1::numeric), ('chatbots', 2), ('llm_tokens', 100), ('messages', 1), ('storage_bytes', 10) $$, '… its own ledger');
select is_empty($$ select account_id from app.chatbots where account_id <> 'user_a' union all select account_id from app.documents where account_id <> 'user_a' union all select account_id from app.conversations where account_id <> 'user_a'
  union all select account_id from app.messages where account_id <> 'user_a' union all select account_id from app.usage_events where account_id <> 'user_a' union all select account_id from app.counters where account_id <> 'user_a'
  union all select account_id from app.accounts where account_id <> 'user_a' union all select account_id from app.processor_subscriptions where account_id <> 'user_a' $$, 'no row of another account comes from the tables behind, asked for by name');
select results_eq($$ select account_id from app.accounts $$, array['user_a'], '… its own account does');
select is((select count(*) from app.plans), 4::bigint, 'the catalog it may read');
select is_empty($$ select roles_test.allowed(array_agg('select 1 from ' || name)) from roles_test.relations where name in ('app.webhook_events', 'app.processor_links', 'app.subscription_events', 'app.windows', 'app.passages',
  'app.idempotency_keys', 'app.chatbot_answers', 'app.usage_requests', 'app.usage_returns', 'app.usage_reservations', 'app.usage_batches', 'app.environment', 'app.processor_prices', 'app.subscriptions', 'app.operator_actions', 'app.widgets', 'app.widget_keys', 'app.visitors') $$, 'the inbox, links, passages, keys and the operator''s view it may not');
select is_empty($$ select roles_test.allowed(array_agg(call)) from roles_test.functions where schema = 'api' $$, 'it calls no function of api');
select is_empty($$ select roles_test.allowed(array_agg(call)) from roles_test.functions where schema = 'app' and not is_trigger and name <> 'signed_in_account' $$, '… and of app only the one that tells who it is');
select is_empty($$ select roles_test.allowed(array['insert into api.my_chatbots (name) values (''x'')', 'update api.my_chatbots set name = ''x''', 'delete from api.my_chatbots', 'update api.my_documents set name = ''x''', 'delete from api.my_documents',
  'update api.my_conversations set title = ''x''', 'delete from api.my_conversations', 'update api.my_messages set content = ''x''', 'delete from api.my_messages', 'update api.my_usage_events set amount = 0', 'delete from api.my_usage_events']) $$,
  'it writes through none of its views');
select is_empty($$ select roles_test.allowed(array['insert into app.chatbots (account_id, name) values (''user_a'', ''x'')', 'update app.accounts set plan = ''enterprise''', 'update app.counters set used = 0', 'delete from app.usage_events', 'update app.plan_quotas set quota = null',
  'update app.environment set clock_offset = interval ''1 year''', 'insert into app.processor_prices values (''stripe'', ''p'', ''enterprise'', ''month'')', 'delete from app.chatbots']) $$, '… nor the tables behind: not its plan, its counters, its ledger, the clock');
select results_eq($$ select subscription_id from app.processor_subscriptions $$, array['sub_user_a'], 'it sees its own subscription, and no other');

-- authenticated: organizations and the other user
do $$ begin perform roles_test.sign_in('{"v":2,"sub":"user_a","o":{"id":"org_a","rol":"admin","slg":"a"}}'); end $$;
select is(app.signed_in_account(), 'org_a', 'with an active organization (claims version 2) the account is the organization');
select results_eq($$ select name from api.my_chatbots $$, array['Bot of org_a'], '… whose chatbots it sees, not its own');
select results_eq($$ select title from api.my_conversations $$, array['Talk of org_a'], '… and conversations');
do $$ begin perform roles_test.sign_in('{"sub":"user_b","org_id":"org_a","org_role":"org:member"}'); end $$;
select is(app.signed_in_account(), 'org_a', 'with an active organization (claims version 1) too');
select results_eq($$ select name from api.my_documents $$, array['org_a.txt'], '… another member sees the same');
do $$ begin perform roles_test.sign_in('{"v":2,"sub":"user_b"}'); end $$;
select results_eq($$ select name from api.my_chatbots order by name $$, array['Bot of user_b', 'Second of user_b'], 'without an active organization the other user sees its own');
select results_eq($$ select distinct content from api.my_messages where role = 'user' $$, array['Question of user_b'], '… messages too');
do $$ begin perform roles_test.sign_in('{"v":2,"sub":"user_b","o":null}'); end $$;
select is(app.signed_in_account(), 'user_b', 'an organization that is null is none');
do $$ begin perform roles_test.sign_in('{"sub":"user_nobody"}'); end $$;
select is((select count(*) from api.my_chatbots) + (select count(*) from api.my_documents) + (select count(*) from api.my_conversations) + (select count(*) from api.my_messages) + (select count(*) from api.my_usage_events), 0::bigint, 'an unknown user sees nothing');
do $$ begin perform roles_test.sign_in('{}'); end $$;
select is((select count(*) from api.my_chatbots) + (select count(*) from app.accounts), 0::bigint, 'claims without subject show nothing');
do $$ begin perform roles_test.sign_in(''); end $$;
select is((select count(*) from api.my_chatbots) + (select count(*) from app.accounts), 0::bigint, 'no claims show nothing');
do $$ begin perform roles_test.sign_in('{"sub":"user_a'' or true --"}'); end $$;
select is((select count(*) from api.my_chatbots), 0::bigint, 'a subject that looks like SQL is a name like others');
reset role;
select is((select count(*) from app.chatbots), 5::bigint, 'none of this changed a row');

-- operator
select is((select rolconfig from pg_roles where rolname = 'operator'), array['search_path=app, api'], 'operator finds tables and functions without their schema');
insert into app.webhook_events (processor, id, event_type, status, occurred_at, payload, payload_sha256) values ('paddle', 'evt_user_a', 'transaction.completed', 'failed', now(), '{}', '');
do $$ begin perform api.record_billing_event('user_b', 'stripe', 'evt_end', 'customer.subscription.deleted', 'state', app.clock(), 3, null, 'sub_user_b', 'canceled', null, null, null, null, null, null, null, '{}'); end $$;
set local role operator;
set local search_path = app, api, tap;
select is(current_user::text, 'operator', 'as operator:');
select results_eq($$SELECT id, COUNT(*) AS occurrences FROM webhook_events GROUP BY id HAVING COUNT(*) > 1;$$, $$ values ('evt_user_a', 2::bigint) $$, 'the query for repeated events runs as written, and finds the same id of two processors');
select results_eq($$SELECT user_id, plan, usage FROM subscriptions WHERE (plan = 'free' AND (usage->>'chatbots_count')::int > 1) OR (plan = 'starter' AND (usage->>'chatbots_count')::int > 3);$$,
  $$ values ('user_b', 'free', '{"messages_count": 1, "llm_tokens_count": 100, "api_calls_count": 1, "chatbots_count": 2, "storage_bytes_count": 10, "seats_count": 0}'::jsonb) $$, 'the query for accounts above their plan runs as written, and finds the one that is');
select lives_ok($$SELECT processor, event_type, COUNT(*) FROM webhook_events WHERE created_at > NOW() - INTERVAL '1 day' GROUP BY processor, event_type;$$, 'the query for the events of the last day runs as written');
select is((select array_agg(q::text order by q::text) from (SELECT processor, event_type, COUNT(*) FROM webhook_events WHERE created_at > NOW() - INTERVAL '1 day' GROUP BY processor, event_type) q),
  array['(paddle,transaction.completed,1)', '(stripe,customer.subscription.created,3)', '(stripe,customer.subscription.deleted,1)'], '… and counts them by processor and type');
select results_eq($$ select user_id from subscriptions order by user_id $$, array['org_a', 'user_a', 'user_b'], 'operator sees every account');
select is((select count(*) from chatbots), 5::bigint, '… every chatbot');
select isnt((select count(*) from usage_events), 0::bigint, '… the ledger');
select results_eq($$ select content from passages order by content $$, array['secret of org_a', 'secret of user_a', 'secret of user_b'], '… every passage');
select is_empty($$ select n from (select name as n from roles_test.relations where name like 'app.%') x where not has_table_privilege('operator', n, 'select') $$, '… every table and view of app');
select is((select count(*) from sync_chatbot_count()), 0::bigint, 'it calls sync_chatbot_count');
select is((select status from replay_webhook_event('paddle', 'evt_user_a')), 'failed', 'it calls replay_webhook_event');
select results_eq('select operator_id = session_user, action, event_id from operator_actions', $$ values (true, 'replay', 'evt_user_a') $$, '… which notes its login');
select is((select plan from upsert_price('stripe', 'price_new', 'growth', 'month')), 'growth', 'it calls upsert_price');
select is((select count(*) from check_invariants()), 18::bigint, 'it calls check_invariants');
select is((select count(*) from list_plan_prices()), 6::bigint, 'it calls list_plan_prices');
set local search_path = tap, app, api, public;
select is_empty($$ select roles_test.allowed(array_agg(call)) from roles_test.functions where schema = 'api'
  and name not in ('sync_chatbot_count', 'replay_webhook_event', 'upsert_price', 'check_invariants', 'schema_version', 'list_plan_prices') $$, '… and no other function of api');
select is_empty($$ select roles_test.allowed(array_agg('delete from ' || name)) from roles_test.relations where relkind = 'r' $$, 'it deletes from no table');
select is_empty($$ select roles_test.allowed(array['update app.accounts set plan = ''enterprise''', 'update app.counters set used = 0', 'update app.webhook_events set status = ''processed''', 'insert into app.plans values (''x'', ''X'', 9, 0)', 'truncate app.usage_events',
  'update app.environment set clock_offset = interval ''1 day''', 'insert into app.processor_links values (''stripe'', ''sub_x'', ''user_a'', ''e'', now())']) $$, '… and writes none');
reset role;
select is((select count(*) from app.accounts where plan = 'enterprise'), 0::bigint, 'nobody got a plan by hand');

-- the clock
select throws_ok($$ update app.environment set kind = 'production', clock_offset = interval '1 hour' $$, '23514', null, 'not even the owner moves the clock of a production database');
select throws_ok($$ insert into app.environment values (false, 'sandbox', '0') $$, '23514', null, 'there is one environment');
select is((select count(*) from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'operator') and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)), 0::bigint, 'no role is above the row policies');

select * from finish();
rollback;
