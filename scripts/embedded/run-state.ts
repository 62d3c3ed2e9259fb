import { rmSync } from 'node:fs'
import { z } from 'zod'
import type { DataPaths } from './data-folder.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { isAlive, processIdentitySchema } from './process-identity.ts'

const runStateSchema = z.object({
  launcher: processIdentitySchema,
  httpPort: z.int().nullable(),
  postgres: z.object({ process: processIdentitySchema, port: z.int() }),
  postgrest: z.object({ process: processIdentitySchema, url: z.string() }).nullable(),
  twin: z.object({ stripe: z.string(), paddle: z.string(), razorpay: z.string(), control: z.string() }).nullable().default(null)
})

/**
 * RunState is `run.json`: who runs the embedded stack of a data folder, and on which ports. `httpPort` is the server's, `twin`
 * are the URLs of the offline twin.
 */
export type RunState = z.infer<typeof runStateSchema>

/** writeRunState replaces `run.json` (mode 0600). */
export function writeRunState(paths: DataPaths, state: RunState): void {
  writePrivateFile(paths.run, `${JSON.stringify(state, null, 2)}\n`)
}

/** readLeftState returns what `run.json` says, also of a run that is over; null when there is none or it is unreadable text. */
export function readLeftState(paths: DataPaths): RunState | null {
  const text = readPrivateFile(paths.run)
  if (text === null) return null
  try {
    return runStateSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** readRunState returns the state of the stack that runs now on this data folder, or null. */
export function readRunState(paths: DataPaths): RunState | null {
  const state = readLeftState(paths)
  return state !== null && isAlive(state.launcher) && isAlive(state.postgres.process) ? state : null
}

/** removeRunState forgets a run that has ended. */
export function removeRunState(paths: DataPaths): void {
  rmSync(paths.run, { force: true })
}
