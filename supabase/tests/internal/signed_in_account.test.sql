-- signed_in_account: whose rows a session token may see, and that the row policies go by it.
begin;
select plan(19);

create function pg_temp.account_of(p_claims text) returns text language plpgsql as $$
begin
  perform set_config('request.jwt.claims', p_claims, true);
  return app.signed_in_account();
end
$$;
select is(app.signed_in_account(), null, 'without claims nobody is signed in');
select is(pg_temp.account_of(''), null, 'with empty claims neither');
select is(pg_temp.account_of('{}'), null, 'a token without a subject is nobody''s');
select is(pg_temp.account_of('{"sub": "user_1"}'), 'user_1', 'a user without an organization is the account');
select is(pg_temp.account_of('{"sub": "user_1", "org_id": "org_1"}'), 'org_1', 'with an active organization that is the account (token version 1)');
select is(pg_temp.account_of('{"sub": "user_1", "o": {"id": "org_2", "rol": "admin"}}'), 'org_2', 'so it is in token version 2');
select is(pg_temp.account_of('{"sub": "user_1", "o": {"id": "org_2"}, "org_id": "org_1"}'), 'org_2', 'version 2 comes before version 1');
select is(pg_temp.account_of('{"sub": "user_1", "org_id": null, "o": null}'), 'user_1', 'an organization of null is none');
select is(pg_temp.account_of('{"sub": "user_1", "o": {"rol": "admin"}}'), 'user_1', 'an organization without an id is none');
select is(pg_temp.account_of('{"user_metadata": {"sub": "user_9"}, "account_id": "user_9"}'), null, 'no other claim names an account');

-- The row policies go by it
select lives_ok(
  $$ select from unnest(array['user_1', 'org_1']) a cross join lateral api.check_and_increment_usage(a, 'messages', 5);
     insert into app.chatbots (account_id, name) values ('user_1', 'Mine'), ('org_1', 'Ours') $$,
  'a user and an organization have a chatbot each');
select set_config('request.jwt.claims', '{"sub": "user_1"}', true);
set local role authenticated;
select results_eq('select name from api.my_chatbots', array['Mine'], 'a signed-in user sees its own rows');
select results_eq('select distinct account_id from app.usage_events', array['user_1'], 'and nothing of others, not even in the tables');
reset role;
select set_config('request.jwt.claims', '{"sub": "user_1", "o": {"id": "org_1"}}', true);
set local role authenticated;
select results_eq('select name from api.my_chatbots', array['Ours'], 'with an active organization it sees that organization''s rows alone');
reset role;
select set_config('request.jwt.claims', '', true);
set local role authenticated;
select is_empty('select name from api.my_chatbots', 'without claims it sees nothing');

-- Who may call it
select lives_ok('select app.signed_in_account()', 'a signed-in user may call it');
set local role anon;
select throws_ok('select app.signed_in_account()', '42501', null, 'a visitor may not call it');
set local role service_role;
select throws_ok('select app.signed_in_account()', '42501', null, 'the server may not call it');
set local role operator;
select throws_ok('select app.signed_in_account()', '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
