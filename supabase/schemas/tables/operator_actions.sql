-- What operators did with deliveries.

create table app.operator_actions (
  id uuid primary key default gen_random_uuid(),
  operator_id text not null check (length(operator_id) between 1 and 255),
  action text not null check (action in ('replay', 'discard')),
  processor text not null,
  event_id text not null,
  reason text not null check (length(reason) between 3 and 500),
  status_before text not null,
  status_after text not null,
  created_at timestamptz not null default app.clock()
);

create index operator_actions_latest on app.operator_actions (created_at desc, id desc);
create index operator_actions_event on app.operator_actions (processor, event_id, created_at desc);

comment on table app.operator_actions is
  'Each time somebody replayed or discarded a delivery, why, and what it was before. Written in the transaction of the change. Append-only.';
comment on column app.operator_actions.operator_id is 'The Clerk user, or where it was done in SQL the database login.';

alter table app.operator_actions enable row level security;
revoke all on table app.operator_actions from public, anon, authenticated, service_role;
grant select on table app.operator_actions to operator;
create policy operator_reads on app.operator_actions for select to operator using (true);
