import { expect, test } from '@jest/globals'
import { composeMigration, functionsOf } from '../../../scripts/database/new-migration.ts'
import { readSchemaFiles, schemaPatterns } from '../../../scripts/database/schema-files.ts'
import { createFolder } from '../support/folder.ts'

const CONFIG = '[db.migrations]\nschema_paths = [\n  # order\n  "./schemas/roles.sql",\n  "./schemas/functions/b.sql",\n  "./schemas/functions/*.sql",\n]\n'
const FILES = {
  'config.toml': CONFIG,
  'schemas/roles.sql': '-- roles\n',
  'schemas/functions/a.sql': 'create or replace function api.a(p_id text) returns int language sql as $$ select 1 $$;\n',
  'schemas/functions/b.sql': 'create or replace function api.b() returns int language sql as $$ select 2 $$;\n'
}
const NOW = new Date('2026-11-20T21:05:09.999Z')

test('files are pasted verbatim between marks, in load order, under a UTC version', () => {
  const supabaseFolder = createFolder(FILES)
  const migration = composeMigration({ name: 'add_letters', files: ['functions/a.sql', 'schemas/functions/b.sql'], now: NOW, supabaseFolder })
  expect(migration.file).toBe('20261120210509_add_letters.sql')
  expect(migration.sql).toBe(
    `--! Included schemas/functions/b.sql\n${FILES['schemas/functions/b.sql']}--! EndIncluded schemas/functions/b.sql\n\n` +
      `--! Included schemas/functions/a.sql\n${FILES['schemas/functions/a.sql']}--! EndIncluded schemas/functions/a.sql\n`
  )
})

test('the rollback drops what is new and puts back what was there', () => {
  const before = 'create or replace function api.a(p_id text) returns int language sql as $$ select 0 $$;\n'
  const supabaseFolder = createFolder({
    ...FILES,
    'migrations/20260101000000_add_a.sql': `--! Included schemas/functions/a.sql\n${before}--! EndIncluded schemas/functions/a.sql\n`
  })
  const migration = composeMigration({ name: 'add_b', files: ['functions/a.sql', 'functions/b.sql'], now: NOW, supabaseFolder })
  expect(migration.rollback).toBe(
    `--! Included schemas/functions/a.sql\n${before}--! EndIncluded schemas/functions/a.sql\n\ndrop function api.b;\n`
  )
})

test('a migration without functions has no rollback', () => {
  const supabaseFolder = createFolder(FILES)
  expect(composeMigration({ name: 'add_roles', files: ['roles.sql'], now: NOW, supabaseFolder }).rollback).toBeNull()
})

test('a version is always later than the last one', () => {
  const supabaseFolder = createFolder({ ...FILES, 'migrations/20261231235959_add_x.sql': '' })
  const { file } = composeMigration({ name: 'add_roles', files: ['roles.sql'], now: NOW, supabaseFolder })
  expect(file).toBe('20270101000000_add_roles.sql')
})

test('a wrong name and an unknown file are refused by name', () => {
  const supabaseFolder = createFolder(FILES)
  const request = { files: ['roles.sql'], now: NOW, supabaseFolder }
  expect(() => composeMigration({ ...request, name: 'Roles' })).toThrow('"Roles" is no verb_noun')
  expect(() => composeMigration({ ...request, name: 'add_c', files: ['functions/c.sql'] })).toThrow('supabase/schemas has no file functions/c.sql.')
})

test('functions and procedures are found, and nothing inside a body', () => {
  const sql = 'create function app.f(p int)\nas $$\n  select create_function()\n$$;\ncreate or replace procedure api.p ()\n;create table app.t ();'
  expect(functionsOf(sql)).toEqual(['function app.f', 'procedure api.p'])
})

test('each schema file is loaded once, in the order of config.toml', () => {
  const paths = readSchemaFiles(createFolder(FILES)).map(({ path }) => path)
  expect(paths).toEqual(['schemas/roles.sql', 'schemas/functions/b.sql', 'schemas/functions/a.sql'])
})

test('a listed file that is missing, and a file no pattern reaches, are refused', () => {
  expect(() => readSchemaFiles(createFolder({ 'config.toml': CONFIG }))).toThrow('lists ./schemas/roles.sql, which does not exist')
  expect(() => readSchemaFiles(createFolder({ ...FILES, 'schemas/views/v.sql': '' }))).toThrow('no schema_paths entry reaches schemas/views/v.sql')
})

test('a load order that is not a plain list is refused', () => {
  expect(() => schemaPatterns('[db]\nschema_paths = ["a"]')).toThrow('[db.migrations] schema_paths is missing')
  expect(() => schemaPatterns('[db.migrations]\nschema_paths = [1]\n[db.seed]')).toThrow('must be a list of strings')
})
