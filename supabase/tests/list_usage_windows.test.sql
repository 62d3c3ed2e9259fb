-- list_usage_windows: which windows there are, where they end, and nobody else's.
begin;
select plan(18);

create function pg_temp.travel_to(p_time timestamptz) returns void language sql as $$
  update app.environment set clock_offset = make_interval(secs => extract(epoch from p_time - now())::double precision)
$$;
create function pg_temp.use(p_account text, p_time timestamptz) returns void language plpgsql as $$
begin
  perform pg_temp.travel_to(p_time);
  perform api.check_and_increment_usage(p_account, 'messages');
end
$$;

select pg_temp.travel_to('2026-01-31 10:00:00+00');
select results_eq($$ select * from api.list_usage_windows('nobody', 'messages') $$,
  $$ values (timestamptz '2026-01-31 10:00:00+00', timestamptz '2026-02-28 10:00:00+00', true) $$, 'an account that is not there yet has the window that would begin now');
select is_empty($$ select from app.accounts where account_id = 'nobody' $$, 'asking does not make it');

-- Month ends, and a month without use
do $$ begin
  perform pg_temp.use('a', '2026-01-31 10:00:00+00');
  perform pg_temp.use('a', '2026-02-28 10:00:00+00');
  perform pg_temp.use('a', '2026-04-30 10:00:00+00');
  perform pg_temp.travel_to('2026-06-01 00:00:00+00');
end $$;
select results_eq($$ select * from api.list_usage_windows('a', 'messages') $$,
  $$ values (timestamptz '2026-05-31 10:00:00+00', timestamptz '2026-06-30 10:00:00+00', true),
            ('2026-04-30 10:00:00+00', '2026-05-31 10:00:00+00', false),
            ('2026-02-28 10:00:00+00', '2026-03-31 10:00:00+00', false),
            ('2026-01-31 10:00:00+00', '2026-02-28 10:00:00+00', false) $$,
  'windows that were used and the current one, newest first; each ends by the anchor, also before a month without use');
select results_eq($$ select * from api.list_usage_windows('a', 'llm_tokens') $$,
  $$ values (timestamptz '2026-05-31 10:00:00+00', timestamptz '2026-06-30 10:00:00+00', true) $$, 'a counter that was never used has the current one');
select is((select count(*) from api.list_usage_windows('b', 'messages')), 1::bigint, 'nothing of it shows at another account');
select is((select window_end from api.list_usage_windows('a', 'messages') where is_current), (select resets_at from api.read_usage('a') where metric = 'messages'),
  'the current one ends when the meter says it resets');

-- The anchor moves: a subscription begins on 10 June, and cuts the running window short.
do $$ begin
  perform pg_temp.use('a', '2026-06-02 00:00:00+00');
  update app.accounts set anchor = '2026-06-10 12:00:00+00', counts_from = '2026-06-10 12:00:00+00' where account_id = 'a';
  perform pg_temp.use('a', '2026-06-10 12:00:05+00');
end $$;
select results_eq($$ select * from api.list_usage_windows('a', 'messages') limit 4 $$,
  $$ values (timestamptz '2026-06-10 12:00:00+00', timestamptz '2026-07-10 12:00:00+00', true),
            ('2026-05-31 10:00:00+00', '2026-06-10 12:00:00+00', false),
            ('2026-04-30 10:00:00+00', '2026-05-31 10:00:00+00', false),
            ('2026-02-28 10:00:00+00', '2026-03-31 10:00:00+00', false) $$,
  'a window that a new anchor cut short ends where the next one begins; those before still end by the anchor they were counted from');
-- A third anchor: the one in between is not remembered.
do $$ begin
  perform pg_temp.use('c', '2026-01-05 00:00:00+00');
  update app.accounts set anchor = '2026-01-31 00:00:00+00', counts_from = '2026-01-31 00:00:00+00' where account_id = 'c';
  perform pg_temp.use('c', '2026-02-28 00:00:00+00');
  update app.accounts set anchor = '2026-05-07 00:00:00+00', counts_from = '2026-05-07 00:00:00+00' where account_id = 'c';
  perform pg_temp.travel_to('2026-05-08 00:00:00+00');
end $$;
select results_eq($$ select * from api.list_usage_windows('c', 'messages') $$,
  $$ values (timestamptz '2026-05-07 00:00:00+00', timestamptz '2026-06-07 00:00:00+00', true),
            ('2026-02-28 00:00:00+00', '2026-03-28 00:00:00+00', false),
            ('2026-01-05 00:00:00+00', '2026-02-05 00:00:00+00', false) $$,
  'approximate, as its docstring says: a shortened month end of an anchor in between lasts a month from its own start');
-- The clock of India
do $$ begin
  perform pg_temp.use('d', '2026-01-30 18:30:00+00');
  update app.accounts set anchor_offset = '5:30' where account_id = 'd';
  perform pg_temp.use('d', '2026-02-27 18:30:00+00');
  perform pg_temp.travel_to('2026-03-30 18:30:00+00');
end $$;
select results_eq($$ select window_start, window_end from api.list_usage_windows('d', 'messages') $$,
  $$ values (timestamptz '2026-03-30 18:30:00+00', timestamptz '2026-04-29 18:30:00+00'), ('2026-02-27 18:30:00+00', '2026-03-30 18:30:00+00'),
            ('2026-01-30 18:30:00+00', '2026-02-27 18:30:00+00') $$, 'where the processor''s months go by the clock of India, so do the ends');

-- Many
do $$ begin
  perform pg_temp.use('e', timestamptz '2020-01-01 00:00:00+00' + make_interval(months => m)) from generate_series(0, 29) m;
end $$;
select is((select (count(*), min(window_start), bool_and(window_end = window_start + interval '1 month'))::text from api.list_usage_windows('e', 'messages')),
  (24, timestamptz '2020-07-01 00:00:00+00', true)::text, 'of thirty the newest 24 are told');
update app.accounts set anchor = '2015-01-01 00:00:00+00', counts_from = '2015-01-01 00:00:00+00' where account_id = 'e';
select pg_temp.travel_to('2015-01-02 00:00:00+00');
select is((select (count(*), min(window_start) filter (where is_current))::text from api.list_usage_windows('e', 'messages')),
  (24, timestamptz '2015-01-01 00:00:00+00')::text, 'the current one is among them even where it is the oldest');

-- Arguments
select throws_ok($$ select * from api.list_usage_windows('a', 'nonsense') $$, 'PY001', 'unknown metric ''nonsense''', 'an unknown metric is an error');
select throws_ok($$ select * from api.list_usage_windows('a', null) $$, 'PY001', 'unknown metric null', 'so is none');
select throws_ok($$ select * from api.list_usage_windows('a', 'seats') $$, 'PY004', null, 'a level has no windows');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.list_usage_windows('a', 'messages') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.list_usage_windows('a', 'messages') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.list_usage_windows('a', 'messages') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select * from api.list_usage_windows('a', 'messages') $$, '42501', null, 'an operator may not call it');
reset role;
select * from finish();
rollback;
