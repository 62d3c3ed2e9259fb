-- remaining tells what is left of a quota: never below 0 (a quota may have been lowered), null where it is unlimited.
-- (A bare greatest(0, …) would turn unlimited into 0: it passes over nulls.)
create or replace function app.remaining(p_quota bigint, p_used bigint)
returns bigint
language plpgsql
immutable
strict
set search_path = ''
as $$
begin
  return greatest(0, p_quota - p_used);
end
$$;

comment on function app.remaining(bigint, bigint) is
  'What is left of a quota, never below 0; null = unlimited.';
revoke all on function app.remaining(bigint, bigint) from public, anon, authenticated, service_role;
