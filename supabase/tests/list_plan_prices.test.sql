-- list_plan_prices: what the plans cost now.
begin;
select plan(3);


select results_eq($$ select * from api.list_plan_prices() $$,
  $$ values ('starter', 'Starter', 'month', 1, 'USD', 1900::bigint, 0), ('starter', 'Starter', 'year', 1, 'USD', 19380, 0),
            ('growth', 'Growth', 'month', 1, 'USD', 7900, 14), ('growth', 'Growth', 'year', 1, 'USD', 80580, 14),
            ('enterprise', 'Enterprise', 'month', 1, 'USD', 39900, 0), ('enterprise', 'Enterprise', 'year', 1, 'USD', 406980, 0) $$,
  'every plan that is sold has its price by the month and by the year, in catalog order; plan free has none');
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values ('growth', 'month', 3, 'EUR', 8900), ('growth', 'month', 2, 'USD', 8400);
select results_eq($$ select version, currency, amount_minor from api.list_plan_prices() where plan = 'growth' order by billing_interval $$,
  $$ values (3, 'EUR', 8900::bigint), (1, 'USD', 80580) $$, 'of several versions the newest is listed, of each interval by itself');
update app.plans set position = 9 where plan = 'starter';
select is((select array_agg(plan || ' ' || billing_interval order by place) from api.list_plan_prices() with ordinality as l (plan, name, billing_interval, version, currency, amount_minor, trial_days, place)),
  array['growth month', 'growth year', 'enterprise month', 'enterprise year', 'starter month', 'starter year'], 'the order is that of the catalog');

select * from finish();
rollback;
