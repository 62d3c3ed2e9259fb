-- begin_reconciliation: where a comparison with a processor begins, and when it goes on where another was broken off.
begin;
select plan(27);

create function pg_temp.travel(p_to timestamptz) returns void language sql as $$
  update app.environment set kind = 'sandbox', clock_offset = make_interval(secs => extract(epoch from p_to - now())::float8)
$$;
create temp table runs (name text primary key, run_id uuid, since timestamptz, cursor text, entries bigint, resumed boolean);
-- Begins one under a name, and tells whether it goes on with one begun before, and from when.
create function pg_temp.begins(p_name text, p_since timestamptz default null, p_dry_run boolean default false, p_processor text default 'stripe') returns text language sql as $$
  insert into runs select p_name, b.* from api.begin_reconciliation(p_processor, p_since, p_dry_run) b;
  select concat_ws(' ', case when r.resumed then 'goes on with' else 'begins' end, (select o.name from runs o where o.run_id = r.run_id and o.name <> p_name order by o.name limit 1),
                   to_char(r.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), 'at ' || r.cursor, 'after ' || nullif(r.entries, 0))
  from runs r where r.name = p_name
$$;
create function pg_temp.ends(p_name text, p_status text default 'done', p_cursor text default null) returns void language sql as $$
  select api.advance_reconciliation(run_id, p_cursor, 0, p_status) from runs where name = p_name
$$;
do $$ begin perform pg_temp.travel('2027-03-10 12:00+00'); end $$;

-- the first
select is(pg_temp.begins('first'), 'begins 2027-03-07 12:00', 'the first one looks three days back');
select results_eq($$ select processor, since, dry_run, status, cursor, entries, corrections, started_at, updated_at, finished_at from app.reconciliation_runs $$,
  $$ values ('stripe', '2027-03-07 12:00+00'::timestamptz, false, 'running', null::text, 0::bigint, 0::bigint, app.clock(), app.clock(), null::timestamptz) $$, 'it is written down as running');
do $$ begin perform pg_temp.travel('2027-03-10 12:00:59+00'); end $$;
select is(pg_temp.begins('second'), 'begins 2027-03-07 12:00', 'one that was heard of less than a minute ago is left to whoever runs it');
select pg_temp.ends('second');
do $$ begin perform pg_temp.travel('2027-03-10 13:00+00'); end $$;
select is(pg_temp.begins('third'), 'begins 2027-03-10 11:00', 'the next one looks back to the beginning of the last that was finished, and an hour more');
select pg_temp.ends('third');
select is(pg_temp.begins('paddle', p_processor => 'paddle'), 'begins 2027-03-07 13:00', '… of the same processor');
select is(pg_temp.begins('given', '2027-01-01 00:00+00'), 'begins 2027-01-01 00:00', 'a time that is given is taken');
select pg_temp.ends('given');

-- broken off
do $$ begin perform pg_temp.travel('2027-03-10 14:00+00'), pg_temp.begins('dies'); perform api.advance_reconciliation(run_id, 'cursor_7', 70) from runs where name = 'dies'; perform pg_temp.travel('2027-03-10 14:01:01+00'); end $$;
select is(pg_temp.begins('heir'), 'goes on with dies 2027-03-10 12:00 at cursor_7 after 70', 'one that stood still for more than a minute is gone on with, where it was');
select results_eq($$ select count(*), max(updated_at) from app.reconciliation_runs where status = 'running' and processor = 'stripe' and started_at > '2027-03-10 13:30+00' $$, $$ values (1::bigint, app.clock()) $$,
  '… it is the same run, and busy again');
select alike(pg_temp.begins('beside'), 'begins%', '… so that a third one leaves it alone');
do $$ begin perform pg_temp.travel('2027-03-10 15:00+00'); end $$;
select is(pg_temp.begins('later'), 'begins 2027-03-10 13:01', 'one that nobody works on is not gone on with where a later one is done')
  from (select pg_temp.ends('beside')) x;
do $$ begin perform pg_temp.ends('later', 'failed', 'cursor_9'); end $$;
select is(pg_temp.begins('other time', '2027-01-01 00:00+00'), 'begins 2027-01-01 00:00', 'one that failed is not gone on with for another time than its own');
select is(pg_temp.begins('dry', p_dry_run => true), 'begins 2027-03-10 13:01', '… nor by one that corrects nothing');
select is(pg_temp.begins('elsewhere', p_processor => 'razorpay'), 'begins 2027-03-07 15:00', '… nor by one of another processor');
select is(pg_temp.begins('again'), 'goes on with later 2027-03-10 13:01 at cursor_9', 'one that failed is gone on with at once, where it was');
select results_eq($$ select status, last_error, finished_at from app.reconciliation_runs r join runs on run_id = r.id where name = 'again' $$, $$ values ('running', null::text, null::timestamptz) $$, '… and runs as if it had not failed');
do $$ begin perform pg_temp.ends('again', 'failed', 'cursor_9'); end $$;
select is(pg_temp.begins('same time', '2027-03-10 13:01:01+00'), 'goes on with again 2027-03-10 13:01 at cursor_9', 'also where the time that is given is its own');
do $$ begin perform pg_temp.ends('same time', 'failed', 'cursor_9'), pg_temp.travel('2027-03-11 15:00:01+00'); end $$;
select is(pg_temp.begins('next day'), 'begins 2027-03-10 13:01', 'one begun more than a day ago is begun anew, from where the last finished one began');
do $$ begin perform pg_temp.ends('dry'), pg_temp.ends('next day'), pg_temp.travel('2027-03-11 16:00+00'); end $$;
select is(pg_temp.begins('dry again', p_dry_run => true), 'begins 2027-03-11 14:00', 'one that corrects nothing looks as far back as one that corrects');
do $$ begin perform pg_temp.ends('dry again'), pg_temp.travel('2027-03-11 20:00+00'); end $$;
select is(pg_temp.begins('not by the dry'), 'begins 2027-03-11 14:00', '… and makes up for nothing');

-- a look at a short time says nothing of the time before
do $$ begin perform pg_temp.ends('not by the dry'), pg_temp.travel('2027-03-15 20:00+00'), pg_temp.begins('glance', '2027-03-15 19:50+00'), pg_temp.ends('glance'); end $$;
select is(pg_temp.begins('after the glance'), 'begins 2027-03-11 19:00', 'after a look at the last ten minutes the days nobody looked at are still looked at');

-- arguments
select throws_ok(format('select * from api.begin_reconciliation(%L)', bad), 'PY004', 'processor must be stripe, paddle or razorpay', format('processor %s is refused', coalesce(bad, 'null')))
from unnest(array['clerk', 'acme', null]) bad;

-- who may call it
set local role service_role;
select lives_ok($$ select * from api.begin_reconciliation('stripe') $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.begin_reconciliation('stripe') $$, '42501', null, 'a signed-in user may not');
set local role anon;
select throws_ok($$ select * from api.begin_reconciliation('stripe') $$, '42501', null, 'nor a visitor');
set local role operator;
select throws_ok($$ select * from api.begin_reconciliation('stripe') $$, '42501', null, 'nor an operator, who has the command for it');
reset role;

select * from finish();
rollback;
