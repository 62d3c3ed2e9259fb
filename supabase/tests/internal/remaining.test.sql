begin;
select plan(4);

select is(app.remaining(100, 30), 70::bigint, 'what is left is the quota less what is used');
select is(app.remaining(100, 100), 0::bigint, 'nothing is left of a quota that is used up');
select is(app.remaining(100, 130), 0::bigint, 'below a lowered quota nothing is left, not less than nothing');
select is(app.remaining(null, 30), null::bigint, 'of an unlimited quota there is no number left');

select * from finish();
rollback;
