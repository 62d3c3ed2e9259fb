-- keeps_change: what Parley must keep because a processor cannot be told in advance.
begin;
select plan(1);


select is((select array_agg(p || ' ' || d order by p, d) from unnest(array['stripe', 'paddle', 'razorpay']) p, unnest(array['downgrade', 'interval', 'price', 'cancel']) d where app.keeps_change(p, d)),
  array['paddle downgrade', 'paddle interval', 'paddle price', 'razorpay cancel'],
  'Paddle would change a price at once, Razorpay would not take a cancellation back; all else they are told');

select * from finish();
rollback;
