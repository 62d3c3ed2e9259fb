-- Roles. Supabase brings anon, authenticated and service_role; any other Postgres gets them here. None may log in:
-- PostgREST's authenticator, or the server's own login, takes one of them on.
--
-- service_role  the server: may call the functions of schema api, and nothing else (no table, no other function)
-- authenticated a signed-in user coming through PostgREST: reads its own rows through the views of schema api
-- anon          nobody: may do nothing
-- operator      a person at a psql prompt: reads everything, calls the repair functions
do $$
declare
  v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role', 'operator'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute format('create role %I nologin noinherit', v_role);
    end if;
  end loop;
end
$$;

-- Whoever migrates may serve too: the server's connections start as service_role.
do $$
begin
  if not pg_has_role(current_user, 'service_role', 'member') then
    execute format('grant service_role to %I', current_user);
  end if;
exception when insufficient_privilege then
  raise notice 'service_role was made by somebody else: have it granted to the login the server uses';
end
$$;

-- The runbook names tables without their schema.
do $$
begin
  alter role operator set search_path = app, api;
exception when insufficient_privilege then
  raise notice 'operator was made by somebody else: set its search_path to app, api';
end
$$;

-- An empty search_path still finds pg_temp first, for tables and types. Whoever may make temporary objects could slip a type
-- of its own under a name a security definer function uses, and run code as its owner. So nobody but the owner may.
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
end
$$;
