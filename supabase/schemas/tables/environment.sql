-- environment is one row: what this database is for, and how far its clock is moved.
create table app.environment (
  only_row boolean primary key default true check (only_row),
  kind text not null default 'production' check (kind in ('production', 'sandbox')),
  clock_offset interval not null default interval '0',
  constraint production_keeps_real_time check (kind = 'sandbox' or clock_offset = interval '0')
);

comment on table app.environment is
  'One row: production or sandbox, and how far app.clock() is ahead of now(). Production cannot move its clock.';

alter table app.environment enable row level security;
revoke all on table app.environment from public, anon, authenticated, service_role;
grant select on table app.environment to operator;
create policy operator_reads on app.environment for select to operator using (true);

insert into app.environment default values;
