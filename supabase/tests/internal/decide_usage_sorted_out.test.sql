-- decide_usage_sorted_out: every entry as the single call would decide it, in the order of arrival per counter.
begin;
select plan(7);

create function pg_temp.sorted_out(p_accounts text[], p_metrics text[], p_amounts bigint[], p_ids text[] default null, p_channels text[] default null)
returns table (place integer, error_code text, allowed boolean, used bigint, replayed boolean) language sql as $$
  select e.place::integer, e.error_code, e.allowed, e.used, e.replayed
  from app.decide_usage_sorted_out(p_accounts, p_metrics, p_amounts, p_ids, null, null, p_channels, null) b
  cross join lateral unnest(b.error_codes, b.allowed, b.used, b.replayed) with ordinality as e (error_code, allowed, used, replayed, place)
  order by e.place
$$;

select results_eq(
  $$ select * from pg_temp.sorted_out(array['org_a', 'org_b', 'org_a', 'org_a', 'org_b', null], array['messages', 'messages', 'messages', 'tea', 'chatbots', 'messages'],
       array[1, 0, 2, 1, 1, 1]) $$,
  $$ values (1, null::text, true, 1::bigint, false), (2, 'PY003', null, null, null), (3, null, true, 3, false), (4, 'PY001', null, null, null),
            (5, 'PY410', null, null, null), (6, 'PY004', null, null, null) $$,
  'the good ones are decided beside the bad ones');
select is_empty($$ select from accounts where account_id = 'org_b' $$, 'which leave no account behind');
select results_eq(
  $$ select place, allowed, used from pg_temp.sorted_out(array['org_c', 'org_d', 'org_c', 'org_c'], array['messages', 'messages', 'messages', 'messages'], array[60, 5, 50, 40]) $$,
  $$ values (1, true, 60::bigint), (2, true, 5), (3, false, 60), (4, true, 100) $$, 'of what fits in part the first that fit');
select results_eq(
  $$ select place, error_code, allowed, used, replayed from pg_temp.sorted_out(array['org_d', 'org_d', 'org_d', 'org_d'], array['messages', 'messages', 'messages', 'api_calls'],
       array[1, 1, 2, 1], array['r', 'r', null, 'r']) $$,
  $$ values (1, 'PY409', null::boolean, null::bigint, null::boolean), (2, 'PY409', null, null, null), (3, null, true, 7, false), (4, null, true, 1, false) $$,
  'a request id is used once');
select results_eq(
  $$ select place, used, replayed from pg_temp.sorted_out(array['org_d', 'org_d'], array['api_calls', 'api_calls'], array[1, 4], array['r', 's']) $$,
  $$ values (1, 1::bigint, true), (2, 5, false) $$, 'and has its first answer again');
update accounts set closed_at = app.clock() where account_id = 'org_c';
select results_eq(
  $$ select place, error_code, allowed from pg_temp.sorted_out(array['org_c', 'org_d'], array['messages', 'messages'], array[1, 1]) $$,
  $$ values (1, 'PY415', null::boolean), (2, null, true) $$, 'a closed account has its verdict');
select is_empty(
  $$ select account_id, metric from counters c full join (select account_id, metric, window_start, sum(amount) as total from usage_events group by 1, 2, 3) l
       using (account_id, metric, window_start) where coalesce(c.used, 0) <> coalesce(l.total, 0) $$, 'every counter is the sum of its ledger');

select * from finish();
rollback;
