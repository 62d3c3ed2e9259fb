-- price_to_sell: the newest price a processor has of a plan, with a trial in it or without.
begin;
select plan(15);


update app.environment set kind = 'sandbox';
create function pg_temp.sold(p_processor text, p_trial boolean, p_plan text default 'growth', p_interval text default 'month') returns text language sql as $$
  select price_id || ' ' || trial_days from app.price_to_sell(p_processor, p_plan, p_interval, p_trial)
$$;

select is(pg_temp.sold('stripe', t), 'price_growth_monthly 0', format('where prices have no trial it does not matter whether one is wanted (%s)', t))
from unnest(array[true, false]) t;
select is(pg_temp.sold('paddle', true), 'pri_growth_monthly_trial 14', 'with a trial the price that has one is sold');
select is(pg_temp.sold('paddle', false), 'pri_growth_monthly 0', 'without, the one that has none');
select is(pg_temp.sold('paddle', true, 'starter'), 'pri_starter_monthly 0', 'where none has a trial that is sold without');
select is(pg_temp.sold('paddle', false, 'growth', 'year'), 'pri_growth_yearly 0', 'by the year the price by the year');
select is(pg_temp.sold('stripe', false, 'free'), null, 'no price, no row');
select is(pg_temp.sold('stripe', false, 'gold'), null, 'nor for an unknown plan');
select is(pg_temp.sold('clerk', false), null, 'nor of an unknown processor');

insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 2, 'USD', 9900);
do $$ begin perform api.upsert_price('paddle', 'pri_v2', 'growth', 'month', 2); end $$;
select is(pg_temp.sold('paddle', false), 'pri_v2 0', 'the newest version is sold');
select is(pg_temp.sold('paddle', true), 'pri_v2 0', '… also before an older one with the trial that is wanted');
do $$ begin perform api.upsert_price('paddle', 'pri_v2_trial', 'growth', 'month', 2, 7); end $$;
select is(pg_temp.sold('paddle', true), 'pri_v2_trial 7', '… until it has one, too');
select is(pg_temp.sold('paddle', false), 'pri_v2 0', '… which nobody gets without');
do $$ begin perform api.upsert_price('paddle', 'pri_v2_again', 'growth', 'month', 2); end $$;
update app.processor_prices set created_at = created_at + interval '1 second' where price_id = 'pri_v2_again';
select is(pg_temp.sold('paddle', false), 'pri_v2_again 0', 'of two of one version the one that was registered last');
update app.processor_prices set created_at = (select max(created_at) from app.processor_prices) where price_id like 'pri_v2%';
select is(pg_temp.sold('paddle', false), 'pri_v2 0', '… and of two of one instant always the same');

select * from finish();
rollback;
