begin;
select plan(9);
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

select * from finish();
rollback;
