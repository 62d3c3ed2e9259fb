-- settle_operation: what became of asking a processor, once.
begin;
select plan(40);

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
create function pg_temp.close(p_account text) returns text language sql as $$
  select r.outcome from api.record_billing_event(p_account, 'clerk', 'clerk_' || p_account, 'user.deleted', 'closed', app.clock(), 3, null, null, null, null,
    null, null, null, null, null, null, '{}') r
$$;

create function pg_temp.up(p_account text) returns uuid language sql as $$
  select b.operation_id from pg_temp.subscribe(p_account), api.begin_plan_change(p_account, 'enterprise', 'month') b
$$;
create function pg_temp.row_of(p_id uuid) returns text language sql as $$
  select concat_ws(' ', o.status, o.attempts, coalesce(o.last_error, '-'), coalesce(o.first_sent_at = app.clock(), false), coalesce(o.settled_at = app.clock(), false), o.next_attempt_at is not null)
  from app.processor_operations o where o.id = p_id
$$;
create function pg_temp.settle(p_account text, p_outcome text, p_error text default null) returns text language sql as $$
  select s.status from app.processor_operations o, api.settle_operation(p_account, o.id, p_outcome, p_error) s where o.account_id = p_account and o.next_attempt_at is not null
$$;
create function pg_temp.change_of(p_account text) returns text language sql as $$
  select string_agg(concat_ws(' ', c.to_plan, c.status, c.last_error), ', ' order by c.created_at) from app.plan_changes c where c.account_id = p_account
$$;
create temp table op as select a as account_id, pg_temp.up(a) as id from unnest(array['user_done', 'user_refused', 'user_unknown', 'user_other']) a;
create function pg_temp.op(p_account text) returns uuid language sql as $$ select id from op where account_id = p_account $$;

-- done, refused, unknown
select is((select status from api.settle_operation('user_done', pg_temp.op('user_done'), 'done')), 'done', 'what the processor did is done');
select is(pg_temp.row_of(pg_temp.op('user_done')), 'done 1 - t t f', '… now, and is not due again');
select is((select status from api.settle_operation('user_refused', pg_temp.op('user_refused'), 'refused', repeat('n', 600))), 'refused', 'what it refused is refused');
select is(pg_temp.row_of(pg_temp.op('user_refused')), 'refused 1 ' || repeat('n', 500) || ' t t f', '… with the first 500 characters of why');
select is((select status from api.settle_operation('user_unknown', pg_temp.op('user_unknown'), 'unknown', 'no answer')), 'unknown', 'what is not known is not told as failed');
select is(pg_temp.row_of(pg_temp.op('user_unknown')), 'unknown 1 no answer t f t', '… and is asked for again');
select is(pg_temp.row_of(pg_temp.op('user_other')), 'pending 0 - f f t', 'nobody else''s operation is touched');
select is((select plan from app.accounts where account_id = 'user_done'), 'growth', 'the plan follows what the processor says of the subscription, not the settling');

-- one that is settled stays as it is
create temp table once as select * from app.processor_operations;
select is((select status from api.settle_operation(a, pg_temp.op(a), o, 'later')), s, format('one that is %s is not %s later', s, o))
from (values ('user_done', 'refused', 'done'), ('user_done', 'unknown', 'done'), ('user_done', 'done', 'done'), ('user_refused', 'done', 'refused'), ('user_refused', 'unknown', 'refused')) v (a, o, s);
select set_eq($$ select * from app.processor_operations $$, $$ select * from once $$, '… and nothing of it changes');

-- the pauses grow, up to an hour
select ok(next_attempt_at between app.clock() + interval '2.7 seconds' and app.clock() + interval '3 seconds', 'after a first lost answer it is asked for again within seconds')
from app.processor_operations where id = pg_temp.op('user_unknown');
select is((select array_agg(s.status) from generate_series(1, 5), api.settle_operation('user_unknown', pg_temp.op('user_unknown'), 'unknown') s), array_fill('unknown'::text, array[5]),
  'an answer may be lost again and again');
update app.processor_operations set attempts = 500 where id = pg_temp.op('user_unknown');
do $$ begin perform api.settle_operation('user_unknown', pg_temp.op('user_unknown'), 'unknown'); end $$;
select ok(next_attempt_at between app.clock() + interval '59 minutes' and app.clock() + interval '1 hour', 'somebody waits for it: never more than an hour apart')
from app.processor_operations where id = pg_temp.op('user_unknown');
select is((select status from api.settle_operation('user_unknown', pg_temp.op('user_unknown'), 'done')), 'done', 'once it is known it is done');
select is((select last_error from app.processor_operations where id = pg_temp.op('user_unknown')), null, '… and has no error any more');

-- the change it was for
do $$ begin perform pg_temp.subscribe(a), api.begin_plan_change(a, 'starter', 'month') from unnest(array['user_c1', 'user_c2', 'user_c3']) a; end $$;
select is(pg_temp.settle('user_c1', 'done') || ': ' || pg_temp.change_of('user_c1'), 'done: starter scheduled', 'a change the processor was told of is scheduled until it comes');
select is(pg_temp.settle('user_c2', 'refused', 'no') || ': ' || pg_temp.change_of('user_c2'), 'refused: starter failed no', 'one it refused has failed, with the reason');
select is((select pending_plan from app.accounts where account_id = 'user_c2'), null, '… and holds no levels any more');
select is((select pending_plan from app.accounts where account_id = 'user_c1'), 'starter', '… nobody else''s is touched');
select is(pg_temp.settle('user_c3', 'unknown') || ': ' || pg_temp.change_of('user_c3'), 'unknown: starter scheduled', 'one that is not known holds its levels');
select is((select pending_plan from app.accounts where account_id = 'user_c3'), 'starter', '… for it may have been taken');
do $$ begin perform api.begin_plan_change_undo('user_c1'); end $$;
select is(pg_temp.settle('user_c1', 'unknown') || ': ' || pg_temp.change_of('user_c1'), 'unknown: starter scheduled', 'an undo that is not known leaves it scheduled');
select is(pg_temp.settle('user_c1', 'done') || ': ' || pg_temp.change_of('user_c1'), 'done: starter undone', '… one that is done takes it back');
do $$ begin perform pg_temp.subscribe('user_c4'), api.begin_plan_change('user_c4', 'starter', 'month'); perform pg_temp.settle('user_c4', 'done'); perform api.begin_plan_change_undo('user_c4'); end $$;
select is(pg_temp.settle('user_c4', 'refused') || ': ' || pg_temp.change_of('user_c4'), 'refused: starter scheduled', '… one that is refused does not');

-- it has come meanwhile
do $$ begin perform pg_temp.subscribe('user_c5'), api.begin_plan_change('user_c5', 'starter', 'month'); end $$;
select pg_temp.travel_to('2027-04-01 10:05+00');
do $$ begin perform pg_temp.subscribe('user_c5', 'price_starter_monthly', p_start => '2027-04-01 10:00+00', p_end => '2027-05-01 10:00+00'); end $$;
select is(pg_temp.change_of('user_c5'), 'starter applied', 'a change may come before the answer does');
select is(pg_temp.settle('user_c5', 'refused', 'late') || ': ' || pg_temp.change_of('user_c5'), 'refused: starter applied', '… it has come, whatever the answer');

-- what could not be asked while this was under way is asked then
do $$ begin perform pg_temp.up('user_gone'); perform pg_temp.close('user_gone'); end $$;
select is((select count(*) from app.processor_operations where account_id = 'user_gone'), 1::bigint, 'an account is closed while its processor is being asked');
do $$ begin perform pg_temp.settle('user_gone', 'refused'); end $$;
select is((select array_agg(kind || ' ' || reason) from app.processor_operations where account_id = 'user_gone' and next_attempt_at is not null), array['cancel_now account_closed'],
  'once that is settled the subscription that a closed account pays for is ended');

-- arguments
select throws_ok(format($$ select * from api.settle_operation('user_other', pg_temp.op('user_other'), %L) $$, o), 'PY004', 'outcome must be done, refused or unknown', format('outcome %L is an error', o))
from unnest(array['pending', 'failed', null]) o;
select throws_ok(format($$ select * from api.settle_operation(%L, %L, 'done') $$, a, i), 'PY404', 'no such operation', n)
from (values ('user_done', pg_temp.op('user_other'), 'another account''s operation is none'), ('user_other', gen_random_uuid(), 'an unknown one is an error'),
  (null, pg_temp.op('user_other'), 'so is one of no account'), ('user_other', null, '… and none')) v (a, i, n);
select is((select status from app.processor_operations where id = pg_temp.op('user_other')), 'pending', 'a refused call changes nothing');

select * from finish();
rollback;
