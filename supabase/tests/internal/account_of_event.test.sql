begin;
select plan(17);
do $$ begin perform app.ensure_account(a) from unnest(array['user_sub', 'user_cus']) a;
  perform app.link_account('user_sub', 'stripe', 'e1', array['sub_1']); perform app.link_account('user_cus', 'stripe', 'e2', array['cus_1']); end $$;

select is(app.account_of_event('user_said', 'stripe', 'sub_1', 'cus_1'), 'user_sub', 'the account of the subscription goes before what the event says');
select is(app.account_of_event('user_said', 'stripe', 'sub_new', 'cus_1'), 'user_said', 'what the event says goes before the account of the customer');
select is(app.account_of_event(null, 'stripe', 'sub_new', 'cus_1'), 'user_cus', 'else the customer decides');
select is(app.account_of_event('', 'stripe', 'sub_new', 'cus_1'), 'user_cus', 'an empty account is none');
select is(app.account_of_event(null, 'stripe', 'sub_1', null), 'user_sub', 'the subscription alone is enough');
select is(app.account_of_event('user_said', 'stripe', null, null), 'user_said', 'so is the account alone');
select is(app.account_of_event(null, 'stripe', 'sub_new', 'cus_new'), null, 'nobody is known');
select is(app.account_of_event(null, 'stripe', null, null), null, 'nothing is said');
select is(app.account_of_event(null, 'paddle', 'sub_1', 'cus_1'), null, 'ids of another processor are other ids');

-- payments
do $$ begin perform app.link_account('user_cus', 'stripe', 'e3', array['in_1']), app.link_account('user_cus', 'stripe', 'e4', array['pi_1'], 'in_1'); end $$;
select is(app.account_of_event(null, 'stripe', null, null, array['in_1']), 'user_cus', 'the account of the payment decides, where nothing else is said');
select is(app.account_of_event(null, 'stripe', null, null, array['ch_new', 'pi_1']), 'user_cus', '… by any of its names');
select is(app.account_of_event('user_said', 'stripe', null, null, array['pi_1']), 'user_cus', '… and goes before what the event says');
select is(app.account_of_event(null, 'stripe', 'sub_1', null, array['pi_1']), 'user_sub', 'the account of the subscription goes before that of the payment');
select is(app.account_of_event(null, 'stripe', 'sub_new', 'cus_1', array['pi_new']), 'user_cus', 'a payment nobody knows decides nothing');
select is(app.account_of_event(null, 'paddle', null, null, array['pi_1']), null, 'a payment of another processor is another one');
select is(app.account_of_event('user_said', 'stripe', null, null, '{}'), 'user_said', 'no payments decide nothing');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.account_of_event('user_said', 'stripe', null, null) $$, '42501', null, 'the server may not call it');
reset role;

select * from finish();
rollback;
