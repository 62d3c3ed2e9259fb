import type { Lane } from './instances.ts'
import { type Ending, judgeTrace, killHeld, repeatWhile, type Scene, until, untilHere } from './kills.ts'
import type { Point } from './points.ts'
import { untilGone } from './gates.ts'
import { cancel } from './requests.ts'
import { type Trace, traceOfOperation } from './traces.ts'
import type { SweeperPoint } from './worker-points.ts'

const BROKEN: readonly Ending[] = ['the connection dies', 'the statement goes on']
const SETTLING = 'operation, before it is settled'

/** OPERATION_POINTS kill the server by which an owner cancels, while the processor is asked or after it has answered. */
export const OPERATION_POINTS: readonly Point[] = [
  { name: 'operation, asked and not answered', run: askedAndNotAnswered },
  ...BROKEN.map((ending) => ({ name: SETTLING, run: (scene: Scene) => ownerCancels(scene, ending) }))
]

/** OPERATION_WORKER_POINTS kill the worker that asks for what an owner's server has left. */
export const OPERATION_WORKER_POINTS: readonly SweeperPoint[] = BROKEN.map((ending) => ({
  name: `${SETTLING} by the job`,
  run: (scene: Scene, worker: Lane) => jobCancels(scene, worker, ending)
}))

async function askedAndNotAnswered(scene: Scene): Promise<null> {
  const { pool, lane, stripe, tally } = scene
  const { accountId, token, subscriptionId, trace } = await subscribe(scene, scene.name)
  const instance = await lane.current()
  let isAsked = false
  void stripe.silence(subscriptionId).then(() => (isAsked = true))
  const sent = repeatWhile(() => !isAsked, () => cancel(instance.url, token))
  await until(pool, () => Promise.resolve(isAsked), `the cancellation of ${accountId} to be asked for`)
  await lane.kill()
  await sent
  await untilGone(pool, instance.name)
  await judgeTrace(tally, 'operation, asked and not answered', { subject: accountId, trace, expected: ['begun'] })
  await repeated(scene, accountId, trace)
  return null
}

async function ownerCancels(scene: Scene, ending: Ending): Promise<null> {
  const { accountId, token, trace } = await subscribe(scene, scene.name)
  const about = { point: SETTLING, gate: SETTLING, subject: accountId, ending } as const
  await killHeld(scene, { ...about, send: ({ url }) => cancel(url, token), trace, before: 'begun', after: 'everything' })
  await repeated(scene, accountId, trace)
  return null
}

async function jobCancels(scene: Scene, worker: Lane, ending: Ending): Promise<void> {
  const { pool } = scene
  await untilHere(async (number) => {
    const { accountId, trace } = await subscribe(scene, `${scene.name}_${number}`)
    await pool.query(`select api.begin_subscription_change($1, 'cancel_at_period_end')`, [accountId])
    const about = { point: `${SETTLING} by the job`, gate: SETTLING, subject: accountId, ending } as const
    await killHeld({ ...scene, lane: worker }, { ...about, send: () => due(scene, accountId), trace, before: 'begun', after: 'everything' })
    await repeated(scene, accountId, trace)
  })
}

async function subscribe({ pool, caller, lane, stripe }: Scene, name: string) {
  const accountId = `${name}_held`
  const created = caller.delivery({ processor: 'stripe', accountId, event: 'created', plan: 'growth', place: 1, id: `evt_${name}` })
  stripe.add(created.scenario)
  await created.untilDone(lane)
  const { subscriptionId } = created.scenario
  const trace = (): Promise<Trace> => traceOfOperation(pool, accountId, stripe.effectCount(subscriptionId))
  return { accountId, token: caller.token(accountId), subscriptionId, trace }
}

/** repeated ends the lease, as a minute would, and waits for the job of whichever process does it then. */
async function repeated(scene: Scene, accountId: string, trace: () => Promise<Trace>): Promise<void> {
  await due(scene, accountId)
  await until(scene.pool, async () => (await trace()) === 'everything', `the cancellation of ${accountId} to be asked for again`)
}

async function due({ pool }: Scene, accountId: string): Promise<boolean> {
  await pool.query('update app.processor_operations set next_attempt_at = app.clock() where account_id = $1 and next_attempt_at is not null', [accountId])
  return true
}
