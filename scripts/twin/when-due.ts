import type { Timeline } from './timeline.ts'

/** WhenDue runs what becomes due by itself. `look` says that something may be due at another time than before. */
export type WhenDue = { begin(ms: number): void; look(): void; stop(): void }

// setTimeout takes no more than 2^31 - 1 ms; looking again in between costs nothing.
const LONGEST_WAIT_MS = 3_600_000
const PAUSE_AFTER_FAILURE_MS = 5_000

/**
 * whenDue lets nothing happen before `begin`, which first makes up for the time until then; afterwards a timer (which keeps no
 * process alive) waits for the next thing due. A failure is logged, and the next look tries again.
 */
export function whenDue(options: { timeline: Timeline; nowMs(): number; log: (line: string) => void }): WhenDue {
  const { timeline, nowMs, log } = options
  let state: 'waiting' | 'idle' | 'busy' | 'stopped' = 'waiting'
  let timer: NodeJS.Timeout | null = null

  const run = async (ms: number): Promise<void> => {
    state = 'busy'
    let pauseMs = 0
    try {
      await timeline.advanceTo(ms)
    } catch (error) {
      pauseMs = PAUSE_AFTER_FAILURE_MS
      if (state === 'busy') log(`The offline twin could not do what is due: ${error instanceof Error ? error.message : String(error)}`)
    }
    if (state === 'busy') state = 'idle'
    look(pauseMs)
  }
  const look = (atLeastMs = 0): void => {
    if (state !== 'idle') return
    if (timer !== null) clearTimeout(timer)
    const dueMs = timeline.nextDue()
    if (dueMs === null) return
    timer = setTimeout(() => {
      timer = null
      // Only what is due by then: the clock itself goes on without help.
      if (state === 'idle') void run(0)
    }, Math.min(Math.max(dueMs - nowMs(), atLeastMs), LONGEST_WAIT_MS)).unref()
  }
  return {
    begin(ms) {
      if (state === 'waiting') void run(ms)
    },
    look: () => look(),
    stop() {
      state = 'stopped'
      if (timer !== null) clearTimeout(timer)
    }
  }
}
