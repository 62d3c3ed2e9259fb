import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DatabaseError, Query, type Client, type QueryArrayConfig } from 'pg'
import { judgeTap, type TapReport } from './tap.ts'

/**
 * installPgtap loads pgTAP into schema `tap` as plain SQL: the npm Postgres has no such extension, and pgTAP needs none.
 * Every role may use it, so that a test file can switch roles between two assertions.
 */
export async function installPgtap(client: Client): Promise<void> {
  await client.query('create schema tap; set search_path = tap')
  await client.query(pgtapSql())
  await client.query('reset search_path; grant usage on schema tap to public')
  await client.query('grant execute on all routines in schema tap to public; grant select on all tables in schema tap to public')
}

/**
 * runTapFile runs one file of `supabase/tests` and judges its TAP lines; an SQL error is a failure that names the line of
 * the file. The session keeps whatever the file left behind, so each file gets a database of its own.
 */
export async function runTapFile(client: Client, sql: string): Promise<TapReport> {
  await client.query('set search_path = tap, app, api, public')
  const lines: string[] = []
  const error = await new Promise<Error | null>((settle) => {
    const config: QueryArrayConfig = { text: sql, rowMode: 'array' }
    const query = new Query<unknown[]>(config)
    query.on('row', (row) => {
      if (row.length === 1 && typeof row[0] === 'string') lines.push(...row[0].split('\n'))
    })
    query.on('error', settle)
    query.on('end', () => settle(null))
    client.query(query)
  })
  const report = judgeTap(lines)
  if (error) report.failures.unshift(describeError(sql, error, lines))
  return report
}

function describeError(sql: string, error: Error, lines: string[]): string {
  const after = lines.findLast((line) => /^(not )?ok\b/.test(line)) ?? 'the start'
  if (!(error instanceof DatabaseError)) return `${error.message} (after "${after}")`
  const line = error.position === undefined ? '' : `line ${sql.slice(0, Number(error.position) - 1).split('\n').length}: `
  const more = [error.detail, error.hint, error.where].filter((part) => part !== undefined).join('\n')
  return `${line}${error.message} (${error.code ?? 'no code'}), after "${after}"${more === '' ? '' : `\n${more}`}`
}

function pgtapSql(): string {
  const require = createRequire(import.meta.url)
  const archive = join(dirname(require.resolve('@electric-sql/pglite-pgtap')), 'pgtap.tar.gz')
  const sql = readTarEntry(gunzipSync(readFileSync(archive)), /^share\/postgresql\/extension\/pgtap--\d+\.\d+\.\d+\.sql$/)
  if (sql === null) throw new Error('@electric-sql/pglite-pgtap no longer carries pgtap--<version>.sql.')
  return sql
}

// A tar entry is a header of 512 bytes (name at 0, octal size at 124) and its bytes, padded to 512; POSIX.1-1988 ustar.
function readTarEntry(tar: Buffer, name: RegExp): string | null {
  for (let offset = 0; offset + 512 <= tar.length; ) {
    const entry = tar.toString('utf8', offset, offset + 100).split('\0')[0] ?? ''
    if (entry === '') return null
    const size = Number.parseInt(tar.toString('latin1', offset + 124, offset + 136), 8)
    if (name.test(entry)) return tar.toString('utf8', offset + 512, offset + 512 + size)
    offset += 512 + Math.ceil(size / 512) * 512
  }
  return null
}
