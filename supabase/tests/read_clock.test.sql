-- read_clock: what time it is for Parley.
begin;
select plan(4);


update app.environment set kind = 'sandbox', clock_offset = interval '0';
select results_eq($$ select * from api.read_clock() $$, $$ values (now(), true, 0::bigint) $$, 'a sandbox begins at the real time, and can be moved');
update app.environment set clock_offset = interval '1 day 2.5 seconds';
select results_eq($$ select * from api.read_clock() $$, $$ values (now() + interval '1 day 2.5 seconds', true, 86402500::bigint) $$, 'moved, it tells how far it is ahead, in milliseconds');
select is((select now from api.read_clock()), app.clock(), '… and the time everything goes by');
update app.environment set clock_offset = interval '0', kind = 'production';
select results_eq($$ select * from api.read_clock() $$, $$ values (now(), false, 0::bigint) $$, 'production goes by the real time, and cannot be moved');

select * from finish();
rollback;
