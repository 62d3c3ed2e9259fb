begin;
select plan(10);
do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2', 'user_3']) a; end $$;
insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, in_force, as_of, as_of_rank, as_of_event_id) values
  ('user_1', 'stripe', 'sub_old_in_force', 'active',   'starter', true,  '2027-01-01 00:00+00', 2, 'e1'),
  ('user_1', 'stripe', 'sub_new_canceled', 'canceled', 'growth',  false, '2027-03-01 00:00+00', 3, 'e2'),
  ('user_2', 'stripe', 'sub_b', 'canceled', 'starter', false, '2027-02-01 00:00+00', 3, 'e3'),
  ('user_2', 'stripe', 'sub_a', 'canceled', 'growth',  false, '2027-02-01 00:00+00', 3, 'e4'),
  ('user_2', 'stripe', 'sub_0', 'paused',   'growth',  false, '2027-01-01 00:00+00', 2, 'e5');

select results_eq($$ select subscription_id from app.subscription_to_show('user_1') $$, $$ values ('sub_old_in_force') $$, 'the one in force is shown, also when another was heard of later');
update app.processor_subscriptions set in_force = false where account_id = 'user_1';
select results_eq($$ select subscription_id from app.subscription_to_show('user_1') $$, $$ values ('sub_new_canceled') $$, 'without one in force the one last heard of is shown');
select results_eq($$ select subscription_id from app.subscription_to_show('user_2') $$, $$ values ('sub_a') $$, 'of two heard of at the same instant always the same is shown');
select is((select count(*) from app.subscription_to_show('user_2')), 1::bigint, 'never more than one');
select is_empty($$ select * from app.subscription_to_show('user_3') $$, 'an account without subscription shows none');
select throws_ok($$ update app.processor_subscriptions set in_force = true where account_id = 'user_2' $$, '23505', null, 'two in force for one account cannot be stored');

-- Who may call it
set local role operator;
select lives_ok($$ select app.subscription_to_show('user_1') $$, 'an operator may call it');
set local role authenticated;
select throws_ok($$ select app.subscription_to_show('user_1') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.subscription_to_show('user_1') $$, '42501', null, 'a visitor may not call it');
set local role service_role;
select throws_ok($$ select app.subscription_to_show('user_1') $$, '42501', null, 'the server may not call it');
reset role;

select * from finish();
rollback;
