begin;
select plan(5);

select is(app.entries_at(array['a', 'b', 'c'], array[3, 1]::bigint[]), array['c', 'a'], 'the entries at these places, in their order');
select is(app.entries_at(array['a', null, 'c'], array[2, 3]::bigint[]), array[null, 'c'], 'a null is an entry as any other');
select is(app.entries_at(array[5, 6]::bigint[], array[1, 2]::bigint[]), array[5, 6]::bigint[], 'all of them are the array itself');
select is(app.entries_at(null::text[], array[1]::bigint[]), null, 'of no array there are none');
select is(app.entries_at(array['a'], '{}'::bigint[]), '{}'::text[], 'no places, no entries');

select * from finish();
rollback;
