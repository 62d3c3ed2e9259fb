import { stopCluster } from './global-setup.ts'

/** globalTeardown runs in the process of the setup, and so sees the same module. */
export default async function globalTeardown(): Promise<void> {
  await stopCluster()
}
