import { setTimeout as wait } from 'node:timers/promises'
import type { Child } from './child.ts'
import { isAlive, type ProcessIdentity } from './process-identity.ts'

/** stopChild sends the signals one after another, `patienceMs` apart, until the child has ended. Safe to repeat. */
export async function stopChild(child: Child, signals: NodeJS.Signals[], patienceMs: number): Promise<void> {
  for (const signal of signals) {
    if (child.hasEnded()) return
    child.process.kill(signal)
    const patience = new AbortController()
    const tooLong = wait(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([child.ended, tooLong])
    patience.abort()
  }
}

/** endProcess does the same to a process that is not our child. */
export async function endProcess(target: ProcessIdentity, signals: NodeJS.Signals[], patienceMs: number): Promise<void> {
  for (const signal of signals) {
    if (!isAlive(target)) return
    process.kill(target.pid, signal)
    const deadline = Date.now() + patienceMs
    while (isAlive(target) && Date.now() < deadline) await wait(20)
  }
}
