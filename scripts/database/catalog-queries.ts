/**
 * CATALOG_QUERIES read everything a schema file can say from pg_catalog: each returns (name, definition), with one
 * argument, the schemas as text[]. Definitions leave out what two equal databases may differ in: oids, the order of a
 * table's columns, and the name of the role that created them (shown as `creator`).
 * Source: https://www.postgresql.org/docs/17/catalogs.html
 */
export const CATALOG_QUERIES: readonly string[] = [
  // Schemas
  `select format('schema %I', n.nspname) as name,
     ${lines(`'owner ' || ${role('n.nspowner')}`, grants('n.nspacl', 'n', 'n.nspowner'), comment('n.oid', 'pg_namespace'))} as definition
   from pg_namespace n where n.nspname = any($1)`,

  // Roles (of the whole cluster: the two databases must be of two clusters to differ here)
  `select format('role %I', r.rolname) as name,
     ${lines(
       `format('super %s, inherit %s, createrole %s, createdb %s, login %s, replication %s, bypassrls %s', r.rolsuper, r.rolinherit,
          r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls)`,
       `'settings ' || nullif(r.rolconfig::text, '{}')`,
       `(select string_agg(format('member of %I', parent.rolname), E'\\n' order by parent.rolname)
           from pg_auth_members m join pg_roles parent on parent.oid = m.roleid where m.member = r.oid)`
     )} as definition
   from pg_roles r where r.rolname !~ '^pg_' and not r.rolsuper and $1::text[] is not null`,

  // Tables, views, sequences' shells: storage, row security, grants
  `select format('%s %I.%I', ${relationKind()}, n.nspname, c.relname) as name,
     ${lines(
       `'owner ' || ${role('c.relowner')}`,
       `case c.relpersistence when 'u' then 'unlogged' end`,
       `'options ' || (select string_agg(option, ', ' order by option) from unnest(c.reloptions) option)`,
       `'access method ' || (select amname from pg_am where oid = c.relam)`,
       `case when c.relrowsecurity then 'row level security' when c.relkind in ('r', 'p') then 'NO row level security' end`,
       `case when c.relforcerowsecurity then 'forced row level security' end`,
       `case when c.relkind in ('r', 'p') and c.relreplident <> 'd' then 'replica identity ' || c.relreplident::text end`,
       `'partition by ' || pg_get_partkeydef(c.oid)`,
       `'partition ' || pg_get_expr(c.relpartbound, c.oid)`,
       `(select string_agg('inherits ' || i.inhparent::regclass::text, E'\\n' order by i.inhseqno)
           from pg_inherits i where i.inhrelid = c.oid)`,
       `case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end`,
       `(select format('%s start %s increment %s min %s max %s cache %s cycle %s', s.seqtypid::regtype, s.seqstart, s.seqincrement,
           s.seqmin, s.seqmax, s.seqcache, s.seqcycle) from pg_sequence s where s.seqrelid = c.oid)`,
       `(select format('owned by %s.%I', d.refobjid::regclass, a.attname) from pg_depend d
           join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and c.relkind = 'S')`,
       grants('c.relacl', `case c.relkind when 'S' then 's'::"char" else 'r'::"char" end`, 'c.relowner'),
       comment('c.oid', 'pg_class')
     )} as definition
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')`,

  // Columns of tables and views; those of a composite type are part of the type
  `select format('column %I.%I.%I', n.nspname, c.relname, a.attname) as name,
     ${lines(
       `format_type(a.atttypid, a.atttypmod)`,
       `case when a.attnotnull then 'not null' else 'null' end`,
       `case a.attgenerated when '' then 'default ' else 'generated ' end || pg_get_expr(d.adbin, d.adrelid)`,
       `case a.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end`,
       `'collation ' || (select nullif(collname, 'default') from pg_collation where oid = a.attcollation)`,
       `case when a.attstorage <> t.typstorage then 'storage ' || a.attstorage::text end`,
       `nullif('compression ' || a.attcompression::text, 'compression ')`,
       `'statistics ' || nullif(a.attstattarget, -1)`,
       `'options ' || a.attoptions::text`,
       `case when a.attacl is not null then ${grants('a.attacl', 'c', 'c.relowner')} end`,
       `'comment ' || col_description(c.oid, a.attnum)`
     )} as definition
   from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped`,

  // Constraints
  `select format('constraint %I on %s', k.conname,
       case when k.conrelid <> 0 then k.conrelid::regclass::text else k.contypid::regtype::text end) as name,
     ${lines(
       `pg_get_constraintdef(k.oid)`,
       `case when not k.convalidated then 'not validated' end`,
       comment('k.oid', 'pg_constraint')
     )} as definition
   from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname = any($1) and k.contype <> 't'`,

  // Indexes
  `select format('index %I.%I', n.nspname, c.relname) as name,
     ${lines(
       `pg_get_indexdef(i.indexrelid)`,
       `case when not i.indisvalid then 'INVALID' end`,
       `case when i.indisclustered then 'clustered' end`,
       `case when i.indisreplident then 'replica identity' end`,
       comment('c.oid', 'pg_class')
     )} as definition
   from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname = any($1)`,

  // Functions and procedures; an overload is a name of its own
  `select format('function %s', p.oid::regprocedure) as name,
     ${lines(
       `'owner ' || ${role('p.proowner')}`,
       `case when p.prokind <> 'a' then pg_get_functiondef(p.oid) else 'aggregate' end`,
       grants('p.proacl', 'f', 'p.proowner'),
       comment('p.oid', 'pg_proc')
     )} as definition
   from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any($1)`,

  // Policies
  `select format('policy %I on %s', p.polname, p.polrelid::regclass) as name,
     ${lines(
       `case when p.polpermissive then 'permissive' else 'restrictive' end`,
       `'for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end`,
       `'to ' || (select string_agg(case when o = 0 then 'PUBLIC' else o::regrole::text end, ', ' order by o::regrole::text)
          from unnest(p.polroles) o)`,
       `'using ' || pg_get_expr(p.polqual, p.polrelid)`,
       `'with check ' || pg_get_expr(p.polwithcheck, p.polrelid)`,
       comment('p.oid', 'pg_policy')
     )} as definition
   from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname = any($1)`,

  // Triggers and rewrite rules
  `select format('trigger %I on %s', t.tgname, t.tgrelid::regclass) as name,
     ${lines(
       `pg_get_triggerdef(t.oid)`,
       `nullif('enabled ' || t.tgenabled::text, 'enabled O')`,
       comment('t.oid', 'pg_trigger')
     )} as definition
   from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = any($1) and not t.tgisinternal`,
  `select format('rule %I on %s', r.rulename, r.ev_class::regclass) as name, pg_get_ruledef(r.oid) as definition
   from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = any($1) and r.rulename <> '_RETURN'`,
  `select format('event trigger %I', e.evtname) as name, format('%s %s %s', e.evtevent, e.evtfoid::regprocedure, e.evttags) as definition
   from pg_event_trigger e where $1::text[] is not null`,

  // Types: a table's row type follows its table
  `select format('type %I.%I', n.nspname, t.typname) as name,
     ${lines(
       `'owner ' || ${role('t.typowner')}`,
       `case t.typtype when 'd' then format('domain %s %s %s', format_type(t.typbasetype, t.typtypmod),
          case when t.typnotnull then 'not null' end, 'default ' || t.typdefault) end`,
       `'enum ' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)`,
       `'composite ' || (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
          from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)`,
       `'range of ' || (select r.rngsubtype::regtype::text from pg_range r where r.rngtypid = t.oid)`,
       grants('t.typacl', 'T', 't.typowner'),
       comment('t.oid', 'pg_type')
     )} as definition
   from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
   where n.nspname = any($1) and t.typtype in ('d', 'e', 'r', 'c') and (c.oid is null or c.relkind = 'c')`,

  // Extended statistics and text search configurations
  `select format('statistics %I.%I', n.nspname, s.stxname) as name, pg_get_statisticsobjdef(s.oid) as definition
   from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = any($1)`,
  `select format('text search configuration %I.%I', n.nspname, c.cfgname) as name,
     (select string_agg(format('%s %s %s', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), E'\\n'
                        order by m.maptokentype, m.mapseqno)
        from pg_ts_config_map m where m.mapcfg = c.oid) as definition
   from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace where n.nspname = any($1)`,

  // What holds for the whole database
  `select format('default privileges of %s%s for %s', ${role('d.defaclrole')}, ' in schema ' || d.defaclnamespace::regnamespace,
       case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
         else 'schemas' end) as name,
     coalesce(${grants('d.defaclacl', 'f', 'd.defaclrole')}, 'nobody') as definition
   from pg_default_acl d where d.defaclnamespace = 0 or d.defaclnamespace::regnamespace::text = any($1)`,
  `select format('extension %I', e.extname) as name, 'in schema ' || e.extnamespace::regnamespace as definition
   from pg_extension e where $1::text[] is not null`,
  `select 'settings of the database' || coalesce(' for ' || nullif(s.setrole, 0)::regrole, '') as name,
     (select string_agg(setting, E'\\n' order by setting) from unnest(s.setconfig) setting) as definition
   from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase and d.datname = current_database() where $1::text[] is not null`
]

function lines(...parts: string[]): string {
  return `concat_ws(E'\\n', ${parts.join(', ')})`
}

function role(oid: string): string {
  return `case when pg_get_userbyid(${oid}) = current_user then 'creator' else pg_get_userbyid(${oid}) end`
}

function comment(oid: string, catalog: string): string {
  return `'comment ' || obj_description(${oid}, '${catalog}')`
}

// An absent list means the built-in default, which is spelled out, so that "never revoked" shows.
function grants(acl: string, kind: string, owner: string): string {
  const defaultKind = kind.length === 1 ? `'${kind}'::"char"` : kind
  return `(select string_agg(line, E'\\n' order by line collate "C") from (
    select format('grant %s to %s%s', string_agg(a.privilege_type, ', ' order by a.privilege_type),
      case when a.grantee = 0 then 'PUBLIC' when a.grantee = ${owner} then 'owner' else pg_get_userbyid(a.grantee)::text end,
      case when a.is_grantable then ' with grant option' end) as line
    from aclexplode(coalesce(${acl}, acldefault(${defaultKind}, ${owner}))) a group by a.grantee, a.is_grantable) granted)`
}

function relationKind(): string {
  return `case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table'
    else 'table' end`
}
