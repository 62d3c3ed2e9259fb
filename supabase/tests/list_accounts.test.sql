-- list_accounts: every account, page by page, found by the beginning of an id.
begin;
select plan(19);
insert into app.accounts (account_id, anchor, created_at)
select 'user_' || lpad(i::text, 2, '0'), now(), '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2) from generate_series(0, 9) i;
insert into app.accounts (account_id, anchor, created_at) values ('org_%', now(), '2019-01-01'), ('org_x', now(), '2019-01-02'), ('org_~~', now(), '2019-01-03'), ('org_é', now(), '2019-01-04');
insert into app.processor_links (processor, object_id, account_id, event_id) values
  ('stripe', 'cus_abc', 'user_03', 'e'), ('stripe', 'sub_abc', 'user_03', 'e'), ('paddle', 'sub_abd', 'user_07', 'e'), ('paddle', 'cus_abc', 'org_x', 'e'), ('razorpay', 'user_03', 'user_04', 'e');
create function pg_temp.found(p_search text, p_limit integer default 50, p_time timestamptz default null, p_id text default null) returns text language sql as $$
  select coalesce(string_agg(l.account_id, ' ' order by l.place), '') from api.list_accounts(p_search, p_limit, p_time, p_id) with ordinality l
    (account_id, plan, status, processor, subscription_id, chatbots, messages_used, messages_quota, created_at, closed_at, place)
$$;
select is(pg_temp.found(null), 'user_09 user_08 user_07 user_06 user_05 user_04 user_03 user_02 user_01 user_00 org_é org_~~ org_x org_%', 'all accounts come, the newest first, and of one instant by id');
select is(pg_temp.found(null, 3), 'user_09 user_08 user_07', 'a page ends where it is full');
select is(pg_temp.found(null, 3, '2020-01-04 00:00+00', 'user_07'), 'user_06 user_05 user_04', 'the next goes on after the last, also inside one instant');
select is(pg_temp.found(null, 3, '2019-01-02', 'org_x'), 'org_%', 'the last page is short');
select is(pg_temp.found('user_0'), 'user_09 user_08 user_07 user_06 user_05 user_04 user_03 user_02 user_01 user_00', 'the beginning of an id finds all that begin so');
select is(pg_temp.found('user_0', 2, '2020-01-02 00:00+00', 'user_03'), 'user_02 user_01', '… page by page');
select is(pg_temp.found('user_09'), 'user_09', 'a whole id finds its account');
select is(pg_temp.found('cus_abc'), 'user_03 org_x', 'a customer''s id finds its account, of every processor');
select is(pg_temp.found('sub_ab'), 'user_07 user_03', '… so does the beginning of a subscription''s');
select is(pg_temp.found('user_03'), 'user_04 user_03', 'an account found in two ways is there once, one that is found by a link too');
select is(pg_temp.found('ser_0'), '', 'the middle of an id finds nothing');
select is(pg_temp.found('org_%'), 'org_%', 'a percent sign is a character like others');
select is(pg_temp.found('user%'), '', '… and no wildcard');
select is(pg_temp.found('user_0_'), '', '… nor is the line below');
select is(pg_temp.found('org_é'), 'org_é', 'letters beyond ASCII are found');
select is(pg_temp.found('USER_0'), '', 'ids are told apart by case');
select results_eq($$ select * from api.list_accounts('user_09') $$, $$ select * from api.read_account_overview('user_09') $$, 'each row is the account''s overview');
select throws_ok('select * from api.list_accounts(null, 0)', 'PY004', null, 'a page has at least one row');
select throws_ok('select * from api.list_accounts(null, 101)', 'PY004', null, '… and at most a hundred');
select * from finish();
rollback;
