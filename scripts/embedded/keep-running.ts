import type { End } from './child.ts'

/** Part is a running child of the stack. */
export type Part = { pid: number; ended: Promise<End>; stop(): Promise<void> }

/**
 * Kept is a part that is started again when it ends by itself. `gaveUp` resolves with a sentence when that does not help,
 * and never otherwise; `stop` ends the part for good and is safe to repeat.
 */
export type Kept = { gaveUp: Promise<string>; stop(): Promise<void> }

const MOST_RESTARTS = 5
const WITHIN_MS = 60_000
const NEVER = new Promise<string>(() => undefined)

/** keepRunning watches `first` and replaces it through `startAgain`, at most five times a minute. */
export function keepRunning<P extends Part>(
  name: string,
  first: P,
  startAgain: () => Promise<P>,
  log: (line: string) => void
): Kept {
  let part = first
  let stopping = false
  let restarting: Promise<void> = Promise.resolve()
  const restart = async () => {
    part = await startAgain()
  }
  const watch = async (): Promise<string> => {
    let restarts: number[] = []
    for (;;) {
      const { code, signal } = await part.ended
      if (stopping) return NEVER
      const how = `${name} ended by itself (${signal ?? `exit code ${code}`})`
      restarts = restarts.filter((time) => time > Date.now() - WITHIN_MS)
      if (restarts.length >= MOST_RESTARTS) return `${how} again and again.`
      restarts.push(Date.now())
      log(`${how}; starting it again…`)
      try {
        await (restarting = restart())
      } catch (error) {
        return `${how} and could not be started again: ${error instanceof Error ? error.message : String(error)}`
      }
    }
  }
  return {
    gaveUp: watch(),
    stop: async () => {
      stopping = true
      // One that is just being started has to be there before it can be stopped.
      await restarting.catch(() => undefined)
      await part.stop()
    }
  }
}
