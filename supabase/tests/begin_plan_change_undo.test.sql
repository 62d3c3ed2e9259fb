-- begin_plan_change_undo: a change that is scheduled is taken back, and nobody gains or loses by it.
begin;
select plan(41);

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
create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::float8)
$$;
create function pg_temp.bots(p_account text, p_count integer) returns void language sql as $$
  insert into app.chatbots (account_id, name, created_at) select p_account, 'Bot ' || n, app.clock() + make_interval(secs => n) from generate_series(1, p_count) n
$$;

create function pg_temp.undone(p_account text) returns text language sql as $$
  select concat_ws(' ', u.outcome, u.kind, u.processor, u.subscription_id, u.price_id, u.plan_change_id is not null, u.operation_id is not null) from api.begin_plan_change_undo(p_account) u
$$;
create function pg_temp.change_of(p_account text) returns text language sql as $$
  select string_agg(concat_ws(' ', c.to_plan, c.status, c.settled_at = app.clock()), ', ' order by c.created_at) from app.plan_changes c where c.account_id = p_account
$$;
create function pg_temp.settle(p_account text, p_outcome text) returns text language sql as $$
  select s.status from app.processor_operations o, api.settle_operation(p_account, o.id, p_outcome) s where o.account_id = p_account and o.next_attempt_at is not null
$$;

select is(pg_temp.undone('user_nobody'), 'nothing f f', 'where nothing is scheduled there is nothing to undo');
do $$ begin perform pg_temp.subscribe('user_1'); end $$;
select is(pg_temp.undone('user_1'), 'nothing f f', '… also of who is subscribed');

-- what Parley keeps
do $$ begin perform pg_temp.subscribe(a, 'pri_growth_monthly'), api.begin_plan_change(a, 'starter', 'month') from unnest(array['user_p', 'user_p2']) a; end $$;
select is(pg_temp.undone('user_p'), 'undone paddle sub_user_p t f', 'what Parley keeps is taken back at once');
select is(pg_temp.change_of('user_p'), 'starter undone t', '… it is undone');
select is((select pending_plan from app.accounts where account_id = 'user_p'), null, '… levels are held no longer');
select is_empty($$ select from app.processor_operations where account_id = 'user_p' $$, '… and the processor never hears of it');
select is(pg_temp.undone('user_p'), 'nothing f f', 'what is undone is undone');
select is(pg_temp.change_of('user_p2'), 'starter scheduled', 'nobody else''s change is touched');
do $$ begin perform pg_temp.subscribe('user_r', 'plan_growth_monthly'); perform api.begin_subscription_change('user_r', 'cancel_at_period_end'); end $$;
select is(pg_temp.undone('user_r'), 'undone razorpay sub_user_r t f', 'a cancellation that Parley keeps is taken back, too');
select is(pg_temp.change_of('user_r'), 'free undone t', '… and is undone');

-- what the processor knows of
do $$ begin perform pg_temp.subscribe(a, p), api.begin_plan_change(a, 'starter', 'month') from (values ('user_s', 'price_growth_monthly'), ('user_s2', 'price_growth_monthly'), ('user_rz', 'plan_growth_monthly')) v (a, p); end $$;
select is(pg_temp.undone('user_s'), 'busy stripe sub_user_s t f', 'while the processor is being told it cannot be taken back');
select is(pg_temp.settle('user_s', 'unknown'), 'unknown', 'its answer is lost');
select is(pg_temp.undone('user_s'), 'busy stripe sub_user_s t f', '… nor while it is not known whether it was');
select is(pg_temp.settle(a, 'done'), 'done', format('the processor is told (%s)', a)) from unnest(array['user_s', 'user_s2', 'user_rz']) a;
select is(pg_temp.undone(a), format('started undo_change %s sub_%s t t', p, a), format('then the processor is asked to take it back (%s)', p))
from (values ('user_s', 'stripe'), ('user_s2', 'stripe'), ('user_rz', 'razorpay')) v (a, p);
select is(pg_temp.change_of('user_s'), 'starter scheduled', '… and until it did, it is scheduled');
select is((select pending_plan from app.accounts where account_id = 'user_s'), 'starter', '… and levels are held');
select is(pg_temp.undone('user_s'), 'busy stripe sub_user_s t f', 'it is asked once');
select is(pg_temp.settle('user_s', 'done'), 'done', 'the processor did');
select is(pg_temp.change_of('user_s'), 'starter undone t', 'then it is undone');
select is((select pending_plan from app.accounts where account_id = 'user_s'), null, '… and levels are held no longer');
select is(pg_temp.settle('user_s2', 'refused'), 'refused', 'a processor refuses');
select is(pg_temp.change_of('user_s2'), 'starter scheduled', 'then it stays scheduled');
select is((select pending_plan from app.accounts where account_id = 'user_s2'), 'starter', '… and its levels held');
select is(pg_temp.undone('user_s2'), 'started undo_change stripe sub_user_s2 t t', '… and it can be tried again');

-- what Paddle was told of in the last hours
select pg_temp.travel_to('2027-04-01 07:00+00');
do $$ begin perform api.queue_due_changes(); end $$;
select is(pg_temp.undone('user_p2'), 'busy paddle sub_user_p2 t f', 'while Paddle is being told it cannot be taken back');
do $$ begin perform pg_temp.subscribe('user_p2', 'pri_starter_monthly'); perform pg_temp.settle('user_p2', 'done'); end $$;
select is((select plan from app.accounts where account_id = 'user_p2'), 'growth', 'Paddle has the smaller plan, the account the one it paid for');
select is(pg_temp.undone('user_p2'), 'started change_at_period_end paddle sub_user_p2 pri_growth_monthly t t', 'an undo has the price before put back');
do $$ begin perform pg_temp.subscribe('user_p2', 'pri_growth_monthly'); perform pg_temp.settle('user_p2', 'done'); end $$;
select is(pg_temp.change_of('user_p2'), 'starter undone t', '… then it is undone');
select is((select plan from app.accounts where account_id = 'user_p2'), 'growth', '… and the account never had less');
select is_empty($$ select * from api.queue_due_changes() $$, '… and Paddle is not told again');

-- a larger plan for the price of the smaller one: the price before must not be put back once the new period is paid for
do $$ begin
  perform pg_temp.subscribe(a, 'pri_growth_monthly', p_start => '2027-03-02 10:00+00', p_end => '2027-04-02 10:00+00'), api.begin_plan_change(a, 'starter', 'month')
  from unnest(array['user_thief', 'user_thief2']) a;
end $$;
select pg_temp.travel_to('2027-04-02 07:00+00');
do $$ begin
  perform api.queue_due_changes();
  perform pg_temp.subscribe(a, 'pri_starter_monthly', p_start => '2027-03-02 10:00+00', p_end => '2027-04-02 10:00+00'), pg_temp.settle(a, 'done')
from unnest(array['user_thief', 'user_thief2']) a;
end $$;
select pg_temp.travel_to('2027-04-02 09:50+00');
do $$ begin perform api.begin_plan_change_undo('user_thief2'); perform pg_temp.settle('user_thief2', 'unknown'); end $$;
select pg_temp.travel_to('2027-04-02 10:01+00');
select isnt((select outcome from api.begin_plan_change_undo('user_thief')), 'started', 'when its time has come a change is not taken back any more, though the renewal was not heard of yet');
do $$ begin perform pg_temp.subscribe('user_thief2', 'pri_starter_monthly', p_start => '2027-04-02 10:00+00', p_end => '2027-05-02 10:00+00'); end $$;
select is(pg_temp.change_of('user_thief2'), 'starter applied t', 'the renewal at the smaller price comes');
select pg_temp.travel_to('2027-04-02 12:00+00');
select is_empty($$ select * from api.claim_operations() where account_id = 'user_thief2' $$, '… and an undo that Paddle did not answer in time is not asked for after it');

-- arguments
select throws_ok(format($$ select * from api.begin_plan_change_undo(%s) $$, a), 'PY004', 'account_id must have 1 to 255 characters', format('account id %s is an error', left(a, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;

select * from finish();
rollback;
