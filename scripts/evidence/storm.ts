import type { Client } from 'pg'
import { z } from 'zod'
import { type Ground, startGround } from './ground.ts'
import { seededDice } from './storm/dice.ts'
import { judge } from './storm/judge.ts'
import { type Dose, planDeliveries } from './storm/plan.ts'
import { referenceOf } from './storm/reference-account.ts'
import { readLedger, readSeen } from './storm/seen.ts'
import { sendAll } from './storm/send.ts'
import { createWorld } from './storm/world.ts'
import { SHORT_PATIENCE, type Suite } from './suite.ts'

const FULL: Dose = { deliveries: 100_000, events: 60_000, reordered: 0.2, lost: 0.05, servers: 2 }
const SHORT: Dose = { ...FULL, deliveries: 600, events: 360 }
// A short storm runs beside other tests, and must not measure those.
const CONNECTIONS = { full: 32, short: 8 }
// So many accounts use something before the storm.
const USING = 300
const DRAIN_LIMIT_MS = 180_000
const LOOK_EVERY_MS = 100

/**
 * storm lets thousands of subscriptions live at three processors and sends what they tell as signed webhooks to two server
 * processes at once: late, twice, and with acknowledgements lost. Then the database is compared with a model that never saw it.
 */
export const storm: Suite = async ({ seed, short, progress }) => {
  const dose = short ? SHORT : FULL
  progress('drawing the world')
  const { events, accountIds } = createWorld(seed, dose.events)
  const deliveries = planDeliveries(events, dose, seed)
  const ground = await startGround()
  try {
    const owner = await ground.connect()
    await useSomething(owner, accountIds, seed)
    const ledger = await readLedger(owner)
    const servers = await startServers(ground, dose.servers)
    const sent = await sendAll(deliveries, {
      urls: servers.map(({ url }) => url),
      secrets: ground.secrets,
      connections: short ? CONNECTIONS.short : CONNECTIONS.full,
      seed,
      // About as many deliveries as come within three days of the senders' time.
      latestRepetition: Math.max(20, Math.round(dose.deliveries / 90)),
      progress: (count) => progress(`${count} deliveries`)
    })
    progress('draining')
    const drainSeconds = await drain(owner)
    progress('comparing')
    const seen = await readSeen(owner, ledger.digest)
    const moved = deliveries.filter(({ isMoved }) => isMoved).length
    const again = deliveries.filter(({ isDuplicate }) => isDuplicate).length
    const counts = `${deliveries.length} deliveries of ${events.length} events, ${again} again, ${moved} up to 72 h late`
    const description = `${counts}, to ${dose.servers} servers`
    return judge({ events, sent, seen, reference: referenceOf(events), drainSeconds, description, patience: short ? SHORT_PATIENCE : 1 })
  } finally {
    await ground.stop()
  }
}

// One asks Postgres itself and one through PostgREST: both transports have to come to the same end.
function startServers(ground: Ground, count: number) {
  const environment = { LOG_LEVEL: 'error' }
  return Promise.all(
    Array.from({ length: count }, (_, place) => ground.startServer({ transport: place === 0 ? 'pg' : 'postgrest', environment }))
  )
}

/** useSomething gives some accounts usage, which no webhook may touch. */
async function useSomething(owner: Client, accountIds: readonly string[], seed: string): Promise<void> {
  const dice = seededDice(`${seed}: usage`)
  for (const accountId of accountIds.slice(0, USING)) {
    await owner.query('select api.check_and_increment_usage($1, $2, $3)', [accountId, 'messages', dice.between(1, 60)])
  }
}

/** drain waits until the servers' own retries have left nothing to do; answers the seconds it took. What is left is judged. */
async function drain(owner: Client): Promise<number> {
  const begunMs = performance.now()
  for (;;) {
    const { rows } = await owner.query(
      `select count(*)::int as left_over from app.webhook_events where status in ('received', 'failed')`
    )
    const [{ left_over: leftOver }] = z.tuple([z.object({ left_over: z.number() })]).parse(rows)
    const tookMs = performance.now() - begunMs
    if (leftOver === 0 || tookMs > DRAIN_LIMIT_MS) return tookMs / 1000
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS))
  }
}
