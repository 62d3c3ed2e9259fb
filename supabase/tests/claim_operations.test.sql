-- claim_operations: what is due, for a minute, to one worker.
begin;
select plan(13);

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

create function pg_temp.claimed(p_limit integer default 20) returns text[] language sql as $$
  select coalesce(array_agg(concat_ws(' ', c.account_id, c.attempts) order by c.account_id), '{}') from api.claim_operations(p_limit) c
$$;
do $$ begin perform pg_temp.subscribe(a), api.begin_plan_change(a, 'enterprise', 'month') from unnest(array['user_1', 'user_2', 'user_3']) a; end $$;
select is(pg_temp.claimed(), '{}', 'what its caller is about to ask is not due');
select pg_temp.travel_to('2027-03-10 12:00:59.999999+00');
select is(pg_temp.claimed(), '{}', '… for a minute');
select pg_temp.travel_to('2027-03-10 12:01+00');
update app.processor_operations set next_attempt_at = next_attempt_at - interval '1 second' where account_id = 'user_2';
select is(pg_temp.claimed(1), array['user_2 1'], 'then it is a worker''s; what was due the longest comes first, as many as asked for');
select results_eq($$ select account_id, operation_id, processor, subscription_id, kind, price_id, reason, attempts, first_sent_at from api.claim_operations() where account_id = 'user_1' $$,
  $$ select 'user_1', id, 'stripe', 'sub_user_1', 'change_now', 'price_enterprise_monthly', 'owner', 1, app.clock() from app.processor_operations where account_id = 'user_1' $$,
  'all that is needed to ask is there, and the id is the key');
select is(pg_temp.claimed(), '{}', 'what one worker has no other gets');
select pg_temp.travel_to('2027-03-10 12:02+00');
select is(pg_temp.claimed(), array['user_1 2', 'user_2 2', 'user_3 2'], 'a worker that died leaves it to the next after a minute');
select is(o.first_sent_at, '2027-03-10 12:01+00'::timestamptz, '… which learns when it was asked for first') from app.processor_operations o where account_id = 'user_1';
do $$ begin
  perform api.settle_operation(account_id, id, case account_id when 'user_1' then 'done' when 'user_2' then 'refused' else 'unknown' end) from app.processor_operations;
end $$;
select pg_temp.travel_to('2027-03-10 14:00+00');
select is(pg_temp.claimed(), array['user_3 3'], 'what is settled is not asked for any more, what is not known is');
select throws_ok(format($$ select * from api.claim_operations(%s) $$, l), 'PY004', 'limit must be from 1 to 100', format('limit %s is an error', l))
from unnest(array['0', '101', 'null']) l;

-- what would come too late: after the renewal this price would be for a period that was paid at another
do $$ begin perform pg_temp.subscribe('user_late', 'pri_growth_monthly', p_end => '2027-03-10 16:00+00'), api.begin_plan_change('user_late', 'starter', 'month'); perform api.queue_due_changes(); end $$;
select is(pg_temp.claimed(), array['user_late 1'], 'Paddle is told two hours before the period ends');
do $$ begin perform api.settle_operation(account_id, id, 'unknown') from app.processor_operations where account_id = 'user_late'; end $$;
select pg_temp.travel_to('2027-03-10 16:05+00');
do $$ begin perform pg_temp.subscribe('user_late', 'pri_growth_monthly', p_start => '2027-03-10 16:00+00', p_end => '2027-04-10 16:00+00'); end $$;
select is_empty($$ select * from api.claim_operations() where account_id = 'user_late' and kind = 'change_at_period_end' $$,
  'once the period was renewed at the price before, Paddle is not put on the smaller one without a credit');

select * from finish();
rollback;
