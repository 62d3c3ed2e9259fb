import type { ClientBase } from 'pg'
import { CATALOG_QUERIES } from './catalog-queries.ts'

/** Catalog maps the name of every object (`function api.read_usage(text)`) to its whole definition, as text. */
export type Catalog = Map<string, string>

/** Difference is one object that two catalogs do not share; null stands for "not there". */
export type Difference = { name: string; left: string | null; right: string | null }

// Rows written at migration time carry the time of migrating.
const VOLATILE_COLUMNS = ['created_at', 'updated_at']

/**
 * readCatalog reads the definitions of two schemas and the rows of all their tables. In a database that was only just
 * built every row is a reference row, so that no list of reference tables can be forgotten.
 */
export async function readCatalog(client: ClientBase, schemas = ['app', 'api']): Promise<Catalog> {
  const catalog: Catalog = new Map()
  await client.query('begin read only')
  try {
    // Definitions print names relative to the search path.
    await client.query(`set local search_path = ''; set local timezone = 'UTC'`)
    for (const query of CATALOG_QUERIES) {
      const { rows } = await client.query<{ name: string; definition: string | null }>(query, [schemas])
      for (const { name, definition } of rows) catalog.set(name, definition ?? '')
    }
    for (const table of [...catalog.keys()].filter((name) => name.startsWith('table '))) {
      catalog.set(`rows of ${table}`, await readRows(client, table.slice('table '.length)))
    }
  } finally {
    await client.query('rollback')
  }
  return catalog
}

async function readRows(client: ClientBase, quotedTable: string): Promise<string> {
  const { rows } = await client.query<{ lines: string }>(
    `select coalesce(string_agg(line, E'\\n' order by line collate "C"), '') as lines
       from (select (to_jsonb(t) - $1::text[])::text as line from ${quotedTable} t) numbered`,
    [VOLATILE_COLUMNS]
  )
  return rows[0]?.lines ?? ''
}

/** compareCatalogs lists the objects that differ, sorted by name. */
export function compareCatalogs(left: Catalog, right: Catalog): Difference[] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .map((name) => ({ name, left: left.get(name) ?? null, right: right.get(name) ?? null }))
    .filter((difference) => difference.left !== difference.right)
}

/** describeDifference prints one difference for a person: `-` is on the left only, `+` on the right only. */
export function describeDifference(difference: Difference, leftName: string, rightName: string): string {
  const { name, left, right } = difference
  if (left === null) return `${name}\n  only in ${rightName}`
  if (right === null) return `${name}\n  only in ${leftName}`
  const before = left.split('\n')
  const after = right.split('\n')
  while (before.length > 0 && after.length > 0 && before[0] === after[0]) {
    before.shift()
    after.shift()
  }
  while (before.length > 0 && after.length > 0 && before.at(-1) === after.at(-1)) {
    before.pop()
    after.pop()
  }
  return [name, ...before.map((line) => `  - ${line}`), ...after.map((line) => `  + ${line}`)].join('\n')
}
