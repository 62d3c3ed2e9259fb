-- reconcile_event: what a processor says happened is compared with what is known, and corrected as a delivery would.
begin;
select plan(45);

update app.environment
set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from '2027-03-10 12:00+00'::timestamptz - now())::float8);
do $$ begin
  perform api.upsert_price('stripe', 'price_' || p || '_monthly', p, 'month') from unnest(array['starter', 'growth']) p;
  perform api.record_billing_event('user_1', 'stripe', 'evt_known', 'customer.subscription.updated', 'state', '2027-03-01 10:00+00', 2, 'cus_1', 'sub_1', 'active', null,
    array['price_growth_monthly'], array['2027-03-01 10:00+00'::timestamptz], array['2027-04-01 10:00+00'::timestamptz], null, null, null, '{}');
  perform api.check_and_increment_usage('user_1', 'messages', 50);
end $$;
create temp table run as select run_id from api.begin_reconciliation('stripe');
create temp table dry as select run_id from api.begin_reconciliation('stripe', null, true);
create temp table answered as select * from api.reconcile_event(null, false, null, 'stripe', 'evt_known', 't', 'ignored', now(), 0, null, null, null, null, null, null, null, null, null, null, '{}') limit 0;

-- What the processor says: an event as it was sent (p_type), or how the subscription looks now (fetched).
create function pg_temp.told(
  p_id text, p_type text default 'customer.subscription.updated', p_kind text default 'state', p_status text default 'active', p_plan text default 'growth',
  p_at timestamptz default '2027-03-05 10:00+00', p_dry_run boolean default false, p_account text default 'user_1', p_subscription text default 'sub_1',
  p_payment_id text default null, p_reversal_id text default null, p_cancels_at timestamptz default null
) returns setof answered language sql as $$
  select r.* from run, dry, api.reconcile_event(
    case when p_dry_run then dry.run_id else run.run_id end, p_dry_run, p_account, 'stripe', p_id, p_type, p_kind, p_at, 2,
    case when p_kind in ('refund', 'dispute') then null else 'cus_' || p_subscription end, case when p_kind in ('refund', 'dispute') then null else p_subscription end,
    case when p_kind = 'state' then p_status end, case when p_kind = 'payment' then 'paid' end,
    case when p_plan is not null then array['price_' || p_plan || '_monthly'] end, array['2027-03-01 10:00+00'::timestamptz], array['2027-04-01 10:00+00'::timestamptz], p_cancels_at, 7900, 'USD', '{"of":"' || p_id || '"}',
    'why', null, p_payment_id, '{}', p_reversal_id, case when p_reversal_id is not null then 'reversed' end) r
$$;
create function pg_temp.everything() returns jsonb language sql as $$
  select jsonb_build_array(
    (select jsonb_agg(to_jsonb(s) order by s.account_id, s.subscription_id) from app.processor_subscriptions s), (select jsonb_agg(to_jsonb(a) order by a.account_id) from app.accounts a),
    (select jsonb_agg(to_jsonb(w) order by w.account_id, w.subscription_id, w.window_start) from app.windows w), (select jsonb_agg(to_jsonb(c) order by c.account_id, c.metric) from app.counters c),
    (select jsonb_agg(e.id order by e.id) from app.webhook_events e), (select jsonb_agg(l.object_id order by l.object_id) from app.processor_links l),
    (select jsonb_agg(r.event_id order by r.event_id) from app.reversal_events r), (select jsonb_agg(t.event_id order by t.event_id) from app.tombstones t))
$$;
create function pg_temp.drifts(p_event text) returns text[] language sql as $$
  select array_agg(concat_ws(' ', d.field || ':', coalesce(d.ours, '-'), '>', coalesce(d.theirs, '-'), case when d.corrected then 'corrected' end) order by d.field collate "C") from app.reconciliation_drifts d where d.event_id = p_event
$$;

-- known
select results_eq($$ select outcome, account_id, subscription_id, fields, tie, linked, last_error from pg_temp.told('evt_known', p_at => '2027-03-01 10:00+00') $$,
  $$ values ('known', 'user_1', 'sub_1', 0::bigint, false, false, null::text) $$, 'what was taken in before is known');
select is((select outcome from pg_temp.told('evt_passed_over', 'invoice.upcoming', 'ignored')), 'known', 'so is what has no effect');
select is_empty('select * from app.reconciliation_drifts', 'neither is a difference');

-- the present state, as it is known
create temp table at_first as select pg_temp.everything() as state;
select results_eq($$ select outcome, fields from pg_temp.told('fetch:sub_1:a', 'fetched', p_at => '2027-03-10 11:00+00') $$, $$ values ('same', 0::bigint) $$, 'a subscription that looks as it is known is the same');
select is(pg_temp.everything(), (select state from at_first), '… and is not kept');
select is(pg_temp.drifts('fetch:sub_1:a'), null, '… nor noted as a difference');

-- looking without correcting
select results_eq($$ select outcome, account_id, fields, tie, linked from pg_temp.told('evt_dry', p_status => 'past_due', p_plan => 'starter', p_dry_run => true) $$,
  $$ values ('corrected', 'user_1', 5::bigint, false, false) $$, 'without correcting, what is missing is found');
select is(pg_temp.drifts('evt_dry'), array['account_plan: growth > starter', 'event: missing > customer.subscription.updated', 'plan: growth > starter', 'price_id: price_growth_monthly > price_starter_monthly', 'status: active > past_due'],
  '… with what differs, field by field');
select is(pg_temp.everything(), (select state from at_first), '… nothing is changed: no event, no state, no link, no counter');
select results_eq($$ select corrections, entries from app.reconciliation_runs r join dry on run_id = r.id $$, $$ values (0::bigint, 0::bigint) $$, '… and nothing counts as corrected');
select is((select outcome from pg_temp.told('fetch:sub_1:b', 'fetched', p_status => 'canceled', p_at => '2027-03-10 11:00+00', p_dry_run => true)), 'corrected', 'so is a present state that differs');
select is(pg_temp.drifts('fetch:sub_1:b'), array['account_plan: growth > free', 'status: active > canceled'], '… of which only the fields are noted: nothing was missing');
select is((select outcome from pg_temp.told('evt_dry_new', p_account => 'user_new', p_subscription => 'sub_new', p_dry_run => true)), 'corrected', 'a whole subscription that is missing is found');
select is(pg_temp.drifts('evt_dry_new'), array['account_plan: - > growth', 'event: missing > customer.subscription.updated', 'period_end: - > 2027-04-01 10:00:00+00', 'period_start: - > 2027-03-01 10:00:00+00',
  'plan: - > growth', 'price_id: - > price_growth_monthly', 'status: - > active'], '… where all that it says differs');
select is_empty($$ select from app.accounts where account_id = 'user_new' $$, '… and makes no account');
select is((select outcome from pg_temp.told('evt_dry_lost', p_account => null, p_subscription => 'sub_nobody', p_dry_run => true)), 'failed', 'what cannot be applied is told');
select is(pg_temp.everything(), (select state from at_first), '… and all is as it was');

-- correcting
select results_eq($$ select outcome, account_id, fields from pg_temp.told('evt_missed', p_status => 'past_due', p_plan => 'starter') $$, $$ values ('corrected', 'user_1', 5::bigint) $$, 'what is missing is taken in');
select is(pg_temp.drifts('evt_missed'), array['account_plan: growth > starter corrected', 'event: missing > customer.subscription.updated corrected', 'plan: growth > starter corrected',
  'price_id: price_growth_monthly > price_starter_monthly corrected', 'status: active > past_due corrected'], '… with what differed, field by field');
select results_eq($$ select status, plan from app.processor_subscriptions where subscription_id = 'sub_1' $$, $$ values ('past_due', 'starter') $$, '… and takes effect');
select results_eq($$ select status, event_type, payload from app.webhook_events where id = 'evt_missed' $$, $$ values ('processed', 'customer.subscription.updated', '{"of":"evt_missed"}') $$, '… as a delivery would');
select results_eq($$ select distinct processor, account_id, subscription_id, event_type, created_at from app.reconciliation_drifts where event_id = 'evt_missed' $$,
  $$ values ('stripe', 'user_1', 'sub_1', 'customer.subscription.updated', app.clock()) $$, '… whose it is is noted with it');
select results_eq($$ select corrections from app.reconciliation_runs r join run on run_id = r.id $$, array[1::bigint], 'it counts as corrected once');
select results_eq($$ select outcome, fields from pg_temp.told('evt_missed', p_status => 'past_due', p_plan => 'starter') $$, $$ values ('known', 0::bigint) $$, 'said again, it is known');
select results_eq($$ select corrections from app.reconciliation_runs r join run on run_id = r.id $$, array[1::bigint], '… and not counted again');
select results_eq($$ select outcome, fields from pg_temp.told('fetch:sub_1:c', 'fetched', p_at => '2027-03-10 11:30+00', p_cancels_at => '2027-04-01 10:00+00') $$, $$ values ('corrected', 5::bigint) $$, 'a present state that differs is taken in');
select is(pg_temp.drifts('fetch:sub_1:c'), array['account_plan: starter > growth corrected', 'cancels_at: - > 2027-04-01 10:00:00+00 corrected', 'plan: starter > growth corrected',
  'price_id: price_starter_monthly > price_growth_monthly corrected', 'status: past_due > active corrected'], '… with what differed');
select results_eq($$ select status, event_type from app.webhook_events where id = 'fetch:sub_1:c' $$, $$ values ('processed', 'fetched') $$, '… and kept: the state follows from what is kept');
select results_eq($$ select outcome, fields from pg_temp.told('evt_stale', p_status => 'past_due', p_at => '2027-03-02 10:00+00') $$, $$ values ('corrected', 1::bigint) $$, 'an old event that was missing is taken in, though nothing follows from it any more');
select is(pg_temp.drifts('evt_stale'), array['event: missing > customer.subscription.updated corrected'], '… it was missing, and nothing else differed');
select is((select used from app.counters where account_id = 'user_1' and metric = 'messages'), 50::bigint, 'no correction moves a counter');

-- refunds, and what names no subscription
select is((select outcome from pg_temp.told('evt_paid', 'invoice.paid', 'payment', p_at => '2027-03-01 11:00+00', p_payment_id => 'in_1')), 'corrected', 'a payment that was missing is taken in');
select results_eq($$ select outcome, account_id, fields from pg_temp.told('evt_refund', 'refund.updated', 'refund', p_account => null, p_payment_id => 'in_1', p_reversal_id => 're_1') $$, $$ values ('corrected', 'user_1', 3::bigint) $$,
  'so is a refund');
select is((select plan from app.accounts where account_id = 'user_1'), 'free', '… which takes effect');

-- failures
select results_eq($$ select outcome, fields, left(last_error, 5) from pg_temp.told('evt_priceless', p_plan => 'unheard_of') $$, $$ values ('failed', 1::bigint, 'PY412') $$, 'what cannot be applied is told, with the reason');
select is(pg_temp.drifts('evt_priceless'), array['event: missing > customer.subscription.updated'], '… it is noted as missing and not corrected');
select results_eq($$ select status, next_attempt_at is not null from app.webhook_events where id = 'evt_priceless' $$, $$ values ('failed', true) $$, '… and kept, to be tried again');
select is((select corrections from app.reconciliation_runs r join run on run_id = r.id), 5::bigint, '… and does not count as corrected');
select throws_ok($$ select * from pg_temp.told('', p_status => 'active') $$, 'PY004', null, 'a bad argument is refused as a delivery''s is');

-- a wake-up is told
do $$ begin perform api.record_billing_event(null, 'stripe', 'evt_waits', 't', 'payment', '2027-03-05', 1, null, 'sub_waits', null, 'paid', null, null, null, null, 1, 'USD', '{}'); end $$;
select results_eq($$ select outcome, linked from pg_temp.told('evt_link', 'checkout.session.completed', 'link', p_subscription => 'sub_waits') $$, $$ values ('corrected', true) $$, 'a link that was missing wakes what waited for it, and says so');
select is((select linked from pg_temp.told('evt_link_dry', 'checkout.session.completed', 'link', p_subscription => 'sub_waits_dry', p_dry_run => true)), false, '… not without correcting');

-- who may call it
create function pg_temp.call() returns text language sql as $$ select 'select * from api.reconcile_event(null, true, null, ''stripe'', ''evt_known'', ''t'', ''ignored'', now(), 0, null, null, null, null, null, null, null, null, null, null, ''{}'')'::text $$;
set local role service_role;
select lives_ok(pg_temp.call(), 'the server may call it');
set local role authenticated;
select throws_ok(pg_temp.call(), '42501', null, 'a signed-in user may not');
set local role anon;
select throws_ok(pg_temp.call(), '42501', null, 'nor a visitor');
set local role operator;
select throws_ok(pg_temp.call(), '42501', null, 'nor an operator');
reset role;

select * from finish();
rollback;
