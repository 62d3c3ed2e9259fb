-- record_billing_event, part 1: what is answered, what the inbox keeps, whose event it is. The order of events is part 2,
-- statuses, grace and windows are part 3 (record_billing_event.order and .money).
begin;
select plan(73);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin
  perform api.upsert_price('stripe', 'price_' || p || '_monthly', p, 'month') from unnest(array['starter', 'growth', 'enterprise']) p;
  perform api.upsert_price('paddle', 'pri_growth_monthly', 'growth', 'month');
end $$;

-- An event, told shortly: a state event of stripe for March unless something else is said.
create function pg_temp.deliver(
  p_id text, p_subscription text, p_account text default null, p_customer text default null, p_kind text default 'state',
  p_status text default 'active', p_payment text default null, p_prices text[] default array['price_growth_monthly'],
  p_at timestamptz default '2027-03-01 10:00+00', p_rank integer default 2, p_processor text default 'stripe',
  p_is_retry boolean default false, p_reason text default null, p_period_end timestamptz default '2027-04-01 10:00+00'
) returns table (outcome text, account_id text, subscription_id text, tie boolean, linked boolean, last_error text)
language sql as $$
  select r.outcome, r.account_id, r.subscription_id, r.tie, r.linked, r.last_error
  from api.record_billing_event(
    p_account, p_processor, p_id, 'test.' || p_kind, p_kind, p_at, p_rank, p_customer, p_subscription,
    case when p_kind = 'state' then p_status end, case when p_kind = 'payment' then coalesce(p_payment, 'paid') end, p_prices,
    array_fill('2027-03-01 10:00+00'::timestamptz, array[coalesce(cardinality(p_prices), 0)]), array_fill(p_period_end, array[coalesce(cardinality(p_prices), 0)]),
    '2027-12-01 00:00+00', 4900, 'USD', '{"id":"' || p_id || '"}', p_reason, p_is_retry) r
$$;
create function pg_temp.outcome(
  p_id text, p_subscription text, p_account text default null, p_customer text default null, p_kind text default 'state'
) returns text language sql as $$ select outcome from pg_temp.deliver(p_id, p_subscription, p_account, p_customer, p_kind) $$;
create function pg_temp.inbox(p_id text, p_processor text default 'stripe') returns app.webhook_events language sql as $$
  select e from app.webhook_events e where e.processor = p_processor and e.id = p_id
$$;
create function pg_temp.plan_of(p_account text) returns text language sql as $$ select plan from app.accounts where account_id = p_account $$;

-- processed, and what is kept
select results_eq($$ select * from pg_temp.deliver('evt_1', 'sub_1', 'user_1', 'cus_1') $$,
  $$ values ('processed', 'user_1', 'sub_1', false, true, null::text) $$,
  'a first event that names its account takes effect, and ties its subscription and customer to it');
select is(pg_temp.plan_of('user_1'), 'growth', 'the account is made, on the plan of the price');
select results_eq($$ select e.status, e.attempts, e.deliveries, e.last_error, e.account_id, e.processed_at, e.next_attempt_at, e.created_at
                     from pg_temp.inbox('evt_1') e $$,
  $$ values ('processed', 1, 1, null::text, 'user_1', app.clock(), null::timestamptz, app.clock()) $$,
  'the inbox row says processed, once attempted, once delivered, not due again');
select results_eq($$ select e.event_type, e.customer_id, e.subscription_id, e.occurred_at, e.payload, e.payload_sha256 from pg_temp.inbox('evt_1') e $$,
  $$ values ('test.state', 'cus_1', 'sub_1', '2027-03-01 10:00+00'::timestamptz, '{"id":"evt_1"}',
             encode(sha256('{"id":"evt_1"}'::bytea), 'hex')) $$,
  'the body is kept as received, with its SHA-256');
select results_eq($$ select object_id, account_id, event_id from app.processor_links where processor = 'stripe' order by object_id collate "C" $$,
  $$ values ('cus_1', 'user_1', 'evt_1'), ('sub_1', 'user_1', 'evt_1') $$, 'both processor ids are tied to the account, with the event that said so');
select results_eq($$ select occurred_at, event_rank::int, status, payment, plan, price_id, period_start, period_end, cancels_at, amount_minor, currency
                     from app.subscription_events where event_id = 'evt_1' $$,
  $$ values ('2027-03-01 10:00+00'::timestamptz, 2, 'active', null::text, 'growth', 'price_growth_monthly', '2027-03-01 10:00+00'::timestamptz,
             '2027-04-01 10:00+00'::timestamptz, '2027-12-01 00:00+00'::timestamptz, 4900::bigint, 'USD') $$,
  'what the event said is kept whole, with amount and currency');

-- duplicate
select results_eq($$ select * from pg_temp.deliver('evt_1', 'sub_1', 'user_1', 'cus_1') $$,
  $$ values ('duplicate', 'user_1', 'sub_1', false, false, null::text) $$, 'a second delivery of the same event is a duplicate');
select results_eq($$ select e.status, e.attempts, e.deliveries from pg_temp.inbox('evt_1') e $$, $$ values ('processed', 1, 2) $$,
  'a duplicate is counted as a delivery, not as an attempt');
select is((select outcome from pg_temp.deliver('evt_1', 'sub_1', 'user_1', p_status => 'canceled')), 'duplicate',
  'an event id delivered with another content stays what it was first');
select is(pg_temp.plan_of('user_1'), 'growth', '… and changes nothing');
select is((select count(*) from app.subscription_events where event_id = 'evt_1'), 1::bigint, 'a duplicate has no second effect');
select is((select count(*) from app.webhook_events where id = 'evt_1'), 1::bigint, 'a delivery is in the inbox once, however often it comes');
select is((select outcome from pg_temp.deliver('evt_1', 'sub_p', 'user_p', p_processor => 'paddle', p_prices => array['pri_growth_monthly'])), 'processed',
  'the same event id of another processor is another event');

-- stale
select is((select outcome from pg_temp.deliver('evt_0', 'sub_1', p_status => 'past_due', p_at => '2027-02-28 10:00+00')), 'stale',
  'an event older than what is known is stale');
select results_eq($$ select e.status, e.processed_at from pg_temp.inbox('evt_0') e $$, $$ values ('processed', app.clock()) $$,
  'a stale event is done: it is not tried again');
select is((select status from app.processor_subscriptions where account_id = 'user_1'), 'active', 'a stale event does not change the present state');

-- ignored, rejected
select results_eq($$ select * from pg_temp.deliver('evt_ignored', null, 'user_nobody', p_kind => 'ignored', p_reason => 'type not acted on') $$,
  $$ values ('ignored', null::text, null::text, false, false, 'type not acted on') $$, 'a type without effect is answered ignored, with the reason');
select results_eq($$ select e.status, e.last_error, e.next_attempt_at from pg_temp.inbox('evt_ignored') e $$,
  $$ values ('ignored', 'type not acted on', null::timestamptz) $$, 'an ignored event is kept and not tried again');
select is((select count(*) from app.accounts where account_id = 'user_nobody'), 0::bigint, 'an ignored event makes no account');
select results_eq($$ select outcome, last_error from pg_temp.deliver('evt_ignored', null, p_kind => 'ignored') $$,
  $$ values ('duplicate', 'type not acted on') $$, 'an ignored event delivered again is a duplicate');
select results_eq($$ select outcome, last_error from pg_temp.deliver('evt_rejected', 'sub_1', 'user_1', p_kind => 'rejected', p_reason => 'unknown shape') $$,
  $$ values ('dead', 'unknown shape') $$, 'a known type in an unknown shape is dead at once, never guessed at');
select results_eq($$ select e.status, e.last_error, e.next_attempt_at, e.processed_at from pg_temp.inbox('evt_rejected') e $$,
  $$ values ('dead', 'unknown shape', null::timestamptz, null::timestamptz) $$, 'a rejected event is kept as dead and not due');
select is(pg_temp.outcome('evt_rejected', 'sub_1', 'user_1', p_kind => 'rejected'), 'duplicate', 'a dead event delivered again is a duplicate');

-- failed for want of its account, woken by the link
select results_eq($$ select outcome, account_id, linked, last_error from pg_temp.deliver('evt_p1', 'sub_2', p_customer => 'cus_2') $$,
  $$ values ('failed', null::text, false, 'PY413 no account is known yet for this customer, subscription or payment') $$,
  'an event of nobody known fails, saying why');
select results_eq($$ select e.status, e.attempts, e.next_attempt_at between app.clock() + interval '2.7 s' and app.clock() + interval '3 s', e.processed_at
                     from pg_temp.inbox('evt_p1') e $$,
  $$ values ('failed', 1, true, null::timestamptz) $$, '… it will be tried again, after a pause');
select is((select count(*) from app.subscription_events where subscription_id = 'sub_2'), 0::bigint, '… and has no effect');
select is(pg_temp.outcome('evt_p1', 'sub_2', p_customer => 'cus_2'), 'failed', 'delivered again while its account is not known, it fails again');
select is((pg_temp.inbox('evt_p1')).deliveries, 2, '… and the delivery is counted');
select is(pg_temp.outcome('evt_p2', 'sub_other', p_customer => 'cus_2'), 'failed', 'another subscription of the same customer fails too');
select is(pg_temp.outcome('evt_p3', 'sub_3', p_customer => 'cus_3'), 'failed', 'so is an event of another customer');
select is((select outcome from pg_temp.deliver('evt_p4', 'sub_2', p_customer => 'cus_2', p_processor => 'paddle')), 'failed', 'and one of another processor with the same ids');
select results_eq($$ select outcome, account_id, linked from pg_temp.deliver('evt_link', 'sub_2', 'user_2', 'cus_2', 'link') $$,
  $$ values ('processed', 'user_2', true) $$, 'a checkout ties customer and subscription to the account and says so');
select is(pg_temp.plan_of('user_2'), 'free', 'a link alone grants nothing');
select results_eq($$ select id, next_attempt_at from app.webhook_events where status = 'failed' and next_attempt_at <= app.clock() order by id $$,
  $$ values ('evt_p1', app.clock()), ('evt_p2', app.clock()) $$, 'the link makes exactly the deliveries that waited for it due, now');
select set_eq($$ select id from api.claim_webhook_events() $$, array['evt_p1', 'evt_p2'], 'the worker gets them');
select is((select outcome from pg_temp.deliver('evt_p1', 'sub_2', p_customer => 'cus_2', p_is_retry => true)), 'processed', 'woken, it takes effect');
select is(pg_temp.plan_of('user_2'), 'growth', 'the account gets the plan it paid for before its link came');
select results_eq($$ select e.status, e.deliveries, e.account_id, e.last_error, e.next_attempt_at from pg_temp.inbox('evt_p1') e $$,
  $$ values ('processed', 2, 'user_2', null::text, null::timestamptz) $$, 'a retry of our own is no delivery, and clears the error');
select results_eq($$ select outcome, linked from pg_temp.deliver('evt_link2', 'sub_2', 'user_2', 'cus_2', 'link') $$,
  $$ values ('processed', false) $$, 'a link that is known already is nothing new');

-- whose event it is
select is((select account_id from pg_temp.deliver('evt_o1', 'sub_2', 'user_thief', 'cus_thief')), 'user_2',
  'a subscription never moves to another account, whatever a later event says');
select is((select account_id from pg_temp.deliver('evt_o2', 'sub_o2', 'user_o2', 'cus_2')), 'user_o2',
  'the account an event names itself goes before the account of its customer');
select is((select account_id from app.processor_links where object_id = 'cus_2'), 'user_2', '… and the customer stays with its first account');
select is((select account_id from pg_temp.deliver('evt_o3', 'sub_o3', '', 'cus_2')), 'user_2',
  'an empty account id is none: the customer decides');

select results_eq($$ select outcome, account_id from pg_temp.deliver('evt_o4', 'sub_o4', null, 'cus_2', 'payment') $$, $$ values ('failed', null::text) $$,
  'a payment that names nobody fails until its subscription has come, though its customer is known: a customer may pay for several accounts');
select results_eq($$ select outcome, account_id, linked from pg_temp.deliver('evt_o5', 'sub_o4', 'user_o4', 'cus_2') $$, $$ values ('processed', 'user_o4', true) $$, '… the subscription tells whose it is');
select results_eq($$ select outcome, account_id from pg_temp.deliver('evt_o4', 'sub_o4', null, 'cus_2', 'payment', p_is_retry => true) $$, $$ values ('stale', 'user_o4') $$, '… and the payment follows it');

-- unknown price
select results_eq($$ select outcome, last_error from pg_temp.deliver('evt_u1', 'sub_u', 'user_u', 'cus_u', p_prices => array['price_new']) $$,
  $$ values ('failed', 'PY412 unknown price price_new of stripe: tell which plan it is with upsert_price') $$, 'a price that is no plan''s fails, saying what to do');
select is((select count(*) from app.accounts a where a.account_id = 'user_u') + (select count(*) from app.processor_links l where l.account_id = 'user_u')
  + (select count(*) from app.subscription_events s where s.subscription_id = 'sub_u'), 0::bigint, 'a failed event leaves no effect at all, no link either');
select ok((e).next_attempt_at > app.clock() and (e).processed_at is null and (e).status = 'failed', 'a failed event will be tried again later')
from pg_temp.inbox('evt_u1') e;
select is(pg_temp.outcome('evt_after', 'sub_after', 'user_after'), 'processed', 'a failed event holds up no other subscription');
do $$ begin perform api.upsert_price('stripe', 'price_new', 'starter', 'year'); end $$;
select results_eq($$ select e.status, e.attempts, e.next_attempt_at from pg_temp.inbox('evt_u1') e $$, $$ values ('failed', 0, app.clock()) $$,
  'naming the price makes the event due at once');
select is((select outcome from pg_temp.deliver('evt_u1', 'sub_u', 'user_u', 'cus_u', p_prices => array['price_new'], p_is_retry => true)), 'processed', '… and it takes effect');
select is(pg_temp.plan_of('user_u'), 'starter', '… with the plan the price was given');
select is((select outcome from pg_temp.deliver('evt_u2', 'sub_u2', 'user_u2', p_kind => 'payment', p_payment => 'paid', p_prices => array['price_unknown'])), 'failed',
  'money for an unknown price fails too');
select is((select outcome from pg_temp.deliver('evt_u3', 'sub_u3', 'user_u3', p_status => 'canceled', p_prices => array['price_unknown'])), 'processed',
  'an unknown price does not matter for what grants nothing');
select is((select outcome from pg_temp.deliver('evt_u4', 'sub_u4', 'user_u4', p_prices => array['price_addon', 'price_starter_monthly', 'price_growth_monthly'])), 'processed',
  'items that are no plan do not matter beside one that is');
select is(pg_temp.plan_of('user_u4'), 'growth', 'of several plans the largest counts');
select is((select outcome from pg_temp.deliver('evt_u5', 'sub_u5', 'user_u5', p_prices => null)), 'processed', 'an event without items is taken in');
select is(pg_temp.plan_of('user_u5'), 'free', '… and grants no plan that it does not name');

-- a period that does not run forward is no period
select is((select outcome from pg_temp.deliver('evt_period', 'sub_period', 'user_period', p_period_end => '2027-03-01 10:00+00')), 'processed', 'a period without length does not fail the event');
select is((select period_start from app.subscription_events where event_id = 'evt_period'), null, '… it is passed over');

-- ten failures
select is((select array_agg(d.outcome order by i) from generate_series(1, 10) i cross join lateral
           pg_temp.deliver('evt_ten', 'sub_ten', 'user_ten', p_prices => array['price_ten'], p_is_retry => true, p_reason => i::text) d),
  array_fill('failed'::text, array[9]) || array['dead'], 'an event that failed ten times is dead, not sooner');
select results_eq($$ select e.status, e.attempts, e.next_attempt_at from pg_temp.inbox('evt_ten') e $$, $$ values ('dead', 10, null::timestamptz) $$, 'a dead event is not due again');
select is((select outcome from pg_temp.deliver('evt_ten', 'sub_ten', 'user_ten', p_prices => array['price_ten'])), 'duplicate', 'a dead event is not tried by another delivery');
select is((select status from api.replay_webhook_event('stripe', 'evt_ten')), 'failed', 'replayed by hand, it is due again');
do $$ begin perform api.upsert_price('stripe', 'price_ten', 'growth', 'month'); end $$;
select is((select outcome from pg_temp.deliver('evt_ten', 'sub_ten', 'user_ten', p_prices => array['price_ten'], p_is_retry => true)), 'processed', '… and takes effect once its cause is gone');

-- arguments
select throws_ok($$ select pg_temp.deliver('evt_x', 'sub_x', 'user_x', p_kind => 'chargeback') $$, 'PY004', 'kind must be link, state, payment, refund, dispute, closed, ignored or rejected', 'an unknown kind is refused');
select throws_ok($$ select pg_temp.deliver('', 'sub_x', 'user_x') $$, 'PY004', 'event_id must have 1 to 255 characters', 'an empty event id is refused');
select throws_ok($$ select pg_temp.deliver(repeat('e', 256), 'sub_x', 'user_x') $$, 'PY004', 'event_id must have 1 to 255 characters', 'an event id of 256 characters is refused');
select throws_ok($$ select pg_temp.deliver('evt_x', null, 'user_x') $$, 'PY004', 'subscription_id is required for a state event', 'a state of no subscription is refused');
select throws_ok($$ select pg_temp.deliver('evt_x', null, 'user_x', p_kind => 'payment') $$, 'PY004', 'subscription_id is required for a payment event', 'a payment for no subscription is refused');
select is((select left(last_error, 5) from pg_temp.deliver('evt_long', 'sub_long', repeat('a', 256))), 'PY004', 'an account id that cannot be one fails the event; it is kept, not lost');
select is((select count(*) from app.webhook_events where id = 'evt_x'), 0::bigint, 'a refused call leaves nothing in the inbox');

select * from finish();
rollback;
