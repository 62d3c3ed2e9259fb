import { expect, test } from '@jest/globals'
import { applyMigrations, applyRollback } from '../../../scripts/database/apply.ts'
import { compareCatalogs, describeDifference, type Catalog } from '../../../scripts/database/catalog.ts'
import { landedChanges } from '../../../scripts/database/landed.ts'
import { readMigrations } from '../../../scripts/database/migration-files.ts'
import { functionsOf } from '../../../scripts/database/new-migration.ts'
import { catalogOf } from '../support/catalog.ts'
import { createTestDatabase } from '../support/database.ts'
import { ROOT } from '../support/repository.ts'

const migrations = readMigrations()

test('a migration that landed is never changed', () => {
  expect(landedChanges(ROOT) ?? []).toEqual([])
})

test('every migration that adds functions has a rollback', () => {
  const without = migrations.filter(({ sql, rollback }) => functionsOf(sql).length > 0 && rollback === null)
  expect(without.map(({ file }) => file)).toEqual([])
})

test('every rollback undoes its migration exactly, and the migration can be applied again', async () => {
  const database = await createTestDatabase('template0')
  const client = await database.connect()
  let before = await catalogOf(client)
  for (const { version, rollback } of migrations) {
    await applyMigrations(client, { through: version })
    const after = await catalogOf(client)
    if (rollback !== null) {
      await applyRollback(client, version)
      expect(differences(before, await catalogOf(client))).toEqual([])
      expect(await applyMigrations(client, { through: version })).toEqual([version])
      expect(differences(after, await catalogOf(client))).toEqual([])
    }
    before = after
  }
})

function differences(expected: Catalog, found: Catalog): string[] {
  return compareCatalogs(expected, found).map((difference) => describeDifference(difference, 'expected', 'found'))
}
