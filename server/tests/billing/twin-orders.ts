import { expect } from '@jest/globals'
import { seededRandom, shuffled } from '../../../scripts/twin/random.ts'
import type { Processor } from '../../src/billing/processor.ts'
import { recordFetched } from '../../src/billing/receive.ts'
import { reconcile } from '../../src/billing/reconcile.ts'
import { permutations } from './renewal-story.ts'
import { differences, disagreements, type Facts } from './twin-facts.ts'
import type { Ledger, Told } from './twin-ledger.ts'
import { ACCOUNT, type Step } from './twin-life.ts'

/** MOST is how many orders of one set are tried: all of up to four events. With one of them lost, FEWER: all of up to three. */
const MOST = 60
const FEWER = 8
const LOOK_BACK_MS = 40 * 86_400_000

/** Count is how many histories were tried, of how many deliveries. */
export type Count = { histories: number; deliveries: number }

/** Proof is what the orders of one set are tried with; `count` is added to. */
export type Proof = { ledger: Ledger; processor: Processor; step: Step; count: Count }

/** Ending is how a history ends: before the processor is asked about states of one instant, and after. */
export type Ending = { told: Facts; origins: unknown; facts: Facts }

/** actedOn are those of what was said that Parley acts on. */
export function actedOn(told: readonly Told[]): Told[] {
  return told.filter(({ normalised }) => normalised.outcome === 'event')
}

/** ordersOf are all orders where there are at most `most`, else that many: as they are, reversed, and others drawn by a seed. */
export function ordersOf<Item>(items: readonly Item[], seed: string, most = MOST): Item[][] {
  const all = items.reduce((product, _, place) => product * (place + 1), 1)
  if (all <= most) return permutations(items)
  const random = seededRandom(seed).next
  return [[...items], items.toReversed(), ...Array.from({ length: most - 2 }, () => shuffled(items, random))]
}

/**
 * provePlain: what was said, in the order it was said in, leaves the state that the twin has, and the hourly comparison with the
 * processor finds nothing to change. Returns that state.
 */
export async function provePlain(proof: Proof): Promise<Ending> {
  const { ledger, step, processor } = proof
  return ledger.attempt(async () => {
    const ending = await tellAll(proof, step.told)
    expect(disagreements(ending.facts, step.truth)).toEqual([])
    await compare(proof)
    expect(differences(await ledger.facts(), ending.facts)).toEqual(step.forgets?.[processor.name] ?? [])
    return ending
  })
}

/**
 * proveOrders: every order of the set, in every other one with usage in between, ends in that very state, and all of it told
 * once more (each thing at once, or everything afterwards in another order) changes nothing.
 */
export async function proveOrders(proof: Proof, expected: Ending, most = MOST): Promise<void> {
  const { ledger, step } = proof
  const random = seededRandom(`${step.what} again`).next
  for (const [run, order] of ordersOf(actedOn(step.told), step.what, most).entries()) {
    await ledger.attempt(async () => {
      const isTwiceAtOnce = run % 2 === 0
      const first = isTwiceAtOnce ? order.flatMap((one) => [one, one]) : order
      const again = isTwiceAtOnce ? [] : shuffled(order, random)
      const names = { first: namesOf(first), again: namesOf(again) }
      const ending = await tellAll(proof, first, { isCharged: !isTwiceAtOnce })
      expect({ ...names, waiting: await ledger.waiting() }).toEqual({ ...names, waiting: [] })
      expect({ ...names, ...ending }).toEqual({ ...names, ...expected })
      await tellOnceMore(proof, again)
      expect({ ...names, facts: await ledger.facts() }).toEqual({ ...names, facts: expected.facts })
      expect({ ...names, broken: await ledger.brokenInvariants() }).toEqual({ ...names, broken: [] })
    })
  }
}

/**
 * proveLosses: with any one of the set lost, the others end in that state too, in every order; unless it alone carries
 * something (`step.alone`). Then its loss shows, and the hourly comparison makes good what it can.
 */
export async function proveLosses(proof: Proof, { facts: expected }: Ending): Promise<void> {
  const { ledger, step, processor } = proof
  const set = actedOn(step.told)
  const alone = new Map(Object.entries(step.alone?.[processor.name] ?? {}))
  expect(namesOf(set)).toEqual(expect.arrayContaining([...alone.keys()]))
  for (const [place, { name: lost }] of set.entries()) {
    const rest = set.toSpliced(place, 1)
    const stays = alone.get(lost)
    if (stays === undefined) {
      for (const order of ordersOf(rest, `${step.what} without ${lost}`, FEWER)) {
        const { facts } = await ledger.attempt(() => tellAll(proof, order))
        const differs = differences(facts, expected)
        expect({ lost, order: namesOf(order), differs }).toEqual({ lost, order: namesOf(order), differs: [] })
      }
      continue
    }
    await ledger.attempt(async () => {
      const { facts } = await tellAll(proof, rest)
      expect({ lost, differs: differences(facts, expected) }).not.toEqual({ lost, differs: [] })
      await compare(proof)
      expect({ lost, differs: differences(await ledger.facts(), expected) }).toEqual({ lost, differs: stays })
      expect({ lost, broken: await ledger.brokenInvariants() }).toEqual({ lost, broken: [] })
    })
  }
}

/** proveIgnored: what Parley does not act on changes nothing, however often it comes. */
export async function proveIgnored({ ledger, processor, step, count }: Proof): Promise<void> {
  const ignored = step.told.filter(({ normalised }) => normalised.outcome !== 'event')
  expect(ignored.filter(({ normalised }) => normalised.outcome === 'rejected')).toEqual([])
  count.deliveries += ignored.length * 2
  const before = [await ledger.facts(), await ledger.origins()]
  await ledger.tell(processor, [...ignored, ...ignored])
  expect([await ledger.facts(), await ledger.origins()]).toEqual(before)
  expect(await ledger.brokenInvariants()).toEqual([])
}

/** countAstray counts the orders that end in another state than the order the set was told in. */
export async function countAstray(proof: Proof): Promise<number> {
  const inOrder = actedOn(proof.step.told)
  const endOf = (order: Told[]): Promise<Facts> => proof.ledger.attempt(async () => (await tellAll(proof, order)).told)
  const expected = await endOf(inOrder)
  let astray = 0
  for (const order of ordersOf(inOrder, proof.step.what)) astray += differences(await endOf(order), expected).length > 0 ? 1 : 0
  return astray
}

/** goOn tells what Parley acts on for good, so that the next step comes after it. */
export async function goOn(proof: Proof): Promise<void> {
  await tellAll(proof, actedOn(proof.step.told), { isCharged: true })
}

async function tellAll(proof: Proof, told: readonly Told[], { isCharged = false } = {}): Promise<Ending> {
  const { ledger, processor, count, step } = proof
  count.histories += 1
  count.deliveries += told.length
  let isTied = false
  const used = await ledger.messagesUsed()
  for (const one of told) {
    if (isCharged) await ledger.charge(ACCOUNT)
    isTied = (await ledger.tell(processor, [one])) || isTied
  }
  await ledger.retry(processor)
  const [facts, origins] = [await ledger.facts(), await ledger.origins()]
  const charged = isCharged ? told.length : 0
  expect(await ledger.messagesUsed()).toBe(used + charged)
  if (!isTied) return { told: facts, origins, facts }
  await recordFetched(ledger.db, step.fetched)
  return { told: facts, origins, facts: await ledger.facts() }
}

async function tellOnceMore({ ledger, processor, count }: Proof, told: readonly Told[]): Promise<void> {
  count.deliveries += told.length
  await ledger.tell(processor, told)
  await ledger.retry(processor)
}

async function compare({ ledger, processor, step }: Proof): Promise<void> {
  await reconcile(ledger.db, processor, { since: new Date(step.atMs - LOOK_BACK_MS).toISOString(), dryRun: false })
  await ledger.retry(processor)
}

function namesOf(told: readonly Told[]): string[] {
  return told.map(({ name }) => name)
}
