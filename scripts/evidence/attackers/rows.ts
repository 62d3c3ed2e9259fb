import { createHash } from 'node:crypto'
import type { Client } from 'pg'

/** rowsOf is a digest of all rows of an account, by table. */
export async function rowsOf(owner: Client, accountId: string): Promise<Map<string, string>> {
  const { rows: tables } = await owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'account_id'
      where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`
  )
  const digests = new Map<string, string>()
  for (const { name } of tables) {
    const own = `select t::text as line from ${name} t where account_id = $1 order by 1`
    const { rows } = await owner.query<{ line: string }>(own, [accountId])
    digests.set(name, `${rows.length}:${createHash('sha256').update(rows.map(({ line }) => line).join('\n')).digest('hex')}`)
  }
  return digests
}

/** changedTables are those in which the rows are not what they were. */
export function changedTables(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...before].flatMap(([table, digest]) => (after.get(table) === digest ? [] : [table]))
}
