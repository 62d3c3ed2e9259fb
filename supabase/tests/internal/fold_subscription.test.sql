-- What the fold makes of events is tried in all orders through record_billing_event (record_billing_event.order). Here: of
-- the rows alone, step by step.
begin;
select plan(28);
do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a; end $$;

create function pg_temp.say(p_at timestamptz, p_rank integer, p_status text, p_payment text default null, p_plan text default null, p_start date default null, p_cancels timestamptz default null, p_id text default null)
returns void language sql as $$
  insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, payment, plan, price_id, period_start, period_end, cancels_at)
  select 'user_1', 'stripe', 'sub_1', coalesce(p_id, 'e' || count(*)), p_at, p_rank, p_status, p_payment, p_plan, 'price_' || p_plan,
         p_start::timestamp at time zone 'UTC', (p_start + interval '1 month') at time zone 'UTC', p_cancels from app.subscription_events;
  select app.fold_subscription('user_1', 'stripe', 'sub_1')
$$;
create function pg_temp.state() returns text language sql as $$
  select concat_ws(' ', status, plan, price_id, period_start::date, period_end::date, 'since ' || past_due_since::date, 'cancels ' || cancels_at::date) from app.processor_subscriptions where account_id = 'user_1'
$$;
create function pg_temp.windows() returns text language sql as $$
  select string_agg(window_start::date || ' by ' || opened_by, ', ' order by window_start) from app.windows where account_id = 'user_1'
$$;

select lives_ok($$ select app.fold_subscription('user_1', 'stripe', 'sub_1') $$, 'a subscription never heard of has no state');
select is(pg_temp.state(), null, '… and gets none');
do $$ begin perform pg_temp.say('2027-01-01', 0, 'incomplete', null, 'starter', '2027-01-01'); end $$;
select is(pg_temp.state(), 'incomplete starter price_starter', 'incomplete: its period does not count yet');
select is(pg_temp.windows(), null, '… and opens no window');
do $$ begin perform pg_temp.say('2027-01-01', 1, null, 'paid', 'starter', '2027-01-01'); end $$;
select is(pg_temp.state(), 'active starter price_starter 2027-01-01 2027-02-01', 'paid: active, in its period');
do $$ begin perform pg_temp.say('2027-02-01', 2, 'active', null, 'growth', '2027-02-01', '2027-03-01'); end $$;
select is(pg_temp.state(), 'active growth price_growth 2027-02-01 2027-03-01 cancels 2027-03-01', 'a state tells plan, period and cancellation');
do $$ begin perform pg_temp.say('2027-02-01', 2, 'active', null, 'growth', '2027-02-01', null); end $$;
select is(pg_temp.state(), 'active growth price_growth 2027-02-01 2027-03-01', 'a later state without cancellation takes it back');
do $$ begin perform pg_temp.say('2027-02-02', 1, null, 'failed', 'growth', '2027-02-01'); end $$;
select is(pg_temp.state(), 'past_due growth price_growth 2027-02-01 2027-03-01 since 2027-02-02', 'failed: past due, since then');
do $$ begin perform pg_temp.say('2027-02-05', 2, 'past_due', null, 'growth', '2027-02-01'); perform pg_temp.say('2027-02-06', 1, null, 'failed', 'growth', '2027-02-01'); end $$;
select is(pg_temp.state(), 'past_due growth price_growth 2027-02-01 2027-03-01 since 2027-02-02', 'still past due, since the first time');
do $$ begin perform pg_temp.say('2027-02-07', 2, 'paused'); end $$;
select is(pg_temp.state(), 'paused growth price_growth 2027-02-01 2027-03-01', 'paused: plan and period are not forgotten, being past due is');
do $$ begin perform pg_temp.say('2027-02-08', 1, null, 'failed', 'growth', '2027-02-01'); perform pg_temp.say('2027-02-08', 1, null, 'paid', 'growth', '2027-02-01'); end $$;
select is(left(pg_temp.state(), 6), 'paused', 'neither failed nor paid moves a pause');
do $$ begin perform pg_temp.say('2027-02-09', 2, 'past_due'); end $$;
select is(pg_temp.state(), 'past_due growth price_growth 2027-02-01 2027-03-01 since 2027-02-09', 'past due again: since then');
do $$ begin perform pg_temp.say('2027-02-10', 3, 'canceled'); perform pg_temp.say('2027-02-11', 1, null, 'paid', 'enterprise', '2027-03-01'); end $$;
select is(left(pg_temp.state(), 8), 'canceled', 'money after the end revives nothing');
select is(pg_temp.windows(), '2027-01-01 by e1, 2027-02-01 by e2', 'each period opened one window, told by the event that was first in the processor''s order');
create temp table once as select s.*, pg_temp.windows() as windows from app.processor_subscriptions s;
do $$ begin perform app.fold_subscription('user_1', 'stripe', 'sub_1'); end $$;
select results_eq($$ select s.*, pg_temp.windows() from app.processor_subscriptions s $$, $$ select * from once $$, 'folding again changes nothing');
do $$ begin perform pg_temp.say('2027-01-15', 2, 'past_due', null, 'enterprise', '2027-01-01'); end $$;
select results_eq($$ select s.*, pg_temp.windows() from app.processor_subscriptions s $$, $$ select * from once $$, 'an event from the past, told late, changes nothing of the present');
select is((select count(*) from app.subscription_events), 14::bigint, '… but is kept');
-- trials: the user_2's subscription is told anew for each
create function pg_temp.trial(p_amount bigint, p_start date, p_payment text default 'paid') returns text language plpgsql as $$
begin
  insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, payment, plan, price_id, period_start, period_end, trial_ends_at, amount_minor)
  values ('user_2', 'stripe', 'sub_t', 't1', '2027-01-01', 0, 'trialing', null, 'growth', 'p', '2027-01-01 00:00+00', '2027-01-15 00:00+00', '2027-01-15 00:00+00', null),
         ('user_2', 'stripe', 'sub_t', 't2', '2027-01-20', 1, null, p_payment, 'growth', 'p', p_start::timestamp at time zone 'UTC', (p_start + 30)::timestamp at time zone 'UTC', null, p_amount);
  perform app.fold_subscription('user_2', 'stripe', 'sub_t');
  raise exception using errcode = 'ZZ001', message = (select status from app.processor_subscriptions where account_id = 'user_2');
exception when sqlstate 'ZZ001' then
  return sqlerrm;
end
$$;
select is(pg_temp.trial(7900, '2027-01-15'), 'active', 'money for the first period after the trial ends it');
select is(pg_temp.trial(7900, '2027-01-01'), 'trialing', '… not money for the trial itself');
select is(pg_temp.trial(0, '2027-01-15'), 'trialing', '… nor a bill of nothing');
select is(pg_temp.trial(7900, '2027-01-15', 'failed'), 'past_due', 'a first payment that fails after the trial makes it past due');

-- a customer that was deleted
create function pg_temp.gone(p_at timestamptz, p_customer text default 'cus_t', p_processor text default 'stripe') returns text language plpgsql as $$
begin
  insert into app.tombstones (processor, object_id, occurred_at, event_id) values (p_processor, p_customer, p_at, 'gone');
  insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, plan, price_id, period_start, period_end, customer_id)
  values ('user_2', 'stripe', 'sub_t', 't1', '2027-01-01 00:00+00', 0, 'past_due', 'starter', 'p', '2027-01-01 00:00+00', '2027-02-01 00:00+00', 'cus_t'),
         ('user_2', 'stripe', 'sub_t', 't2', '2027-02-01 00:00+00', 2, 'active', 'growth', 'p', '2027-02-01 00:00+00', '2027-03-01 00:00+00', null);
  perform app.fold_subscription('user_2', 'stripe', 'sub_t');
  raise exception using errcode = 'ZZ001', message = (select concat_ws(' ', status, plan, period_start::date, 'since ' || past_due_since, (select count(*) from app.windows where account_id = 'user_2')) from app.processor_subscriptions where account_id = 'user_2');
exception when sqlstate 'ZZ001' then
  return sqlerrm;
end
$$;
select is(pg_temp.gone('2027-03-01 00:00+00'), 'canceled growth 2027-02-01 2', 'the end of its customer is the end of it, whatever was said last');
select is(pg_temp.gone('2027-02-01 00:00+00'), 'canceled growth 2027-01-01 1', 'from that instant on no period counts, and no window opens');
select is(pg_temp.gone('2026-12-01 00:00+00'), 'canceled growth 0', 'of one that began only afterwards none does');
select is(pg_temp.gone('2027-01-15 00:00+00', 'cus_other'), 'active growth 2027-02-01 2', 'the end of another customer is nothing to it');
select is(pg_temp.gone('2027-01-15 00:00+00', 'cus_t', 'paddle'), 'active growth 2027-02-01 2', '… nor that of another processor''s');

select throws_ok($$ update app.subscription_events set status = 'active' where status = 'canceled' $$, 'PY411', 'what a processor said is append-only', 'what a processor said cannot be changed');
select throws_ok($$ delete from app.subscription_events $$, 'PY411', 'what a processor said is append-only', 'nor deleted');

select * from finish();
rollback;
