import { openPostgres } from '../../server/src/db/postgres.ts'
import { withClient } from '../database/with-client.ts'
import { differences, replayInbox } from '../rebuild/replay-inbox.ts'
import { seededRandom, shuffled } from '../twin/random.ts'
import { disagreements, settleAll } from './agreement.ts'
import { demandInvariants, liveLives, Violation, type LifeOptions } from './life.ts'
import { startStage, type Stage } from './stage.ts'

/** SimulationOptions: see LifeOptions; `onPhase` hears what is done before and after the lives. */
export type SimulationOptions = Omit<LifeOptions, 'startMs'> & { onPhase(phase: string): void }

/** SimulationResult counts what held. */
export type SimulationResult = { steps: number; deliveries: number; corrections: number; subscriptions: number }

/** replayCommand lives the same life again. */
export function replayCommand({ seed, accounts, months }: Pick<SimulationOptions, 'seed' | 'accounts' | 'months'>): string {
  return `npm run simulate -- --seed ${seed} --accounts ${accounts} --months ${months}`
}

/** The lives begin at a month end, which is where months go wrong: 29, 30 or 31 January 2028 or 2029, and the last of a long month. */
const STARTS = ['2028-01-31T10:15:00Z', '2028-01-30T22:40:00Z', '2029-01-29T05:05:00Z', '2028-08-31T18:29:00Z', '2027-12-31T18:31:00Z']

/** simulate lives through it all, then demands agreement with the twin and a rebuild from the inbox. Throws {@link Violation}. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const random = seededRandom(`${options.seed} start`).next
  const startMs = Date.parse(STARTS[Math.floor(random() * STARTS.length)] ?? '')
  options.onPhase('starting a database, a server and the twin…')
  const stage = await startStage(options.seed, startMs)
  try {
    const lived = await liveLives(stage, { ...options, startMs })
    options.onPhase('settling what is under way, comparing with the processors…')
    const corrections = lived.corrections + (await settleAll(stage, startMs))
    await demandInvariants(stage, null)
    const found = await disagreements(stage)
    if (found.length > 0) throw new Violation(`Parley and the twin differ:\n${found.slice(0, 20).join('\n')}`, null)
    options.onPhase('replaying the inbox into an empty database…')
    const deliveries = await rebuild(stage, options.seed)
    const { rows } = await stage.owner.query<{ count: string }>('select count(*) from app.processor_subscriptions')
    return { steps: lived.steps, deliveries, corrections, subscriptions: Number(rows[0]?.count) }
  } finally {
    await stage.stop()
  }
}

async function rebuild(stage: Stage, seed: string): Promise<number> {
  const url = await stage.emptyDatabase()
  const db = openPostgres({ url })
  try {
    const order = <Row>(rows: Row[]): Row[] => shuffled(rows, seededRandom(`${seed} rebuild`).next)
    const deliveries = await replayInbox(stage.owner, db, stage.server.parts.sources, { order })
    const found = await withClient(url, (client) => differences(stage.owner, client))
    if (found.length > 0) throw new Violation(`A rebuild from the inbox differs:\n${found.slice(0, 20).join('\n')}`, null)
    return deliveries
  } finally {
    await db.close()
  }
}
