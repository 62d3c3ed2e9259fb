import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../../twin/random.ts'
import { type WebhookProcessor, WEBHOOK_PROCESSORS } from '../../webhook/delivery.ts'
import { allDone } from './all-done.ts'
import type { Caller, Sending } from './caller.ts'
import type { Room } from './rooms.ts'
import type { Lane } from './instances.ts'
import type { DeliveryNote, QuestionNote } from './notes.ts'
import { question } from './slow-model.ts'

const BETWEEN_MS = 40
const PLANS = ['starter', 'growth', 'enterprise']

/**
 * Load is what a lane's server has to do all the time. `stop` lets every caller end what it has begun. `unanswered` are
 * questions whose answer was cut off after it was begun: they can be asked again only when their reservation is released.
 */
export type Load = { stop(): Promise<void>; unanswered: Sending<QuestionNote>[] }

/**
 * startLoad begins seven callers of one lane: one per processor, who tells the life of one subscription in order and repeats
 * a fifth of what was acknowledged; three that charge, on accounts whose plan changes and on one of 1,000 free calls, and
 * repeat a fifth of their keys; one that asks questions. All but the questions are repeated with the same id until they are
 * acknowledged, except each tenth charge, which is given up when it was not acknowledged at once.
 */
export function startLoad({ caller, lane, room, name, random }: {
  caller: Caller
  lane: Lane
  room: Room
  name: string
  random: Random
}): Load {
  const unanswered: Sending<QuestionNote>[] = []
  const stopping = new AbortController()
  const draw = (below: number): number => Math.floor(random.next() * below)
  const repeat = async (turn: (number: number) => Promise<void>): Promise<void> => {
    for (let number = 1; !stopping.signal.aborted; number += 1) {
      await turn(number)
      await pause(BETWEEN_MS)
    }
  }
  const accountOf = (processor: WebhookProcessor): string => `${name}_${processor}`

  const tell = (processor: WebhookProcessor) => {
    const told: Sending<DeliveryNote>[] = []
    return async (place: number): Promise<void> => {
      const plan = PLANS[draw(PLANS.length)] ?? ''
      const event = place === 1 ? 'created' as const : 'updated' as const
      const id = `evt_${accountOf(processor)}_${place}`
      const sending = caller.delivery({ processor, accountId: accountOf(processor), event, plan, place, id })
      await sending.untilDone(lane)
      told.push(sending)
      if (draw(5) === 0) await told[draw(told.length)]?.untilDone(lane)
    }
  }
  const spend = (spender: number) => async (number: number): Promise<void> => {
    const isFree = number % 2 === 0
    const accountId = isFree ? `${name}_free` : accountOf(WEBHOOK_PROCESSORS[draw(3)] ?? 'stripe')
    const sending = caller.charge(accountId, isFree ? 'api_calls' : 'messages', 1 + draw(5), `${name}_${spender}_${number}`)
    if (number % 10 === 0) {
      sending.note.givenUp = !(await sending.once(await lane.current()))
      return
    }
    await sending.untilDone(lane)
    if (draw(5) === 0) await sending.untilDone(lane)
  }
  const wonder = async (number: number): Promise<void> => {
    const key = `${name}_question_${number}`
    const sending = caller.question(room, question(1 + draw(12), key), key)
    if (!(await sending.untilDone(lane))) unanswered.push(sending)
    else if (draw(5) === 0) await sending.untilDone(lane)
  }
  const callers = [...WEBHOOK_PROCESSORS.map((processor) => repeat(tell(processor))), ...[1, 2, 3].map((spender) => repeat(spend(spender))), repeat(wonder)]
  const ended = allDone(callers)
  // Whoever stops the load hears of it.
  ended.catch(() => undefined)
  return {
    unanswered,
    async stop() {
      stopping.abort()
      await ended
    }
  }
}
