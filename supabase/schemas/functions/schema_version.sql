-- schema_version tells the newest migration this database has, so that a server can refuse one it does not fit.
--
-- Returns: one row; version yyyymmddhhmmss, null where the database was not built by migrations
create or replace function api.schema_version(out version text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute 'select max(version) from supabase_migrations.schema_migrations' into version;
  end if;
end
$$;

comment on function api.schema_version() is
  'The newest migration this database has; null where none was recorded.';
revoke all on function api.schema_version() from public, anon, authenticated;
grant execute on function api.schema_version() to service_role;
grant execute on function api.schema_version() to operator;
