import type { Lane } from './instances.ts'
import { type Ending, killHeld, type Scene, until, untilHere } from './kills.ts'
import type { Point } from './points.ts'
import { anotherRoom } from './rooms.ts'
import { type Trace, traceOfDelivery, traceOfRelease } from './traces.ts'

/** SweeperPoint kills a process that sweeps, in the lane `worker`, while it releases a reservation. */
export type SweeperPoint = { name: string; run: (scene: Scene, worker: Lane) => Promise<void> }

const BROKEN: readonly Ending[] = ['the connection dies', 'the statement goes on']

/** RETRY_POINTS are the points of the job that retries deliveries, in the server that has just taken what they waited for. */
export const RETRY_POINTS: readonly Point[] = [
  ...BROKEN.map((ending) => retryAt('before the insert', ending)),
  ...BROKEN.map((ending) => retryAt('after the effect', ending))
]

/** SWEEPER_POINTS are the points of the job that releases what lost answers hold. */
export const SWEEPER_POINTS: readonly SweeperPoint[] = [
  ...BROKEN.map((ending) => releaseAt('before it', ending)),
  ...BROKEN.map((ending) => releaseAt('after it', ending))
]

/**
 * retryAt: a payment comes before its subscription is known and waits; what makes it known wakes the job that retries, which
 * is killed when it has claimed the payment. Its lease is then ended, as a minute would, and a next server does it.
 */
function retryAt(where: 'before the insert' | 'after the effect', ending: Ending): Point {
  const point = `retry of a delivery, ${where}`
  const run = async (scene: Scene): Promise<null> => {
    const { pool, caller, lane, tally } = scene
    await untilHere(async (number) => {
      const name = `${scene.name}_${number}`
      const of = { processor: 'stripe', accountId: `${name}_held`, plan: 'growth' } as const
      const payment = caller.delivery({ ...of, event: 'paid', place: 2, id: `evt_${name}_paid`, names: 'nobody' })
      const first = caller.delivery({ ...of, event: 'created', place: 1, id: `evt_${name}` })
      const subject = payment.note.inboxId
      const trace = (): Promise<Trace> => traceOfDelivery(pool, payment.note)
      await payment.untilDone(lane)
      const waiting = await trace()
      if (waiting !== 'begun') tally.violations.push(`${point}: ${name} does not wait for its subscription, but left ${waiting}`)
      const about = { point, gate: `delivery, ${where}`, subject, ending } as const
      await killHeld(scene, { ...about, send: () => first.untilDone(lane), trace, before: 'begun', after: 'everything' })
      await pool.query(`update app.webhook_events set next_attempt_at = app.clock() where id = $1 and status = 'failed'`, [subject])
    })
    return null
  }
  return { name: point, run }
}

/** releaseAt: an answer was begun by a server that is gone, and expires; the sweeper is killed while it releases it. */
function releaseAt(where: 'before it' | 'after it', ending: Ending): SweeperPoint {
  const point = `release of a reservation, ${where}`
  const run = async (scene: Scene, worker: Lane): Promise<void> => {
    const { pool, caller, lane, room: { accountId, chatbotId } } = scene
    await untilHere(async () => {
      const { conversationId } = await anotherRoom(caller, lane, { accountId, chatbotId })
      await pool.query('select api.begin_answer($1, $2, $3, $4, 500)', [accountId, chatbotId, conversationId, 'Is anybody there?'])
      const expire = async (): Promise<boolean> => {
        await pool.query('update app.usage_reservations set expires_at = app.clock() where account_id = $1 and conversation_id = $2', [accountId, conversationId])
        return true
      }
      const trace = (): Promise<Trace> => traceOfRelease(pool, accountId, conversationId)
      const about = { point, gate: `release, ${where}`, subject: conversationId, ending } as const
      await killHeld({ ...scene, lane: worker }, { ...about, send: expire, trace, before: 'begun', after: 'everything' })
      await until(pool, async () => (await trace()) === 'everything', `the next sweeper to release what ${conversationId} holds`)
    })
  }
  return { name: point, run }
}
