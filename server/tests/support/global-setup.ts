import { startTestCluster, type TestCluster } from './test-cluster.ts'

let cluster: TestCluster | null = null

/** globalSetup starts the one Postgres of a test run; the workers find it through their environment. */
export default async function globalSetup(): Promise<void> {
  cluster = await startTestCluster()
  process.env['PARLEY_TEST_OWNER_URL'] = cluster.ownerUrl
  process.env['PARLEY_TEST_AUTHENTICATOR_PASSWORD'] = cluster.authenticatorPassword
}

/** stopCluster ends what {@link globalSetup} started and removes its folder. */
export async function stopCluster(): Promise<void> {
  await cluster?.stop()
  cluster = null
}
