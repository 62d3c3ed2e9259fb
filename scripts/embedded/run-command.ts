import { StartError } from './start-error.ts'

/** runCommand runs a command of package.json: a {@link StartError} becomes its sentence on stderr and exit code 1. */
export async function runCommand(command: () => Promise<void> | void): Promise<void> {
  try {
    await command()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
