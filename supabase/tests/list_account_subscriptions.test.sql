-- list_account_subscriptions: every subscription of one account.
begin;
select plan(4);
insert into app.accounts (account_id, anchor) values ('user_1', now()), ('user_2', now());
insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, in_force, period_start, period_end, as_of, as_of_rank, as_of_event_id)
values ('user_1', 'stripe', 'sub_old', 'canceled', 'starter', false, '2027-01-01', '2027-02-01', '2027-02-01', 3, 'e1'),
       ('user_1', 'paddle', 'sub_now', 'active', 'growth', true, '2027-01-15', '2027-02-15', '2027-01-15', 2, 'e2'),
       ('user_1', 'stripe', 'sub_unknown', 'incomplete', null, false, null, null, '2027-03-01', 0, 'e3'),
       ('user_2', 'stripe', 'sub_other', 'active', 'growth', true, '2027-01-01', '2027-02-01', '2027-01-01', 2, 'e4');
select results_eq($$ select subscription_id from api.list_account_subscriptions('user_1') $$, array['sub_now', 'sub_unknown', 'sub_old'], 'the one in force comes first, then the last heard of, and no other account''s');
select results_eq($$ select * from api.list_account_subscriptions('user_2') $$,
  $$ values ('stripe', 'sub_other', 'active', 'growth', true, '2027-01-01'::timestamptz, '2027-02-01'::timestamptz, '2027-01-01'::timestamptz) $$, 'each tells its plan and its period');
select is_empty($$ select * from api.list_account_subscriptions('user_3') $$, 'an account nobody used has none');
select is((select count(*) from app.accounts), 2::bigint, '… and is not made');
select * from finish();
rollback;
