import type { Config } from 'jest'

/** config runs every test as native ESM through Node's own type stripping, so that tests and production share one syntax. */
const config: Config = {
  // Not the whole folder: .data belongs to another user when root runs the service.
  roots: ['<rootDir>/server', '<rootDir>/scripts', '<rootDir>/client/src', '<rootDir>/client/tests'],
  testMatch: ['<rootDir>/{server,client}/tests/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/server/tests/support/strip-types.ts' },
  globalSetup: '<rootDir>/server/tests/support/global-setup.ts',
  globalTeardown: '<rootDir>/server/tests/support/global-teardown.ts',
  maxWorkers: 2,
  testTimeout: 30_000
}

export default config
