import { WEBHOOK_PROCESSORS } from '../../webhook/delivery.ts'
import type { Sending } from './caller.ts'
import { untilGone } from './gates.ts'
import { countKill, type Ending, judgeTrace, killHeld, repeatWhile, type Scene, until } from './kills.ts'
import type { QuestionNote } from './notes.ts'
import { anotherRoom } from './rooms.ts'
import { question } from './slow-model.ts'
import { type Trace, traceOfCharge, traceOfDelivery, traceOfQuestion } from './traces.ts'

/**
 * Point kills one server at a named point. `run` answers the question that can be asked again only when its reservation is
 * released.
 */
export type Point = { name: string; run: (scene: Scene) => Promise<Sending<QuestionNote> | null> }

const BROKEN: readonly Ending[] = ['the connection dies', 'the statement goes on']
const ALL: readonly Ending[] = [...BROKEN, 'the answer is withheld']

/** POINTS are the points of the server, each with every ending that differs there. */
export const POINTS: readonly Point[] = [
  ...BROKEN.map((ending) => deliveryAt('before the insert', ending)),
  ...BROKEN.map((ending) => deliveryAt('after the insert', ending)),
  ...ALL.map((ending) => deliveryAt('after the effect', ending)),
  ...BROKEN.map((ending) => chargeAt('before the insert', ending)),
  ...ALL.map((ending) => chargeAt('after the effect', ending)),
  ...ALL.map((ending) => questionAt('after it was begun', ending)),
  ...BROKEN.map((ending) => questionAt('before it is settled', ending)),
  ...ALL.map((ending) => questionAt('after it was settled', ending)),
  { name: 'answer, mid-stream', run: midStream },
  { name: 'answer, mid-stream', run: midStream },
  { name: 'any moment of the load', run: anyMoment }
]

function deliveryAt(where: 'before the insert' | 'after the insert' | 'after the effect', ending: Ending): Point {
  const point = `delivery, ${ending === 'the answer is withheld' ? 'after the commit, before the ack' : where}`
  const run = async (scene: Scene): Promise<null> => {
    const { pool, caller, lane, random, name } = scene
    const processor = WEBHOOK_PROCESSORS[Math.floor(random.next() * 3)] ?? 'stripe'
    const sending = caller.delivery({ processor, accountId: `${name}_held`, event: 'created', plan: 'growth', place: 1, id: `evt_${name}` })
    const { note, once } = sending
    const trace = (): Promise<Trace> => traceOfDelivery(pool, note)
    const about = { point, gate: `delivery, ${where}`, subject: note.inboxId, ending } as const
    const found = await killHeld(scene, { ...about, send: once, trace, before: 'nothing', after: 'everything' })
    const lostBefore = sending.lostCount()
    await sending.untilDone(lane)
    // What is lost once more may have been applied by then.
    const isRepeatedOnce = sending.lostCount() === lostBefore
    if (found === 'everything' || isRepeatedOnce) judgeRepeat(scene, point, note.answers, found === 'nothing' ? 'processed' : 'duplicate')
    return null
  }
  return { name: point, run }
}

function judgeRepeat({ tally, name }: Scene, point: string, answers: string[], expected: string): void {
  if (answers.join() !== expected) tally.violations.push(`${point}: ${name}, delivered again, was ${answers.join(' and ') || 'not acknowledged'}, not ${expected}`)
}

function chargeAt(where: 'before the insert' | 'after the effect', ending: Ending): Point {
  const point = `charge, ${ending === 'the answer is withheld' ? 'after the commit, before the ack' : where}`
  const run = async (scene: Scene): Promise<null> => {
    const { pool, caller, lane, random, name } = scene
    const sending = caller.charge(`${name}_held`, 'api_calls', 1 + Math.floor(random.next() * 100), `key_${name}`)
    const { note, once } = sending
    const trace = (): Promise<Trace> => traceOfCharge(pool, note)
    const about = { point, gate: `charge, ${where}`, subject: note.key, ending } as const
    await killHeld(scene, { ...about, send: once, trace, before: 'nothing', after: 'everything' })
    await sending.untilDone(lane)
    return null
  }
  return { name: point, run }
}

function questionAt(where: 'after it was begun' | 'before it is settled' | 'after it was settled', ending: Ending): Point {
  const point = `answer, ${where}${ending === 'the answer is withheld' ? ' and committed, before the ack' : ''}`
  const run = async (scene: Scene): Promise<Sending<QuestionNote> | null> => {
    const { pool, caller, lane, random, name } = scene
    const room = await anotherRoom(caller, lane, scene.room)
    const sending = caller.question(room, question(1 + Math.floor(random.next() * 12), name), `key_${name}`)
    const { note, once } = sending
    const trace = (): Promise<Trace> => traceOfQuestion(pool, note)
    const [before, after] = where === 'after it was begun' ? (['nothing', 'begun'] as const) : (['begun', 'everything'] as const)
    await killHeld(scene, { point, gate: `answer, ${where}`, subject: room.conversationId, ending, send: once, trace, before, after })
    return (await sending.untilDone(lane)) ? null : sending
  }
  return { name: point, run }
}

async function midStream(scene: Scene): Promise<Sending<QuestionNote>> {
  const { pool, caller, lane, random, name, tally } = scene
  const room = await anotherRoom(caller, lane, scene.room)
  const words = 1 + Math.floor(random.next() * 20)
  let isRead = false
  const sending = caller.question(room, question(words, name, true), `key_${name}`, (count) => {
    isRead ||= count >= words
  })
  const instance = await lane.current()
  const sent = repeatWhile(() => !isRead, () => sending.once(instance))
  await until(pool, () => Promise.resolve(isRead), `${words} words to be read`)
  await lane.kill()
  if (await sent) tally.violations.push(`answer, mid-stream: ${name} was acknowledged although it had not ended`)
  await untilGone(pool, instance.name)
  const trace = (): Promise<Trace> => traceOfQuestion(pool, sending.note)
  await judgeTrace(tally, 'answer, mid-stream', { subject: room.conversationId, trace, expected: ['begun'] })
  return sending
}

async function anyMoment({ pool, caller, lane, random, tally }: Scene): Promise<null> {
  const { name } = await lane.current()
  await caller.acknowledgements(1 + Math.floor(random.next() * 40))
  await lane.kill()
  await untilGone(pool, name)
  countKill(tally, 'any moment of the load')
  return null
}
