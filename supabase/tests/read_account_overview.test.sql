-- read_account_overview: an account as operators see it.
begin;
select plan(8);
select is_empty($$ select * from api.read_account_overview('user_1') $$, 'an account nobody used is not there');
select is_empty('select * from app.accounts', '… and looking does not make it');
do $$ begin
  perform api.create_chatbot('user_1', 'Helper');
  perform api.check_and_increment_usage('user_1', 'messages', 5);
  perform api.check_and_increment_usage('user_2', 'messages', 7);
end $$;
select results_eq($$ select * from api.read_account_overview('user_1') $$,
  $$ select 'user_1', 'free', 'none', null::text, null::text, 1::bigint, 5::bigint, 100::bigint, a.created_at, null::timestamptz from app.accounts a where a.account_id = 'user_1' $$, 'it tells plan, chatbots and messages of this account');
do $$ begin
  perform api.upsert_price('stripe', 'price_growth', 'growth', 'month'), api.upsert_price('stripe', 'price_all', 'enterprise', 'month');
  perform api.record_billing_event('user_1', 'stripe', 'evt_1', 't', 'state', app.clock(), 2, 'cus_1', 'sub_1', 'active', null, array['price_growth'], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, '{}');
  perform api.record_billing_event('user_2', 'stripe', 'evt_2', 't', 'state', app.clock(), 2, 'cus_2', 'sub_2', 'active', null, array['price_all'], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, '{}');
end $$;
select results_eq($$ select plan, status, processor, subscription_id, messages_quota from api.read_account_overview('user_1') $$, $$ values ('growth', 'active', 'stripe', 'sub_1', 10000::bigint) $$, 'and its subscription');
select is((select messages_quota from api.read_account_overview('user_2')), null, 'unlimited is null');
select results_eq($$ select o.plan, o.messages_used, o.messages_quota from api.read_account_overview('user_1') o $$,
  $$ select u.plan, u.used, u.quota from api.read_usage('user_1') u where u.metric = 'messages' $$, 'its numbers are those of its owner''s meters');
do $$ begin perform api.record_billing_event('user_2', 'clerk', 'evt_gone', 'user.deleted', 'closed', app.clock(), 3, null, null, null, null, null, null, null, null, null, null, '{}'); end $$;
select results_eq($$ select messages_quota, closed_at is not null from api.read_account_overview('user_2') $$, $$ values (0::bigint, true) $$, 'a closed account says so');
select is_empty($$ select * from api.read_account_overview(null) $$, 'no account is none');
select * from finish();
rollback;
