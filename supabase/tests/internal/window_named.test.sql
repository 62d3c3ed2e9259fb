begin;
select plan(10);
do $$ begin
  perform app.ensure_account('a');
  perform app.ensure_account('b');
end $$;
insert into app.counters (account_id, metric, window_start, used) values
  ('a', 'messages', '2026-01-10 09:00:00.123456+00', 1), ('a', 'messages', '2026-02-10 09:00:00.123456+00', 1),
  ('a', 'messages', '2026-03-10 09:00:00+00', 1), ('a', 'messages', '2026-03-10 09:00:00.0004+00', 1), ('a', 'chatbots', '-infinity', 1),
  ('b', 'messages', '2026-01-10 09:00:00.1239+00', 1), ('b', 'messages', '2026-04-10 09:00:00.5+00', 1);

select is(app.window_named('a', 'messages', '2026-01-10 09:00:00.123+00'), '2026-01-10 09:00:00.123456+00', 'a start cut to the millisecond names the window');
select is(app.window_named('a', 'messages', '2026-01-10 09:00:00.123456+00'), '2026-01-10 09:00:00.123456+00', 'the exact start does too');
select is(app.window_named('a', null, '2026-02-10 09:00:00.123+00'), '2026-02-10 09:00:00.123456+00', 'without a metric the windows of all counters are looked at');
select is(app.window_named('a', 'messages', '2026-01-10 09:00:00.124+00'), '2026-01-10 09:00:00.124+00', 'a millisecond later is another instant, and none of a window');
select is(app.window_named('a', 'messages', '2026-01-10 09:00:00.122+00'), '2026-01-10 09:00:00.122+00', 'so is a millisecond before');
select is(app.window_named('a', 'messages', '2026-03-10 09:00:00+00'), '2026-03-10 09:00:00+00', 'of two in one millisecond the exact one is meant');
select is(app.window_named('a', 'llm_tokens', '2026-01-10 09:00:00.123+00'), '2026-01-10 09:00:00.123+00', 'windows of another metric are not looked at');
select is(app.window_named('a', 'messages', '2026-04-10 09:00:00.5+00'), '2026-04-10 09:00:00.5+00', 'nor those of another account');
select is(app.window_named('a', 'chatbots', '-infinity'), '-infinity', 'a level has the window of all time');
select is(app.window_named('a', 'messages', null), null, 'no start names no window');
select * from finish();
rollback;
