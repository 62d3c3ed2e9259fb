-- schema_version: what its docstring promises.
begin;
select plan(9);

drop schema if exists supabase_migrations cascade;
select is((select version from api.schema_version()), null, 'a database that was not built by migrations has no version');
create schema supabase_migrations;
select is((select version from api.schema_version()), null, 'nor has one without the list of migrations');
create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
select is((select version from api.schema_version()), null, 'nor one whose list is empty');
insert into supabase_migrations.schema_migrations (version) values ('20261120210200'), ('20270101000000'), ('20261120210000');
select is((select version from api.schema_version()), '20270101000000', 'the version is that of the newest migration');
delete from supabase_migrations.schema_migrations where version = '20270101000000';
select is((select version from api.schema_version()), '20261120210200', 'after a rollback it is that of the newest one left');

-- Who may call it
set local role service_role;
select lives_ok($$ select * from api.schema_version() $$, 'the server may call it');
set local role authenticated;
select throws_ok($$ select * from api.schema_version() $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select * from api.schema_version() $$, '42501', null, 'a visitor may not call it');
set local role operator;
select lives_ok($$ select * from api.schema_version() $$, 'an operator may call it');
reset role;

select * from finish();
rollback;
