-- begin_plan_change: a change of plan is decided and written down before any processor is asked.
begin;
select plan(55);

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

create function pg_temp.begun(p_account text, p_plan text, p_interval text default 'month', p_request text default null) returns text language sql as $$
  select concat_ws(' ', b.outcome, b.direction, b.takes_effect, b.kind, b.price_id, b.plan_change_id is not null, b.operation_id is not null)
  from api.begin_plan_change(p_account, p_plan, p_interval, p_request) b
$$;
create function pg_temp.held(p_account text) returns text language sql as $$ select pending_plan from app.accounts where account_id = p_account $$;

-- now
do $$ begin perform pg_temp.subscribe('user_up'), pg_temp.subscribe('user_up_p', 'pri_growth_monthly'), pg_temp.subscribe('user_up_r', 'plan_growth_monthly'); end $$;
create temp table up as select * from api.begin_plan_change('user_up', 'enterprise', 'month');
select results_eq($$ select outcome, direction, takes_effect, effective_at, plan_change_id, kind, processor, subscription_id, price_id, metric from up $$,
  $$ values ('started', 'upgrade', 'now', app.clock(), null::uuid, 'change_now', 'stripe', 'sub_user_up', 'price_enterprise_monthly', null::text) $$,
  'an upgrade is to be asked for now');
select results_eq($$ select id, processor, subscription_id, kind, price_id, reason, plan_change_id, status, attempts, next_attempt_at, first_sent_at
                     from app.processor_operations where account_id = 'user_up' $$,
  $$ select operation_id, 'stripe', 'sub_user_up', 'change_now', 'price_enterprise_monthly', 'owner', null::uuid, 'pending', 0, app.clock() + interval '1 minute', null::timestamptz from up $$,
  '… by whoever called, or after a minute by a worker');
select is((select plan from app.accounts where account_id = 'user_up'), 'growth', '… and the quota does not rise before the processor confirms');
select is_empty($$ select from app.plan_changes where account_id = 'user_up' $$, 'what comes now is not scheduled');
select is(pg_temp.begun(a, 'enterprise'), 'started upgrade now change_now ' || p || ' f t', format('an upgrade is the same everywhere (%s)', a))
from (values ('user_up_p', 'pri_enterprise_monthly'), ('user_up_r', 'plan_enterprise_monthly')) v (a, p);
select is(pg_temp.begun('user_up', 'enterprise'), 'busy upgrade now price_enterprise_monthly f f', 'while it is being asked for it is not asked for twice');
select is((select count(*) from app.processor_operations where account_id = 'user_up'), 1::bigint, '… so there is one operation');

-- at the end of the period, where the processor is told now
do $$ begin perform pg_temp.subscribe('user_down'), pg_temp.subscribe('user_down_r', 'plan_growth_monthly'); end $$;
create temp table down as select * from api.begin_plan_change('user_down', 'starter', 'month', p_reason => 'operator');
select results_eq($$ select outcome, direction, takes_effect, effective_at, kind, processor, subscription_id, price_id from down $$,
  $$ values ('started', 'downgrade', 'period_end', '2027-04-01 10:00+00'::timestamptz, 'change_at_period_end', 'stripe', 'sub_user_down', 'price_starter_monthly') $$,
  'a downgrade is for the end of the period; Stripe is told of it now');
select results_eq($$ select id, processor, subscription_id, direction, from_plan, from_price_id, to_plan, to_price_id, held, status, effective_at, created_at, settled_at from app.plan_changes where account_id = 'user_down' $$,
  $$ select plan_change_id, 'stripe', 'sub_user_down', 'downgrade', 'growth', 'price_growth_monthly', 'starter', 'price_starter_monthly', false, 'scheduled',
            '2027-04-01 10:00+00'::timestamptz, app.clock(), null::timestamptz from down $$, '… and it is scheduled');
select results_eq($$ select id, plan_change_id, kind, price_id, reason from app.processor_operations where account_id = 'user_down' $$,
  $$ select operation_id, plan_change_id, 'change_at_period_end', 'price_starter_monthly', 'operator' from down $$, '… by the operation, which says whose wish it was');
select is(pg_temp.begun('user_down_r', 'starter'), 'started downgrade period_end change_at_period_end plan_starter_monthly t t', 'so is Razorpay');

-- … and where Parley keeps it
do $$ begin perform pg_temp.subscribe('user_keep', 'pri_growth_monthly'); end $$;
select is(pg_temp.begun('user_keep', 'starter'), 'scheduled downgrade period_end pri_starter_monthly t f', 'Paddle is not told before the last hours: nothing is to be asked now');
select results_eq($$ select held, status, effective_at from app.plan_changes where account_id = 'user_keep' $$, $$ values (true, 'scheduled', '2027-04-01 10:00+00'::timestamptz) $$,
  '… Parley keeps it');
select is_empty($$ select from app.processor_operations where account_id = 'user_keep' $$, '… and has written no operation down');
do $$ begin perform pg_temp.subscribe('user_keep_y', 'pri_growth_yearly', p_end => '2028-03-01 10:00+00'); end $$;
select is(pg_temp.begun('user_keep_y', 'growth', 'month'), 'scheduled interval period_end pri_growth_monthly t f', 'a shorter interval is kept, too');
select is(pg_temp.held('user_keep_y'), null, '… but holds no levels');

-- levels are held to the smaller plan
select is(pg_temp.held(a), 'starter', format('levels are held to the smaller plan from now on (%s)', a)) from unnest(array['user_down', 'user_down_r', 'user_keep']) a;
do $$ begin perform pg_temp.bots('user_keep', 3); end $$;
select results_eq($$ select allowed, used, quota, plan from api.create_chatbot('user_keep', 'Fourth') $$, $$ values (false, 3::bigint, 3::bigint, 'growth') $$, 'nothing is added that would not fit');
select is((select quota from api.check_and_increment_usage('user_keep', 'messages')), 10000::bigint, 'what is used up by the month is that of the plan that is paid for');
select is(pg_temp.begun('user_keep', 'starter'), 'pending downgrade period_end pri_starter_monthly f f', 'what is scheduled is not scheduled twice');
select is((select plan from app.accounts where account_id = 'user_keep'), 'growth', 'the plan is what was paid for');

-- blocked
do $$ begin perform pg_temp.subscribe('user_full'); perform pg_temp.bots('user_full', 5); perform api.check_and_increment_usage('user_full', 'seats', 4), api.check_and_increment_usage('user_full', 'messages', 9000); end $$;
select results_eq($$ select outcome, direction, takes_effect, effective_at, plan_change_id, operation_id, kind, processor, subscription_id, price_id, metric, used, quota, excess, message
                     from api.begin_plan_change('user_full', 'starter', 'month', 'req_full') $$,
  $$ values ('blocked', 'downgrade', 'period_end', '2027-04-01 10:00+00'::timestamptz, null::uuid, null::uuid, null::text, 'stripe', 'sub_user_full', 'price_starter_monthly',
             'chatbots', 5::bigint, 3::bigint, 2::bigint, 'Please delete 2 chatbot(s) before downgrading'),
            ('blocked', 'downgrade', 'period_end', '2027-04-01 10:00+00', null, null, null, 'stripe', 'sub_user_full', 'price_starter_monthly',
             'seats', 4, 3, 1, 'Please remove 1 seat(s) before downgrading') $$, 'a downgrade that does not fit is blocked, and all that stands in its way is told at once');
select is_empty($$ select from app.plan_changes where account_id = 'user_full' $$, '… it schedules nothing');
select is_empty($$ select from app.processor_operations where account_id = 'user_full' $$, '… asks nothing');
select is(pg_temp.held('user_full'), null, '… and holds nothing');
select is_empty($$ select from app.idempotency_keys where account_id = 'user_full' $$, '… and does not use the request id up');
do $$ begin perform api.delete_chatbot('user_full', id) from (select id from app.chatbots where account_id = 'user_full' limit 2) b; perform api.decrement_usage('user_full', 'seats', 1); end $$;
select is(pg_temp.begun('user_full', 'starter', 'month', 'req_full'), 'started downgrade period_end change_at_period_end price_starter_monthly t t', 'once it fits the same request succeeds');
do $$ begin perform pg_temp.subscribe('user_over', 'price_growth_yearly', p_end => '2028-03-01 10:00+00'); perform pg_temp.bots('user_over', 10); update app.plan_quotas set quota = 5 where plan = 'growth' and metric = 'chatbots'; end $$;
select is(pg_temp.begun('user_over', 'growth', 'month'), 'started interval period_end change_at_period_end price_growth_monthly t t', 'nothing but a downgrade is held to fit');
update app.plan_quotas set quota = 10 where plan = 'growth' and metric = 'chatbots';

-- safe to repeat
do $$ begin perform pg_temp.subscribe('user_rep'), pg_temp.subscribe('user_rep_u'), pg_temp.subscribe('user_rep_p', 'pri_growth_monthly'); end $$;
create temp table rep as select a, b.* from (values ('user_rep', 'starter'), ('user_rep_u', 'enterprise'), ('user_rep_p', 'starter')) v (a, p) cross join lateral api.begin_plan_change(a, p, 'month', 'req_1') b;
select results_eq(format($$ select b.outcome, b.operation_id, b.plan_change_id, b.kind from api.begin_plan_change(%L, %L, 'month', 'req_1') b $$, a, case a when 'user_rep_u' then 'enterprise' else 'starter' end),
  format($$ select 'replayed', operation_id, plan_change_id, kind from rep where a = %L $$, a), format('the same request again is told what it began (%s)', a)) from rep;
select is((select count(*) from app.processor_operations where account_id like 'user_rep%'), 2::bigint, '… and began nothing more');
select throws_ok($$ select * from api.begin_plan_change('user_rep', 'enterprise', 'month', 'req_1') $$,
  'PY409', 'request id req_1 was used for another request; use another id', 'the same id for another plan is an error');
select throws_ok($$ select * from api.begin_plan_change('user_rep', 'starter', 'year', 'req_1') $$, 'PY409', null, '… for another interval, too');
do $$ begin perform api.create_chatbot('user_rep', 'Bot', p_request_id => 'req_bot'); end $$;
select throws_ok($$ select * from api.begin_plan_change('user_rep', 'starter', 'month', 'req_bot') $$, 'PY409', null, '… and for another kind of request');
select is(pg_temp.begun('user_other', 'starter', 'month', 'req_1'), 'no_subscription f f', 'another account may use the same id');
do $$ begin
  perform pg_temp.subscribe('user_no');
  perform api.settle_operation('user_no', b.operation_id, 'refused', 'card declined') from api.begin_plan_change('user_no', 'enterprise', 'month', 'req_no') b;
end $$;
select isnt((select outcome from api.begin_plan_change('user_no', 'enterprise', 'month', 'req_no')), 'replayed', 'what the processor refused is not said to be under way when it is asked for again');

-- others
select is(pg_temp.begun('user_nobody', 'growth'), 'no_subscription f f', 'the other outcomes are those of plan_change_of');
select is((select b.outcome || count(*) from api.begin_plan_change('user_no', 'free', 'month') b group by b.outcome), 'not_sold1', '… all of them');
select is_empty($$ select from app.plan_changes where account_id in ('user_nobody', 'user_no') $$, '… and change nothing');

-- a closed account
do $$ begin
  perform pg_temp.subscribe('user_closed');
  perform api.record_billing_event('user_closed', 'clerk', 'clerk_1', 'user.deleted', 'closed', app.clock(), 3, null, null, null, null, null, null, null, null, null, null, '{}');
end $$;
select throws_ok($$ select * from api.begin_plan_change('user_closed', 'enterprise', 'month') $$, 'PY415', null, 'a closed account buys nothing more');
do $$ begin
  perform api.settle_operation('user_closed', o.id, 'refused') from app.processor_operations o where o.account_id = 'user_closed';
end $$;
select throws_ok($$ select * from api.begin_plan_change('user_closed', 'enterprise', 'month') $$, 'PY415', null, '… even where its end was refused');

-- arguments
select throws_ok($$ select * from api.begin_plan_change('user_up', 'gold', 'month') $$, 'PY002', 'unknown plan ''gold''', 'an unknown plan is an error');
select throws_ok($$ select * from api.begin_plan_change('user_up', 'growth', 'week') $$, 'PY004', 'interval must be month or year', 'so is an unknown interval');
select throws_ok(format($$ select * from api.begin_plan_change('user_up', 'growth', 'month', null, %L) $$, r), 'PY004', 'reason must be owner or operator', format('reason %L is an error', r))
from unnest(array['duplicate', null]) r;
select throws_ok(format($$ select * from api.begin_plan_change(%s, 'growth', 'month') $$, a), 'PY004', 'account_id must have 1 to 255 characters', format('account id %s is an error', left(a, 10)))
from unnest(array['null', '''''', 'repeat(''x'', 256)']) a;
do $$ begin perform pg_temp.subscribe('user_req'); end $$;
select throws_ok(format($$ select * from api.begin_plan_change('user_req', 'starter', 'month', %s) $$, r), 'PY004', 'request_id must have 1 to 255 characters', format('request id %s is an error', left(r, 10)))
from unnest(array['''''', 'repeat(''r'', 256)']) r;
select is_empty($$ select from app.plan_changes where account_id = 'user_req' union all select from app.processor_operations where account_id = 'user_req' $$, '… and schedules nothing');

select * from finish();
rollback;
