-- check_invariants: a database where all is well has no violation; each one that is planted is reported, by its own row.
begin;
select plan(86);

set local timezone = 'UTC';
update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin
  perform api.upsert_price('stripe', 'price_' || p || '_monthly', p, 'month') from unnest(array['starter', 'growth', 'enterprise']) p;
end $$;

create function pg_temp.deliver(
  p_id text, p_account text, p_subscription text, p_kind text default 'state', p_status text default 'active', p_plan text default 'growth',
  p_at timestamptz default '2027-03-01 10:00+00', p_start timestamptz default '2027-03-01 10:00+00'
) returns text language sql as $$
  select r.outcome from api.record_billing_event(
    p_account, 'stripe', p_id, case p_kind when 'link' then 'checkout.session.completed' else 'test.' || p_kind end, p_kind, p_at, 2,
    'cus_' || p_subscription, p_subscription, case when p_kind = 'state' then p_status end, case when p_kind = 'payment' then p_status end,
    array['price_' || p_plan || '_monthly'], array[p_start], array[p_start + interval '1 month'], null, null, null, '{}', 'why') r
$$;

-- What is broken, row by row: "place (violations): example".
create function pg_temp.broken() returns text[] language sql as $$
  select coalesce(array_agg(format('%s (%s): %s', place, violations, example) order by place), '{}') from api.check_invariants()
  where violations > 0
$$;
-- … after a statement that goes past the triggers, as a careless owner would, and is then as if it had never been.
create function pg_temp.planted(p_statement text) returns text[] language plpgsql as $$
begin
  set local session_replication_role = replica;
  execute p_statement;
  raise exception using errcode = 'ZZ001', message = pg_temp.broken()::text;
exception when sqlstate 'ZZ001' then
  return sqlerrm::text[];
end
$$;
create function pg_temp.reports(p_statement text, p_broken text[], p_name text) returns setof text language sql as $$
  select is(pg_temp.planted(p_statement), p_broken, p_name)
$$;

-- nothing yet
select results_eq($$ select place, name, violations, example from api.check_invariants() $$, $$ values
  (1, 'a counter is the sum of its ledger', 0::bigint, null::text),
  (2, 'a counter is within its quota', 0, null),
  (3, 'the gauge of chatbots is the number of chatbots', 0, null),
  (4, 'the gauge of storage is the size of the documents', 0, null),
  (5, 'what is processed has its effect', 0, null),
  (6, 'what has an effect is processed', 0, null),
  (7, 'a subscription is as its latest event says', 0, null),
  (8, 'a window was opened by an event that carries it', 0, null),
  (9, 'one subscription of an account is in force', 0, null),
  (10, 'nothing of one account belongs to another', 0, null),
  (11, 'no reservation outlives its expiry', 0, null),
  (12, 'no stored error holds a secret', 0, null),
  (13, 'no role may more than it must', 0, null),
  (14, 'row security, triggers and search paths are in place', 0, null),
  (15, 'an account has the plan its subscriptions give', 0, null),
  (16, 'levels are held to the downgrade that is scheduled', 0, null),
  (17, 'nothing asked of a processor is left undone', 0, null),
  (18, 'a chatbot''s count is the answers it was charged for', 0, null) $$,
  'an empty database has none of eighteen violations, in this order');

-- a healthy story: user_paid pays and renews, user_free does not, user_fell had more than it has, user_late is past due
do $$ begin
  perform pg_temp.deliver('evt_waits', null, 'sub_paid', p_at => '2027-02-01 10:00+00', p_start => '2027-02-01 10:00+00');
  perform pg_temp.deliver('evt_checkout', 'user_paid', 'sub_paid', 'link');
  perform pg_temp.deliver('evt_waits', null, 'sub_paid', p_at => '2027-02-01 10:00+00', p_start => '2027-02-01 10:00+00');
  perform pg_temp.deliver('evt_checkout_again', 'user_paid', 'sub_paid', 'link');
  perform pg_temp.deliver('evt_renewed', 'user_paid', 'sub_paid');
  perform pg_temp.deliver('evt_money', 'user_paid', 'sub_paid', 'payment', 'paid', p_at => '2027-03-01 10:00:05+00');
  perform pg_temp.deliver('evt_stale', 'user_paid', 'sub_paid', p_status => 'past_due', p_at => '2027-02-20 10:00+00',
    p_start => '2027-02-01 10:00+00');
  perform pg_temp.deliver('evt_renewed', 'user_paid', 'sub_paid');
  perform pg_temp.deliver('evt_second', 'user_paid', 'sub_second', p_plan => 'starter');
  perform pg_temp.deliver('evt_fell', 'user_fell', 'sub_fell');
  perform pg_temp.deliver('evt_late', 'user_late', 'sub_late', p_status => 'past_due', p_at => '2027-03-05 10:00+00');
  perform pg_temp.deliver('evt_nobody', null, 'sub_nobody');
  perform pg_temp.deliver('evt_ignored', null, 'sub_nobody', 'ignored');
  perform pg_temp.deliver('evt_rejected', 'user_paid', 'sub_paid', 'rejected');
  perform pg_temp.deliver('evt_priceless', 'user_new', 'sub_new', p_plan => 'unheard_of');
end $$;
create temp table bot as
select account_id, c.chatbot_id from unnest(array['user_paid', 'user_free', 'user_fell', 'user_fell', 'user_late']) account_id
cross join lateral api.create_chatbot(account_id, 'Bot') c;
create temp table document as
select b.account_id, d.document_id from bot b
cross join lateral api.create_document(b.account_id, b.chatbot_id, 'a.txt', 'text/plain', 10, repeat('0', 64), array['Text']) d;
create temp table asked as
select t.account_id, a.message_id, ended from bot t
cross join lateral api.create_conversation(t.account_id, t.chatbot_id) c
cross join unnest(array['complete', 'stopped', 'failed', 'streaming']) ended
cross join lateral api.begin_answer(t.account_id, t.chatbot_id, c.conversation_id, ended, 100) a;
do $$ begin
  perform api.finish_answer(account_id, message_id, ended, 'Answer', '[]', 30, 200, case ended when 'failed' then 'the model is away' end)
  from asked where ended <> 'streaming';
  perform api.check_and_increment_usage('user_free', 'messages', 97), api.check_and_increment_usage('user_free', 'messages', 1);
  perform api.decrement_usage('user_free', 'messages', 2);
  perform api.reserve_usage('user_paid', 'messages', 10, 'open', 900), api.reserve_usage('user_paid', 'messages', 10, 'settled');
  perform api.settle_usage('user_paid', 'settled', 4);
  perform api.delete_document(account_id, chatbot_id, document_id) from document join bot using (account_id) where account_id = 'user_late';
  perform api.delete_chatbot(account_id, chatbot_id) from bot where account_id = 'user_late';
  perform api.check_and_increment_usage('user_fell', 'messages', 3000);
  perform pg_temp.deliver('evt_fell_ended', 'user_fell', 'sub_fell', p_status => 'canceled', p_at => '2027-03-09 10:00+00');
end $$;
select results_eq($$ select status, count(*) from app.webhook_events group by status order by status $$,
  $$ values ('dead', 1::bigint), ('failed', 2), ('ignored', 1), ('processed', 10) $$, 'of many deliveries each had its outcome');
select results_eq($$ select account_id, plan from app.accounts order by account_id $$,
  $$ values ('user_fell', 'free'), ('user_free', 'free'), ('user_late', 'growth'), ('user_paid', 'growth') $$,
  '… of four accounts two pay');
select is((select used from app.counters where account_id = 'user_fell' and metric = 'chatbots'), 2::bigint,
  '… one has more than its plan gives');
select isnt_empty('select from app.messages', '… they asked');
select isnt_empty('select from app.documents', '… of documents');
select isnt_empty($$ select from app.usage_reservations where status = 'open' $$, '… some answers are under way');
select is(pg_temp.broken(), '{}', 'after all this every invariant holds');

-- 1 and 2: counters
select pg_temp.reports($$ update app.counters set used = used - 1 where account_id = 'user_paid' and metric = 'messages' $$,
  array['1 (1): messages of user_paid in the window of 2027-03-01 10:00:00+00: counter 16, ledger 17'],
  'a counter that is not its ledger is reported');
select pg_temp.reports($$ delete from app.usage_events where account_id = 'user_paid' and metric = 'messages' $$,
  array['1 (1): messages of user_paid in the window of 2027-03-01 10:00:00+00: counter 17, ledger 0'], 'so is a counter without a ledger');
select pg_temp.reports($$ delete from app.counters where account_id = 'user_paid' and metric = 'messages' $$,
  array['1 (1): messages of user_paid in the window of 2027-03-01 10:00:00+00: counter 0, ledger 17'], 'and a ledger without a counter');
select pg_temp.reports($$ update app.counters set used = used + 1 where metric = 'api_calls' $$,
  array['1 (4): api_calls of user_fell in the window of 2027-03-01 10:00:00+00: counter 7, ledger 6'],
  'how many there are is told, with one of them');
create function pg_temp.used_more(p_account text, p_metric text, p_amount bigint) returns text language sql as $$
  select format($f$ update app.counters set used = used + %3$s where account_id = %1$L and metric = %2$L;
    insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
    select account_id, metric, %3$s, app.clock(), window_start, 'charge' from app.counters
    where account_id = %1$L and metric = %2$L $f$, p_account, p_metric, p_amount)
$$;
select is(pg_temp.planted(pg_temp.used_more('user_free', 'messages', 2)), '{}', 'a counter up to its quota is none');
select pg_temp.reports(pg_temp.used_more('user_free', 'messages', 3),
  array['2 (1): user_free has 101 of 100 messages on plan free'], 'one above its quota is reported');
select pg_temp.reports(pg_temp.used_more('user_paid', 'messages', 10000),
  array['2 (1): user_paid has 10017 of 10000 messages on plan growth'],
  'also of an account that pays, if no plan it ever had gives that much');
select pg_temp.reports(pg_temp.used_more('user_fell', 'messages', 10000),
  array['2 (1): user_fell has 13006 of 100 messages on plan free'], 'also of one whose plan fell');
select is(pg_temp.planted($$ update app.environment set clock_offset = clock_offset + interval '10 minutes';
  update app.processor_subscriptions set past_due_since = app.clock() - interval '7 days' where subscription_id = 'sub_late';
  update app.accounts set plan_ends_at = app.clock() where account_id = 'user_late' $$), '{}', 'the end of a grace period breaks nothing');

-- 3 and 4: gauges
select pg_temp.reports($$ insert into app.chatbots (account_id, name) values ('user_paid', 'Uncounted') $$,
  array['3 (1): user_paid has 2 chatbots, its gauge says 1'], 'a chatbot that was not counted is reported');
select pg_temp.reports($$ insert into app.accounts (account_id, anchor) values ('user_bare', app.clock());
  insert into app.chatbots (account_id, name) values ('user_bare', 'Uncounted') $$,
  array['3 (1): user_bare has 1 chatbots, its gauge says 0'], 'also where the account has no gauge');
select pg_temp.reports($$ delete from app.chatbots where account_id = 'user_free' $$,
  array['3 (1): user_free has 0 chatbots, its gauge says 1'], 'so is one that is gone, but counted');
select pg_temp.reports($$ delete from app.documents where account_id = 'user_free' $$,
  array['4 (1): user_free stores 0 bytes, its gauge says 10'], 'a document that is gone, but counted, is reported');
select pg_temp.reports($$ update app.documents set size_bytes = 11 where account_id = 'user_paid' $$,
  array['4 (1): user_paid stores 11 bytes, its gauge says 10'], 'so is one of another size');

-- 5 and 6: deliveries and effects
select pg_temp.reports($$ update app.webhook_events set status = 'processed', account_id = 'user_free' where id = 'evt_nobody' $$,
  array['5 (1): stripe evt_nobody was said to be processed, but nothing of it is there'],
  'a delivery said to be processed without effect is reported');
select pg_temp.reports($$ update app.webhook_events set status = 'processed' where id = 'evt_nobody' $$,
  array['5 (1): stripe evt_nobody was said to be processed, but nothing of it is there'], '… also if it has no account');
select pg_temp.reports($$ delete from app.subscription_events where event_id = 'evt_stale' $$,
  array['5 (1): stripe evt_stale was said to be processed, but nothing of it is there'], '… also if its subscription is known by others');
select pg_temp.reports($$ delete from app.processor_links where object_id = 'sub_paid' $$,
  array['5 (2): stripe evt_checkout was said to be processed, but nothing of it is there'], '… also of a checkout whose link is gone');
select pg_temp.reports($$ update app.webhook_events set status = 'failed' where id = 'evt_money' $$,
  array['6 (1): stripe evt_money has an effect, but its delivery is failed'], 'an effect of a delivery that failed is reported');
select pg_temp.reports($$ update app.webhook_events set status = 'discarded' where id = 'evt_money' $$,
  array['6 (1): stripe evt_money has an effect, but its delivery is discarded'], '… or was discarded');
select pg_temp.reports($$ update app.webhook_events set status = 'discarded' where id = 'evt_nobody' $$, '{}', 'one that has none may be');
select pg_temp.reports($$ delete from app.webhook_events where id = 'evt_money' $$,
  array['6 (1): stripe evt_money has an effect, but its delivery is missing'], 'so is an effect of none');

-- 7 and 8: subscriptions and windows
select pg_temp.reports($$ update app.processor_subscriptions s set as_of = e.occurred_at, as_of_event_id = 'evt_renewed'
  from app.subscription_events e where e.event_id = 'evt_renewed' and s.subscription_id = 'sub_paid' $$,
  array['7 (1): sub_paid of user_paid is as of evt_renewed, but evt_money of 2027-03-01 10:00:05+00 is later'],
  'a subscription behind its events is reported');
select pg_temp.reports($$ update app.processor_subscriptions set as_of_event_id = 'evt_k' where subscription_id = 'sub_late' $$,
  array['7 (1): sub_late of user_late is as of evt_k, but evt_late of 2027-03-05 10:00:00+00 is later'],
  '… by the id where the instant is the same');
select pg_temp.reports($$ delete from app.subscription_events where event_id = 'evt_money'; delete from app.webhook_events
  where id = 'evt_money' $$,
  array['7 (1): sub_paid of user_paid is as of evt_money, which says nothing of it'], 'so is one as of an event that is not there');
select pg_temp.reports($$ update app.processor_subscriptions set status = 'active' where subscription_id = 'sub_late';
  update app.accounts set plan_ends_at = null where account_id = 'user_late' $$,
  array['7 (1): sub_late of user_late is active on growth, but evt_late says past_due on growth'],
  '… one of another status than its latest event says');
select pg_temp.reports($$ update app.processor_subscriptions set plan = 'enterprise' where subscription_id = 'sub_late';
  update app.accounts set plan = 'enterprise', plan_ends_at = '2027-03-19 10:00+00' where account_id = 'user_late' $$,
  array['7 (1): sub_late of user_late is past_due on enterprise, but evt_late says past_due on growth'], '… or of another plan');
select pg_temp.reports($$ delete from app.processor_subscriptions where subscription_id = 'sub_second' $$,
  array['7 (1): evt_second speaks of sub_second of user_paid, which is not there'], '… and one that is missing');
select pg_temp.reports($$ update app.windows set opened_by = 'evt_money' where window_start = '2027-02-01 10:00+00' $$,
  array['8 (1): the window of sub_paid of user_paid from 2027-02-01 10:00:00+00 was opened by evt_money, which says nothing of it'],
  'a window that its event does not carry is reported');
select pg_temp.reports($$ update app.windows set window_start = '2027-03-02 10:00+00' where subscription_id = 'sub_second' $$,
  array['8 (1): the window of sub_second of user_paid from 2027-03-02 10:00:00+00 was opened by evt_second, which says nothing of it'],
  'so is one that starts at another time');

-- 9 and 10: whose subscription
select pg_temp.reports($$ drop index app.one_subscription_in_force; update app.processor_subscriptions set in_force = true $$,
  array['9 (1): user_paid has 2 subscriptions in force'], 'a second subscription in force is reported');
select pg_temp.reports($$ update app.processor_links set account_id = 'user_free' where object_id = 'sub_second' $$,
  array['10 (1): stripe sub_second of user_paid is tied to account user_free'], 'a subscription tied to another account is reported');

-- 11: reservations
select pg_temp.reports($$ update app.usage_reservations set expires_at = app.clock() - interval '5 minutes 1 second'
  where request_id = 'open' $$,
  array['11 (1): reservation open of user_paid is open 00:05:01 after its expiry'], 'a reservation that nobody released is reported');
select is(pg_temp.planted($$ update app.usage_reservations set expires_at = app.clock() - interval '5 minutes'
  where request_id = 'open' $$), '{}',
  '… but not before the sweeper had five minutes');
select is(pg_temp.planted($$ update app.usage_reservations set expires_at = '2027-01-01' where status <> 'open' $$), '{}',
  '… and not one that is closed');

-- 12: secrets. Put together here, so that no scanner takes them for real ones.
select pg_temp.reports(format($$ update app.webhook_events set last_error = %L where id = 'evt_nobody' $$, 'cannot use ' || secret),
  array['12 (1): an error stored with delivery evt_nobody holds what looks like a secret or a token'],
  what || ' in the error of a delivery is reported')
from (values ('whs' || 'ec_abc', 'a webhook secret of Stripe'), ('sk_' || 'live_abc', 'a live key'), ('sk_' || 'test_abc', 'a test key'),
  ('rk_' || 'live_abc', 'a restricted key'), ('pdl_' || 'ntfset_abc', 'a webhook secret of Paddle'),
  ('eyJ' || 'hbGciOiJSUzI1NiJ9.e30.c2ln', 'a session token')) s (secret, what);
select pg_temp.reports(format($$ update app.messages set error = %L where id = %L $$, 'key sk_' || 'live_abc', message_id),
  array[format('12 (1): an error stored with answer %s holds what looks like a secret or a token', message_id)],
  'so is one in the error of an answer')
from asked where ended = 'failed' and account_id = 'user_free';

-- 13 and 14: what the two helpers find is counted here; what they find: internal/wrong_grants, internal/missing_guards
select pg_temp.reports('grant update on app.counters to service_role', array['13 (1): service_role may update app.counters'],
  'a grant too many is reported');
select pg_temp.reports('alter table app.passages disable row level security', array['14 (1): app.passages has no row security'],
  'so is a guard that is missing');
select is(pg_temp.planted('update app.counters set used = used + 1
  where metric = ''chatbots'' and account_id = ''user_paid''; grant select on app.plans to anon'),
  array['1 (1): chatbots of user_paid in the window of -infinity: counter 2, ledger 1', '3 (1): user_paid has 1 chatbots, its gauge says 2',
        '13 (1): anon may select app.plans'], 'several violations are all reported');
select is(pg_temp.broken(), '{}', 'looking changed nothing');

-- 15 to 17: what an account has, and what is under way
select pg_temp.reports($$ update app.accounts set plan = 'enterprise' where account_id = 'user_free' $$,
  array['15 (1): user_free has enterprise until ever anchored ' || (select anchor from app.accounts where account_id = 'user_free')
        || ' by its row, free until ever anchored ' || (select anchor from app.accounts where account_id = 'user_free') || ' by its subscriptions'],
  'a plan nobody pays for is reported');
select pg_temp.reports($$ update app.accounts set pending_plan = 'starter' where account_id = 'user_paid' $$,
  array['16 (1): the levels of user_paid are held to starter, but its scheduled downgrade is to none'],
  'levels held to a plan without a downgrade are reported');
select pg_temp.reports($$ insert into app.processor_operations (account_id, processor, subscription_id, kind, reason, next_attempt_at, created_at)
    values ('user_paid', 'stripe', 'sub_paid', 'pause', 'owner', app.clock(), '2027-03-09 11:00+00') $$,
  array['17 (1): pause of sub_paid of user_paid waits since 2027-03-09 11:00:00+00'], 'a change that is asked for since more than a day is reported');
select pg_temp.reports($$ insert into app.checkouts (account_id, id, processor, plan, billing_interval, price_id, trial_days, expires_at)
    values ('user_free', '00000000-0000-4000-8000-000000000001', 'stripe', 'growth', 'month', 'price_growth_monthly', 0, '2027-03-09 11:00+00') $$,
  array['17 (1): purchase 00000000-0000-4000-8000-000000000001 of user_free is open 1 day 01:00:00 after its time'], 'so is a purchase that nobody ended');

-- 5 to 7 again: reversals, customers that were deleted, ends that are final
create function pg_temp.also(p_id text, p_kind text, p_at timestamptz, p_account text default null, p_customer text default null, p_subscription text default null, p_status text default null,
  p_payment_id text default null, p_processor text default 'stripe') returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, p_processor, p_id, 'test.' || p_kind, p_kind, p_at, 2, p_customer, p_subscription, case p_kind when 'state' then p_status end,
    case p_kind when 'payment' then 'paid' end, array['price_growth_monthly'], array['2027-03-01 10:00+00'::timestamptz], array['2027-04-01 10:00+00'::timestamptz], null, 7900, 'USD', '{}', null, false, null, p_payment_id,
    '{}', case when p_kind in ('refund', 'dispute') then 're_' || p_id end, case when p_kind in ('refund', 'dispute') then 'reversed' end) r
$$;
select is((select string_agg(pg_temp.also(id, kind, at::timestamptz, account, customer, subscription, status, payment_id, processor), ' ' order by i) from (values
    (1, 'evt_r1', 'state', '2027-03-01 10:00+00', 'user_back', 'cus_back', 'sub_back', 'active', null, 'stripe'), (2, 'evt_r2', 'payment', '2027-03-01 11:00+00', null, 'cus_back', 'sub_back', null, 'in_back', 'stripe'),
    (3, 'evt_refund', 'refund', '2027-03-02 10:00+00', null, null, null, null, 'in_back', 'stripe'), (4, 'evt_dispute', 'dispute', '2027-03-03 10:00+00', null, null, 'sub_back', null, 'in_back', 'stripe'),
    (5, 'evt_g1', 'state', '2027-03-01 10:00+00', 'user_gone', 'cus_gone', 'sub_gone', 'active', null, 'stripe'), (6, 'evt_gone', 'closed', '2027-03-02 10:00+00', null, 'cus_gone', null, null, null, 'stripe'),
    (7, 'evt_g2', 'state', '2027-03-03 10:00+00', 'user_gone', 'cus_gone', 'sub_gone', 'active', null, 'stripe'), (8, 'evt_nobody_gone', 'closed', '2027-03-02 10:00+00', null, 'cus_nobody', null, null, null, 'stripe'),
    (9, 'evt_e1', 'state', '2027-03-01 10:00+00', 'user_end', 'cus_end', 'sub_end', 'active', null, 'stripe'), (10, 'evt_e2', 'state', '2027-03-02 10:00+00', null, 'cus_end', 'sub_end', 'canceled', null, 'stripe'),
    (11, 'evt_e3', 'state', '2027-03-03 10:00+00', null, 'cus_end', 'sub_end', 'active', null, 'stripe'), (12, 'evt_c1', 'state', '2027-03-01 10:00+00', 'user_closed', 'cus_closed', 'sub_closed', 'active', null, 'stripe'),
    (13, 'evt_closed', 'closed', '2027-03-02 10:00+00', 'user_closed', null, null, null, null, 'clerk')) v (i, id, kind, at, account, customer, subscription, status, payment_id, processor)),
  array_to_string(array_fill('processed'::text, array[13]), ' '), 'refunds, disputes, deleted customers, an account that was closed and late events of what had ended are taken in');
select results_eq($$ select account_id, plan from app.accounts where account_id in ('user_back', 'user_closed', 'user_end', 'user_gone') order by 1 $$,
  $$ values ('user_back', 'free'), ('user_closed', 'free'), ('user_end', 'free'), ('user_gone', 'free') $$, '… none of them grants anything any more');
select is(pg_temp.broken(), '{}', '… and every invariant holds');
create function pg_temp.reports_one_like(p_statement text, p_pattern text, p_name text) returns text language sql as $$
  select ok(exists (select from unnest(pg_temp.planted(p_statement)) v where v like p_pattern), p_name)
$$;
select pg_temp.reports($$ delete from app.reversal_events where event_id = 'evt_dispute' $$, array['5 (1): stripe evt_dispute was said to be processed, but nothing of it is there',
        '15 (1): sub_back of user_back is suspended by re_evt_dispute by its row, by re_evt_refund by what was said'],
  'a dispute said to be processed without effect is reported');
select pg_temp.reports($$ delete from app.reversal_events where event_id = 'evt_refund' $$, array['5 (1): stripe evt_refund was said to be processed, but nothing of it is there'],
  'so is a refund, which names no subscription');
select pg_temp.reports_one_like($$ delete from app.tombstones where object_id = 'cus_nobody' $$, '5 (1): stripe evt_nobody_gone %', 'so is the end of a customer');
select pg_temp.reports_one_like($$ update app.accounts set closed_at = null where account_id = 'user_closed' $$, '5 (1): clerk evt_closed %', 'so is the end of an account');
select pg_temp.reports_one_like($$ delete from app.subscription_events where event_id = 'evt_g1' $$, '5 (1): stripe evt_g1 was said to be processed, but nothing of it is there', '… and any other delivery, also of a customer that was deleted');
select pg_temp.reports($$ update app.webhook_events set status = 'failed' where id = 'evt_refund' $$, array['6 (1): stripe evt_refund has an effect, but its delivery is failed'], 'an effect of a refund that failed is reported');
select pg_temp.reports($$ delete from app.webhook_events where id = 'evt_dispute' $$, array['6 (1): stripe evt_dispute has an effect, but its delivery is missing'], '… or that never came');
select pg_temp.reports_one_like($$ delete from app.webhook_events where id = 'evt_gone' $$, '6 (1): stripe evt_gone %', 'so is a tombstone whose delivery never came');
select pg_temp.reports_one_like($$ delete from app.tombstones where object_id = 'cus_gone' $$, '7 (1): sub_gone of user_gone is canceled on growth, but evt_g2 says active on growth', 'a subscription that ended without an end is reported');
select pg_temp.reports_one_like($$ delete from app.subscription_events where event_id = 'evt_e2'; delete from app.webhook_events where id = 'evt_e2' $$, '7 (1): sub_end of user_end is canceled on growth, but evt_e3 says active on growth', '… so is one that was canceled by nobody');
create function pg_temp.revived(p_account text) returns text language sql as $$
  select format($f$ update app.processor_subscriptions set status = 'active', in_force = true where account_id = %1$L; update app.accounts set plan = 'growth' where account_id = %1$L $f$, p_account)
$$;
select pg_temp.reports_one_like(pg_temp.revived('user_end'), '7 (1): sub_end of user_end %', 'a subscription that was canceled and lives is reported, though its latest event says so');
select pg_temp.reports_one_like(pg_temp.revived('user_gone'), '7 (1): sub_gone of user_gone %', '… so is one of a customer that was deleted');
select pg_temp.reports_one_like($$ update app.accounts set plan = 'growth' where account_id = 'user_closed' $$, '15 (1): user_closed has growth %', 'a closed account that has a plan is reported');
select pg_temp.reports_one_like($$ update app.processor_subscriptions set suspended_by = null where subscription_id = 'sub_back' $$, '15 (2): %', 'so is one whose disputed subscription is not suspended');
select pg_temp.reports_one_like($$ update app.processor_subscriptions set suspended_by = 'dp_never', in_force = false where subscription_id = 'sub_late'; update app.accounts set plan = 'free', plan_ends_at = null where account_id = 'user_late' $$,
  '15 (1): sub_late of user_late is suspended by dp_never by its row, by nothing by what was said', '… and one that is suspended by nothing, and so for ever');

-- 18: a chatbot's own count
create function pg_temp.counted(p_change text) returns text language sql as $$
  select format($f$ update app.chatbot_answers a set %s from (select account_id, chatbot_id from app.chatbot_answers where account_id = 'user_paid' limit 1) o
    where a.account_id = o.account_id and a.chatbot_id = o.chatbot_id $f$, p_change)
$$;
select is((select used from app.chatbot_answers where account_id = 'user_paid' limit 1), 3::bigint, 'a chatbot asked four times, of which one failed, counts three');
select pg_temp.reports_one_like(pg_temp.counted('used = a.used + 1'), '18 (1): chatbot % of user_paid answered 3 in the window of %, its count says 4', 'a count that is too high is reported');
select pg_temp.reports_one_like(pg_temp.counted('used = a.used - 1'), '18 (1): chatbot % of user_paid answered 3 in the window of %, its count says 2', '… and one that is too low');
select pg_temp.reports_one_like($$ delete from app.chatbot_answers where account_id = 'user_paid' $$, '18 (1): chatbot % of user_paid answered 3 in the window of %, its count says 0', '… and one that is missing');
select pg_temp.reports_one_like($$ insert into app.chatbot_answers (account_id, chatbot_id, window_start, used) select account_id, id, '2020-01-01 00:00+00', 2 from app.chatbots where account_id = 'user_paid' $$,
  '18 (1): chatbot % of user_paid answered 0 in the window of 2020%, its count says 2', '… and one of answers nobody gave');
select is(pg_temp.planted($$ delete from app.chatbot_answers where account_id = 'user_late'; insert into app.usage_reservations (account_id, request_id, metric, window_start, reserved, status, settled, message_id, chatbot_id, operation, created_at, expires_at)
  select 'user_paid', 'answer:gone', 'messages', '2020-01-01 00:00+00', 1, 'settled', 1, gen_random_uuid(), gen_random_uuid(), 'answer', app.clock(), app.clock() $$), '{}', 'of a chatbot that was deleted nothing is counted');

-- who may ask
set local role operator;
select is((select count(*) from api.check_invariants()), 18::bigint, 'the operator may ask');
reset role;
set local role service_role;
select is((select count(*) from api.check_invariants()), 18::bigint, 'so may the server');
reset role;
set local role anon;
select throws_ok('select * from api.check_invariants()', '42501', null, 'anon may not');
reset role;
set local role authenticated;
select throws_ok('select * from api.check_invariants()', '42501', null, 'nor may a signed-in user');
reset role;

select * from finish();
rollback;
