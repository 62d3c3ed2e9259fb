import { join, resolve } from 'node:path'
import { DEFAULT_DATA_DIR } from './data-folder.ts'
import { codeOf, fileFault } from './start-error.ts'

/** REPOSITORY is the root folder of this checkout. */
export const REPOSITORY = resolve(import.meta.dirname, '..', '..')

/** Environment is `process.env` with `.env` added; what was set before `.env` was read wins. */
export type Environment = NodeJS.ProcessEnv

/** loadEnvironment reads `.env` of the checkout, when there is one. Throws {@link StartError} when it is unreadable. */
export function loadEnvironment(): Environment {
  const file = join(REPOSITORY, '.env')
  try {
    process.loadEnvFile(file)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw fileFault('read', file, error)
  }
  return process.env
}

/** settingOf returns the value of a variable; one of only spaces counts as not set. */
export function settingOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim()
  return value === '' ? undefined : value
}

/** dataDirOf returns the data folder: DATA_DIR, else `.data` in the checkout. */
export function dataDirOf(environment: Environment): string {
  return resolve(settingOf(environment, 'DATA_DIR') ?? DEFAULT_DATA_DIR)
}
