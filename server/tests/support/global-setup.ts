import { unpackedBrowser } from '../../../client/tests/support/unpacked-browser.ts'
import { buildClientWhenStale } from '../../../scripts/client/built-client.ts'
import { startTestCluster, type TestCluster } from './test-cluster.ts'

let cluster: TestCluster | null = null

/**
 * globalSetup starts the one Postgres of a test run, which the workers find through their environment, builds the web
 * client where it is stale and unpacks the browser: the workers would otherwise do both side by side.
 */
export default async function globalSetup(): Promise<void> {
  await buildClientWhenStale(() => undefined)
  unpackedBrowser()
  cluster = await startTestCluster()
  process.env['PARLEY_TEST_OWNER_URL'] = cluster.ownerUrl
  process.env['PARLEY_TEST_AUTHENTICATOR_PASSWORD'] = cluster.authenticatorPassword
}

/** stopCluster ends what {@link globalSetup} started and removes its folder. */
export async function stopCluster(): Promise<void> {
  await cluster?.stop()
  cluster = null
}
