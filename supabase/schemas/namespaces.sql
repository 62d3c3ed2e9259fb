-- Schemas. app holds tables and the functions only other functions call; api holds what may be called from outside and
-- is the only schema PostgREST exposes.
create schema if not exists app;
create schema if not exists api;

revoke all on schema app from public;
revoke all on schema api from public;

grant usage on schema api to service_role, authenticated, operator;
-- security_invoker views are read with the rights of the reader, who therefore must see the schema of their tables.
grant usage on schema app to authenticated, operator;

comment on schema app is 'Tables, and the functions that only other functions call.';
comment on schema api is 'The functions and views that may be called from outside; the only schema PostgREST exposes.';
