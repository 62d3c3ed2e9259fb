import { randomBytes } from 'node:crypto'
import { applyMigrations } from '../../../scripts/database/apply.ts'
import { prepareSandbox } from '../../../scripts/database/sandbox.ts'
import { startScratchPostgres, type ScratchPostgres } from '../../../scripts/database/scratch-postgres.ts'
import { withClient } from '../../../scripts/database/with-client.ts'

/** TEMPLATE is the migrated, sandboxed database that every test file clones. */
export const TEMPLATE = 'parley_template'

/** TestCluster is the running Postgres of one test run. `authenticatorPassword` is that of the login PostgREST uses. */
export type TestCluster = { ownerUrl: string; authenticatorPassword: string; stop(): Promise<void> }

/** startTestCluster starts a Postgres of its own and builds {@link TEMPLATE} in it, from the migrations. */
export async function startTestCluster(): Promise<TestCluster> {
  const postgres = await startScratchPostgres({ max_connections: '300' })
  const authenticatorPassword = randomBytes(16).toString('hex')
  try {
    await buildTemplate(postgres, authenticatorPassword)
  } catch (error) {
    await postgres.stop()
    throw error
  }
  return { ownerUrl: postgres.url('postgres'), authenticatorPassword, stop: () => postgres.stop() }
}

async function buildTemplate(postgres: ScratchPostgres, authenticatorPassword: string): Promise<void> {
  await withClient(postgres.url('postgres'), (client) => client.query(`create database ${TEMPLATE}`))
  await withClient(postgres.url(TEMPLATE), async (client) => {
    await applyMigrations(client)
    await prepareSandbox(client)
    await client.query(`create role authenticator login noinherit password '${authenticatorPassword}'`)
    await client.query('grant anon, authenticated, service_role to authenticator')
  })
  // Cloning is refused while anyone is connected to the template.
  await withClient(postgres.url('postgres'), (client) =>
    client.query(`alter database ${TEMPLATE} with is_template true allow_connections false`)
  )
}
