-- Undoes 20261120210200_insert_catalog. Refused while accounts or prices use the plans.
delete from app.plan_quotas;
delete from app.plans;
delete from app.metrics;
