-- list_live_subscriptions: what is believed to be subscribed to at a processor, page by page.
begin;
select plan(14);

do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a; end $$;
insert into app.processor_subscriptions (account_id, processor, subscription_id, status, plan, as_of, as_of_rank, as_of_event_id) values
  ('user_2', 'stripe', 'sub_a', 'active',     'starter', '2027-01-01 00:00+00', 2, 'e1'),
  ('user_1', 'stripe', 'sub_b', 'trialing',   'growth',  '2027-01-02 00:00+00', 2, 'e2'),
  ('user_1', 'stripe', 'sub_c', 'canceled',   'growth',  '2027-01-03 00:00+00', 3, 'e3'),
  ('user_1', 'stripe', 'sub_d', 'past_due',   'growth',  '2027-01-04 00:00+00', 2, 'e4'),
  ('user_1', 'stripe', 'sub_e', 'paused',     'growth',  '2027-01-05 00:00+00', 2, 'e5'),
  ('user_1', 'stripe', 'sub_f', 'incomplete', 'growth',  '2027-01-06 00:00+00', 0, 'e6'),
  ('user_1', 'paddle', 'sub_g', 'active',     'growth',  '2027-01-07 00:00+00', 2, 'e7');
update app.processor_subscriptions set suspended_by = 'dp_1' where subscription_id = 'sub_a';

select results_eq($$ select * from api.list_live_subscriptions('stripe') $$, $$ values
  ('user_2', 'sub_a', 'active', '2027-01-01 00:00+00'::timestamptz), ('user_1', 'sub_b', 'trialing', '2027-01-02 00:00+00'), ('user_1', 'sub_d', 'past_due', '2027-01-04 00:00+00'),
  ('user_1', 'sub_e', 'paused', '2027-01-05 00:00+00'), ('user_1', 'sub_f', 'incomplete', '2027-01-06 00:00+00') $$,
  'all that has not ended, of all accounts, by id: also what is paused, suspended or was never paid for');
select results_eq($$ select subscription_id from api.list_live_subscriptions('paddle') $$, array['sub_g'], 'of one processor');
select is_empty($$ select * from api.list_live_subscriptions('razorpay') $$, 'of a processor nobody subscribed at there are none');
select results_eq($$ select subscription_id from api.list_live_subscriptions('stripe', 2) $$, array['sub_a', 'sub_b'], 'a page has as many as asked for');
select results_eq($$ select subscription_id from api.list_live_subscriptions('stripe', 2, 'sub_b') $$, array['sub_d', 'sub_e'], 'the next page begins after the last of the one before');
select results_eq($$ select subscription_id from api.list_live_subscriptions('stripe', 2, 'sub_c') $$, array['sub_d', 'sub_e'], '… also where that one ended meanwhile');
select is_empty($$ select * from api.list_live_subscriptions('stripe', 2, 'sub_f') $$, 'after the last one there are none');
select throws_ok($$ select * from api.list_live_subscriptions('stripe', 0) $$, 'PY004', null, 'a page of nothing is refused');
select throws_ok($$ select * from api.list_live_subscriptions('stripe', 101) $$, 'PY004', null, 'so is one of more than a hundred');
select throws_ok($$ select * from api.list_live_subscriptions('stripe', null) $$, 'PY004', null, '… and one without a limit');

-- who may call it
set local role service_role;
select lives_ok($$ select * from api.list_live_subscriptions('stripe') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.list_live_subscriptions('stripe') $$, '42501', null, 'a signed-in user may not');
set local role anon;
select throws_ok($$ select * from api.list_live_subscriptions('stripe') $$, '42501', null, 'nor a visitor');
set local role operator;
select throws_ok($$ select * from api.list_live_subscriptions('stripe') $$, '42501', null, 'nor an operator');
reset role;

select * from finish();
rollback;
