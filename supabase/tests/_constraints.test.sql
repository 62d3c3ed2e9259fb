-- What tables refuse by themselves, written to as their owner: what functions and locks keep true holds against plain SQL too.
begin;
select plan(13);

update app.environment set kind = 'sandbox';
do $$ begin perform app.ensure_account('user_1'); end $$;
insert into app.chatbots (account_id, id, name) values ('user_1', '00000000-0000-4000-8000-000000000001', 'Bot');

-- counters
select throws_ok($$ insert into app.counters (account_id, metric, window_start, used) values ('user_1', 'messages', now(), -1) $$, '23514', null, 'a counter is never below 0');
select throws_ok($$ update app.counters set used = -1 where metric = 'chatbots' $$, '23514', null, '… nor becomes so');
select throws_ok($$ insert into app.counters (account_id, metric, window_start, used) values ('user_1', 'messages', now(), 9007199254740992) $$, '23514', null, '… nor more than a JSON number holds exactly');

-- one of a kind
create function pg_temp.subscription(p_id text) returns void language sql as $$
  insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, in_force, as_of, as_of_rank, as_of_event_id)
  values ('user_1', 'stripe', p_id, 'active', 'starter', true, now(), 0, 'evt')
$$;
select lives_ok($$ select pg_temp.subscription('sub_1') $$, 'one subscription of an account is in force');
select throws_ok($$ select pg_temp.subscription('sub_2') $$, '23505', null, '… a second one is not');
create function pg_temp.purchase() returns void language sql as $$
  insert into app.checkouts (account_id, processor, plan, billing_interval, price_id, trial_days, expires_at)
  values ('user_1', 'stripe', 'starter', 'month', 'price', 0, now() + interval '1 hour')
$$;
do $$ begin perform pg_temp.purchase(); end $$;
select throws_ok($$ select pg_temp.purchase() $$, '23505', null, 'a second purchase of an account is not under way');
create function pg_temp.change() returns void language sql as $$
  insert into app.plan_changes (account_id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, effective_at)
  values ('user_1', 'stripe', 'sub_1', 'downgrade', 'growth', 'a', 'starter', 'b', false, now() + interval '1 day')
$$;
do $$ begin perform pg_temp.change(); end $$;
select throws_ok($$ select pg_temp.change() $$, '23505', null, 'a second change of an account is not scheduled');
create function pg_temp.visit(p_token text) returns void language sql as $$
  insert into app.visitors (account_id, chatbot_id, token_sha256, external_id) values ('user_1', '00000000-0000-4000-8000-000000000001', repeat(p_token, 64), 'customer 7')
$$;
do $$ begin perform pg_temp.visit('a'); end $$;
select throws_ok($$ select pg_temp.visit('b') $$, '23505', null, 'an identity has no second visit at a chatbot');

-- what processors said
create function pg_temp.said(p_status text, p_payment text, p_end text) returns void language sql as $$
  insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, payment, period_start, period_end)
  values ('user_1', 'stripe', 'sub_1', 'evt_1', now(), 0, p_status, p_payment, '2027-01-02', p_end::timestamptz)
$$;
select throws_ok($$ select pg_temp.said('active', 'paid', null) $$, '23514', null, 'what a processor said is not a state and a payment');
select throws_ok($$ select pg_temp.said(null, null, null) $$, '23514', null, '… nor neither');
select throws_ok($$ select pg_temp.said('active', null, '2027-01-01') $$, '23514', null, '… and its period runs forward');

-- the clock
select lives_ok($$ update app.environment set clock_offset = interval '1 day' $$, 'the clock of a sandbox is moved');
select throws_ok($$ update app.environment set kind = 'production' $$, '23514', null, '… that of production is not, whoever writes it');

select * from finish();
rollback;
