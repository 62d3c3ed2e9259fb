import { type Check, startFinding, type Suite, type SuiteOptions } from './suite.ts'
import { DRAIN_LIMIT_MS } from './crashes/drain.ts'
import { readFacts } from './crashes/facts.ts'
import { judge } from './crashes/judge.ts'
import { crashPostgres, type Recoveries } from './crashes/postgres-round.ts'
import { killCount, killServers } from './crashes/server-round.ts'
import { openService, openWorld, type Service, type World } from './crashes/world.ts'

const SERVER_ROUNDS = 4
const POSTGRES_ROUNDS = 2
const POSTGRES_TIMES = 30
const RECOVERY_LIMIT_MS = 10_000

/**
 * crashes kills servers at named points and Postgres at any, under a load of webhooks, quota calls and questions whose
 * callers note what was acknowledged, and judges their notes against the tables.
 */
export const crashes: Suite = async (options) => {
  const world = await openWorld()
  try {
    const recoveries = options.short ? await shortDose(world, options) : await fullDose(world, options)
    options.progress('crashes: comparing the notes with the tables')
    const facts = await readFacts(world.pool)
    return [pointsCheck(world), ...judge(world.caller.notes, facts), recoveryCheck(recoveries), drainCheck(world)]
  } finally {
    await world.stop()
  }
}

async function shortDose(world: World, options: SuiteOptions): Promise<Recoveries[]> {
  return during(world, 'short', options, async (service) => {
    const unanswered = await killServers(world, service, 'short', options)
    return { unanswered, recoveries: [await crashPostgres(world, service, 'short_postgres', 1, options)] }
  })
}

async function fullDose(world: World, options: SuiteOptions): Promise<Recoveries[]> {
  const recoveries: Recoveries[] = []
  for (let round = 1; round <= SERVER_ROUNDS; round += 1) {
    const name = `round_${round}`
    await during(world, name, options, async (service) => ({ unanswered: await killServers(world, service, name, options), recoveries: [] }))
  }
  for (let round = 1; round <= POSTGRES_ROUNDS; round += 1) {
    const name = `postgres_${round}`
    const crash = async (service: Service): Promise<Round> => {
      return { unanswered: [], recoveries: [await crashPostgres(world, service, name, POSTGRES_TIMES, options)] }
    }
    recoveries.push(...(await during(world, name, options, crash)))
  }
  return recoveries
}

/** Round is what a round leaves: questions to ask again, and how Postgres' ends went. */
type Round = { unanswered: (() => Promise<unknown>)[]; recoveries: Recoveries[] }

/** during runs a round on a service of its own, which is drained afterwards. */
async function during(world: World, name: string, options: SuiteOptions, work: (service: Service) => Promise<Round>): Promise<Recoveries[]> {
  const service = await openService(world, name, options)
  try {
    const { unanswered, recoveries } = await work(service)
    await service.settle(unanswered)
    return recoveries
  } finally {
    await service.stop()
  }
}

function pointsCheck(world: World): Check {
  const finding = startFinding('a server killed at a named point leaves all of a request or nothing of it')
  finding.tried(killCount(world))
  for (const violation of world.tally.violations) finding.violation(violation)
  const points = [...world.tally.kills].map(([point, count]) => `${point} ${count}`).toSorted((one, other) => one.localeCompare(other))
  return finding.check((count) => `${count} × kill -9 under load`, points.join('; '))
}

function recoveryCheck(recoveries: readonly Recoveries[]): Check {
  const tookMs = recoveries.flatMap((round) => round.tookMs)
  const heldCount = recoveries.reduce((sum, round) => sum + round.heldCount, 0)
  const finding = startFinding('servers recover by themselves when Postgres was ended (immediate)')
  finding.tried(tookMs.length)
  for (const ms of tookMs) if (ms > RECOVERY_LIMIT_MS) finding.violation(`it took ${seconds(ms)}`)
  return finding.check((count) => `${count} × SIGQUIT under load, ${heldCount} of them with a transaction held`, `ready and acknowledging again after at most ${seconds(Math.max(...tookMs))}`)
}

function drainCheck({ drains }: World): Check {
  const finding = startFinding(`drained within ${DRAIN_LIMIT_MS / 1000} s after the last kill`)
  finding.tried(drains.length)
  for (const { tookMs, left } of drains) if (left !== null) finding.violation(`after ${seconds(tookMs)}: ${left}`)
  return finding.check((count) => `${count} times`, `at most ${seconds(Math.max(...drains.map(({ tookMs }) => tookMs)))}`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
