import { seededRandom } from '../twin/random.ts'
import { startArena } from './races/arena.ts'
import type { Draw } from './races/draw.ts'
import { startFindings } from './races/findings.ts'
import { raceForLastUnit } from './races/last-unit.ts'
import { raceMixed } from './races/mixed.ts'
import type { Check, Suite } from './suite.ts'

const FULL = { rounds: 100, callers: 10_000, waves: 30, calls: 5_000, accounts: 6, changes: 20, processes: 4, largestBatch: 300 }
const SHORT = { rounds: 4, callers: 500, waves: 3, calls: 600, accounts: 3, changes: 10, processes: 2, largestBatch: 60 }

// Every way in is tried in every round; the many come in the ways that take many.
const CROWD_SHARE = { http: 0.03, batcher: 0.54, many: 0.4 }
const MIXED_SHARE = { http: 0.08, batcher: 0.42, many: 0.4 }

/**
 * races lets callers of several real servers and of processes of their own compete for quotas, and judges everything they
 * were told afterwards (races/judge.ts).
 */
export const races: Suite = async ({ seed, short, progress }): Promise<Check[]> => {
  const { rounds, callers, waves, calls, accounts, changes, processes, largestBatch } = short ? SHORT : FULL
  progress('races: starting Postgres, servers and processes of callers')
  const arena = await startArena(processes)
  try {
    const findings = startFindings()
    const draw: Draw = {
      random: seededRandom(`races ${seed}`).next,
      processes,
      servers: arena.servers,
      share: CROWD_SHARE,
      largestBatch
    }
    await raceForLastUnit(arena, draw, { rounds, callers }, findings, progress)
    for (let wave = 0; wave < waves; wave += 1) {
      await raceMixed(arena, { ...draw, share: MIXED_SHARE }, { name: `wave_${wave}`, calls, ...shapeOf(wave, accounts, changes) }, findings)
      progress(`mixed amounts: wave ${wave + 1} of ${waves}`)
    }
    const repeats = arena.crew.repeats()
    await arena.crew.stop()
    const deadlocks = await arena.deadlocks()
    return findings.checks({ rounds, callers, waves, processes: `${processes} processes and ${arena.servers} servers`, repeats, deadlocks })
  } finally {
    await arena.stop()
  }
}

/** shapeOf lets the third of three waves be about one account, where changes and calls meet most often, and the first about calls alone. */
function shapeOf(wave: number, accounts: number, changes: number): { accounts: number; changes: number } {
  if (wave % 3 === 0) return { accounts, changes: 0 }
  return wave % 3 === 1 ? { accounts, changes } : { accounts: 1, changes: 3 * changes }
}
