-- suspension_of: of rows alone, step by step. All orders in which they come: record_billing_event.reversals.
begin;
select plan(27);
do $$ begin
  perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a;
  perform app.link_account(a, 'stripe', 'e', array['in_1_' || a]), app.link_account(a, 'stripe', 'e', array['pi_1_' || a, 'ch_1_' || a], 'in_1_' || a) from unnest(array['user_1']) a;
end $$;
insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, as_of, as_of_rank, as_of_event_id) values
  ('user_1', 'stripe', 'sub_1', 'active', 'growth', now(), 2, 'e'), ('user_1', 'stripe', 'sub_2', 'active', 'growth', now(), 2, 'e');

create function pg_temp.paid(p_payment text, p_month integer, p_amount bigint default 7900, p_subscription text default 'sub_1', p_what text default 'paid', p_hours integer default 0) returns void language sql as $$
  insert into app.subscription_events (account_id, processor, subscription_id, event_id, occurred_at, event_rank, payment, plan, period_start, period_end, amount_minor, payment_id)
  select 'user_1', 'stripe', p_subscription, concat_ws(':', 'paid', p_payment, p_month, p_what, p_hours), '2027-01-01 10:00+00'::timestamptz + make_interval(months => coalesce(p_month, 0), hours => p_hours), 1, p_what, 'growth',
    '2027-01-01 10:00+00'::timestamptz + make_interval(months => p_month), '2027-02-01 10:00+00'::timestamptz + make_interval(months => p_month), p_amount, p_payment
$$;
create function pg_temp.reversed(p_reversal text, p_status text, p_names text[], p_amount bigint default 7900, p_kind text default 'refund', p_day integer default 5, p_account text default 'user_1', p_processor text default 'stripe')
returns void language sql as $$
  insert into app.reversal_events (account_id, processor, reversal_id, event_id, kind, status, occurred_at, event_rank, payment_ids, amount_minor, currency)
  values (p_account, p_processor, p_reversal, concat_ws(':', p_reversal, p_status, p_day, p_processor), p_kind, p_status, '2027-01-01 10:00+00'::timestamptz + make_interval(days => p_day), 2, p_names, p_amount, 'USD')
$$;
create function pg_temp.by() returns text language sql as $$ select app.suspension_of('user_1', 'stripe', 'sub_1') $$;

select is(pg_temp.by(), null, 'what was never paid for is not suspended');
select pg_temp.reversed('re_early', 'reversed', array['in_1_user_1'], 100);
select is(pg_temp.by(), null, '… not even by a refund');
select pg_temp.paid('in_1_user_1', 0);
select is(pg_temp.by(), null, 'a part that went back suspends nothing');
select pg_temp.reversed('re_2', 'pending', array['pi_1_user_1'], 7800);
select is(pg_temp.by(), null, 'nor does a refund under way');
select pg_temp.reversed('re_2', 'reversed', array['pi_1_user_1'], 7800, p_day => 6);
select is(pg_temp.by(), 're_early', 'parts that are all of it do, under whatever names');
select pg_temp.reversed('re_2', 'restored', array['pi_1_user_1'], 7800, p_day => 7);
select is(pg_temp.by(), null, 'until one of them fails');
select pg_temp.reversed('re_2', 'reversed', array['pi_1_user_1'], 7800, p_day => 4);
select is(pg_temp.by(), null, 'older news of it, told late, changes nothing');
select pg_temp.reversed('re_too_much', 'reversed', array['ch_1_user_1'], 99999);
select is(pg_temp.by(), 're_too_much', 'more than all of it is all of it');
update app.plans set on_refund = 'keep' where plan = 'growth';
select is(pg_temp.by(), null, 'a plan that keeps on refunds is kept');
select pg_temp.reversed('dp_1', 'reversed', array['pi_1_user_1'], 1, 'dispute');
select is(pg_temp.by(), 'dp_1', '… and not on disputes, of whatever amount');
update app.plans set on_dispute = 'keep' where plan = 'growth';
select is(pg_temp.by(), null, 'a plan that keeps on disputes is kept');
update app.plans set on_refund = 'end', on_dispute = 'end' where plan = 'growth';
select is(pg_temp.by(), 'dp_1', 'of several always the same is told');
select is(app.suspension_of('user_1', 'stripe', 'sub_2'), null, 'another subscription of the account is not touched');

-- payments of the same period, and of others
select pg_temp.paid('in_failed', 1, 7900, p_what => 'failed');
select is(pg_temp.by(), 'dp_1', 'a payment of a later period that failed changes nothing');
select pg_temp.paid('in_extra', null, 500);
select is(pg_temp.by(), 'dp_1', 'nor does one for no period');
select pg_temp.paid('in_old', -1, 7900);
select is(pg_temp.by(), 'dp_1', 'nor one for an older period, told late');
select pg_temp.paid('in_2', 1, 7900);
select is(pg_temp.by(), null, 'the payment of a later period ends the suspension');
select pg_temp.reversed('re_of_others', 'reversed', array['in_2'], p_account => 'user_2'), pg_temp.reversed('re_elsewhere', 'reversed', array['in_2'], p_processor => 'paddle');
select is(pg_temp.by(), null, 'reversals of other accounts and processors are not about it');
select pg_temp.reversed('re_9', 'reversed', array['ch_2'], 7900);
select is(pg_temp.by(), null, 'one whose payment nobody knows is about nothing yet');
do $$ begin perform app.link_account('user_1', 'stripe', 'e9', array['ch_2'], 'in_2'); end $$;
select is(pg_temp.by(), 're_9', '… until that name is learned');
select pg_temp.paid('in_2_again', 1, 7900, p_hours => 3);
select is(pg_temp.by(), null, 'a period that was paid again is paid');

-- amounts
select pg_temp.paid('in_nothing', 2, 0), pg_temp.reversed('re_nothing', 'reversed', array['in_nothing'], 0);
select is(pg_temp.by(), null, 'a payment of nothing, as of a trial, is never all given back');
select pg_temp.paid('in_unknown', 3, null), pg_temp.reversed('re_unknown', 'reversed', array['in_unknown'], 7900);
select is(pg_temp.by(), null, 'nor is one whose amount is not known');
select pg_temp.reversed('re_no_amount', 'reversed', array['in_2_again'], null);
select is(pg_temp.by(), null, 'a refund whose amount is not known gives nothing back');
select pg_temp.reversed('dp_unknown', 'reversed', array['in_unknown'], null, 'dispute');
select is(pg_temp.by(), 'dp_unknown', 'a dispute needs no amounts');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.suspension_of('user_1', 'stripe', 'sub_1') $$, '42501', null, 'the server may not call it');
set local role operator;
select throws_ok($$ select app.suspension_of('user_1', 'stripe', 'sub_1') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
