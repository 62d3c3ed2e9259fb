import { accountDeleted } from './clerk-wire.ts'
import { DAY_MS, periodOf } from './calendar.ts'
import { type Dice, seededDice } from './dice.ts'
import { type Held, keyOf, PLANS, type StormEvent } from './facts.ts'
import { type Life, live } from './life.ts'
import { paddleLife } from './paddle-life.ts'
import { razorpayLife } from './razorpay-life.ts'
import { stripeLife } from './stripe-life.ts'
import { stripeIgnored } from './stripe-objects.ts'

/** World is everything that happened, in the order of its senders' clocks, and how each subscription stands at its processor. */
export type World = { events: StormEvent[]; lives: Life[]; accountIds: string[] }

// Fixed days, so that a seed draws the same bytes whenever it is run; they lie behind every clock that reads this.
const FIRST_MS = Date.UTC(2026, 0, 1)
const BEGIN_DAYS = 150
const LAST_MS = Date.UTC(2026, 8, 30)
// Fewer events than this are no life; they are filled up with what Parley does not act on.
const LEAST_LEFT = 12

const DIALECTS = { stripe: stripeLife, paddle: paddleLife, razorpay: razorpayLife }
const CUSTOMER_PREFIX = { stripe: 'cus_', paddle: 'ctm_', razorpay: 'cust_' }

/** createWorld draws a world of exactly `count` events (some hundreds, at least). */
export function createWorld(seed: string, count: number): World {
  const dice = seededDice(`${seed}: world`)
  const lives: Life[] = []
  const ends: StormEvent[] = []
  let left = count
  while (left > LEAST_LEFT) {
    const accountId = dice.id(dice.chance(0.3) ? 'org_' : 'user_')
    const subscriptions = dice.chance(0.08) ? 2 : 1
    for (let place = 0; place < subscriptions; place += 1) {
      const life = liveOne(accountId, dice)
      if (life.events.length > left) continue
      lives.push(life)
      left -= life.events.length
    }
    if (dice.chance(0.03) && left > 0) {
      ends.push(accountDeleted(accountId, LAST_MS - dice.between(0, 120 * 86_400) * 1000))
      left -= 1
    }
  }
  // What is left over is filled with what Parley does not act on.
  const filler: StormEvent[] = []
  while (filler.length < left) {
    const { held } = lives[filler.length % lives.length] ?? liveOne('nobody', dice)
    filler.push(stripeIgnored(held, { atMs: LAST_MS - dice.between(0, 270 * 86_400) * 1000, eventId: dice.id('evt_') }))
  }
  const events = [...lives.flatMap((life) => life.events), ...ends, ...filler].sort((a, b) => a.atMs - b.atMs)
  const distinct = new Set(events.map(keyOf)).size
  if (events.length !== count || distinct !== count)
    throw new Error(`the world has ${events.length} events, ${distinct} distinct ones`)
  const accountIds = new Set([...lives.map(({ held }) => held.accountId), ...ends.map(({ accountId }) => accountId)])
  return { events, lives, accountIds: [...accountIds] }
}

function liveOne(accountId: string, dice: Dice): Life {
  const processor = dice.pick(['stripe', 'stripe', 'paddle', 'razorpay'])
  const interval = dice.chance(0.1) ? 'year' : 'month'
  // Days at the ends of months show whether bounds follow from the anchor.
  const beginMs =
    FIRST_MS +
    (dice.chance(0.2) ? dice.pick([29, 30, 58, 89]) : dice.between(0, BEGIN_DAYS)) * DAY_MS +
    dice.between(0, 86_399) * 1000
  const held: Held = {
    processor,
    accountId,
    customerId: dice.id(CUSTOMER_PREFIX[processor]),
    subscriptionId: dice.id('sub_'),
    // Razorpay's subscriptions are made by Parley, with their account; there is no checkout beside them.
    isNamed: processor === 'razorpay' || dice.chance(0.75),
    shape: dice.chance(0.3) ? 'old' : 'current',
    plan: dice.pick(PLANS),
    interval,
    status: 'active',
    anchorMs: beginMs,
    place: 0,
    period: periodOf({ processor, anchorMs: beginMs, interval }, 0),
    cancelsAtMs: null,
    trialEndsAtMs: null
  }
  const life: Life = { held, dice, events: [], payments: [], isOpened: false, pastDueSinceMs: null }
  live(life, DIALECTS[processor], beginMs, LAST_MS)
  return life
}
