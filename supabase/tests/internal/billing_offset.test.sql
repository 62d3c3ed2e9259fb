-- billing_offset: by which clock a processor's months go.
begin;
select plan(4);


select is(app.billing_offset('razorpay'), interval '5 hours 30 minutes', 'Razorpay''s days begin at midnight in India');
select is(app.billing_offset(p), interval '0', format('those of %L in UTC', p)) from unnest(array['stripe', 'paddle', null]) p;

select * from finish();
rollback;
