import type { ClientBase } from 'pg'
import { type Catalog, readCatalog } from '../../../scripts/database/catalog.ts'

/**
 * catalogOf is {@link readCatalog} without the roles test_…: roles belong to all databases of a cluster, and other tests make
 * their own meanwhile.
 */
export async function catalogOf(client: ClientBase, schemas?: string[]): Promise<Catalog> {
  const catalog = await readCatalog(client, schemas)
  return new Map([...catalog].filter(([name]) => !name.startsWith('role test_')))
}
