begin;
select plan(4);
select lives_ok($$ select app.require_counter(m.metric) from app.metrics m where m.kind = 'counter' $$, 'every counter passes');
select is(
  (select array_agg(m.metric order by m.position) from app.metrics m where m.kind = 'gauge'), array['chatbots', 'storage_bytes', 'seats'], 'the levels are');
select throws_ok($$ select app.require_counter('chatbots') $$, 'PY004',
  'metric chatbots is a level: it has no windows and no history by day; list its usage events instead', 'a level is refused, with what to do instead');
select throws_ok($$ select app.require_counter(null) $$, 'PY001', 'unknown metric null', 'no metric is an unknown one');
select * from finish();
rollback;
