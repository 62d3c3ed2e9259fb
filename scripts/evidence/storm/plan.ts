import { DAY_MS, HOUR_MS, MINUTE_MS } from './calendar.ts'
import { type Dice, seededDice } from './dice.ts'
import type { StormEvent } from './facts.ts'

/**
 * Loss is how an acknowledgement gets lost: `unread` the sender hangs up as soon as all is sent, whatever became of it;
 * `unheard` it hangs up as the answer begins to arrive, so that the delivery took effect for certain.
 */
export type Loss = 'unread' | 'unheard'

/** Delivery is one time an event is sent, to the server number `server`. `isMoved`: it is late, by up to 72 hours. */
export type Delivery = { event: StormEvent; server: number; loss: Loss | null; isMoved: boolean; isDuplicate: boolean }

/** Dose is how many deliveries of how many events, and which shares of the deliveries are late and lose their acknowledgement. */
export type Dose = { deliveries: number; events: number; reordered: number; lost: number; servers: number }

/** LATEST_MS is how late a reordered delivery may come. */
export const LATEST_MS = 72 * HOUR_MS

/**
 * planDeliveries draws who sends what when: every event once and the rest again, in the order of the events' own times; the
 * exact share `reordered` comes up to 72 hours late, and the acknowledgements of the exact share `lost` are lost. Half of the
 * duplicates follow their first one at once (two servers then have the same event at the same moment).
 */
export function planDeliveries(events: readonly StormEvent[], dose: Dose, seed: string): Delivery[] {
  const dice = seededDice(`${seed}: deliveries`)
  const isMoved = exactShare(dice, dose.deliveries, dose.reordered)
  const isLost = exactShare(dice, dose.deliveries, dose.lost)
  const planned = Array.from({ length: dose.deliveries }, (_, place) => {
    const isDuplicate = place >= events.length
    const event = events[isDuplicate ? dice.between(0, events.length - 1) : place]
    if (event === undefined) throw new Error('a storm needs more deliveries than events')
    const lateMs = isMoved[place] ? dice.between(1, LATEST_MS) : 0
    const againMs = isDuplicate && dice.chance(0.5) ? dice.between(MINUTE_MS, DAY_MS) : 0
    const loss: Loss | null = isLost[place] ? dice.pick(['unread', 'unheard']) : null
    const delivery: Delivery = { event, server: dice.between(0, dose.servers - 1), loss, isMoved: lateMs > 0, isDuplicate }
    return { delivery, sentMs: event.atMs + lateMs + againMs }
  })
  return planned.sort((a, b) => a.sentMs - b.sentMs).map(({ delivery }) => delivery)
}

/** exactShare marks exactly this share of `count` places, each as likely as the others. */
function exactShare(dice: Dice, count: number, share: number): boolean[] {
  let wanted = Math.round(count * share)
  return Array.from({ length: count }, (_, place) => {
    const isChosen = dice.between(1, count - place) <= wanted
    if (isChosen) wanted -= 1
    return isChosen
  })
}
