import { type Chain, chainKey } from './chain.ts'
import type { Version } from './history.ts'
import type { Law } from './law.ts'
import { mostOf, nameOf, type Operation, operationKey, type Report } from './operations.ts'

/** Placed is an operation that changed nothing, and the states (by number) at the first and last of which it is right. */
export type Placed = { chain: Chain; first: number; last: number; startMs: number; endMs: number }

/**
 * judgeRefusals looks for a moment at which each operation that changed nothing is right: a refusal where it did not fit and
 * the numbers are as it was told, a give-back where there was nothing to give. The moments of operations that came one
 * after the other must come so too: nobody sees a state older than one that was told before. It answers where they belong.
 */
export function judgeRefusals(
  unwritten: Operation[], chains: Map<string, Chain>, law: Law, operations: Map<string, Operation>, report: Report
): Placed[] {
  const placed: Placed[] = []
  const reads = unwritten.filter(({ kind, answer }) => kind === 'give' || answer?.allowed === false)
  const groups = Map.groupBy(reads, (read) => chainOfRead(read, chains, law, operations))
  for (const [chain, group] of groups) {
    if (chain === null) {
      for (const read of group) report('plan', `${nameOf(read)} was told ${JSON.stringify(read.answer)}, not in force then`)
    } else {
      placed.push(...judgeReads(group, chain, chains, law, operations, report))
    }
  }
  return placed
}

const EMPTY_CHAIN = { steps: [], states: [0], since: [-Infinity], until: [Infinity] }

function chainOfRead(read: Operation, chains: Map<string, Chain>, law: Law, operations: Map<string, Operation>): Chain | null {
  const find = (window: number | 'level'): Chain => {
    const key = chainKey(read.accountId, read.metric, window)
    const chain = chains.get(key) ?? { accountId: read.accountId, metric: read.metric, window, ...EMPTY_CHAIN }
    // One chain for all reads of it.
    chains.set(key, chain)
    return chain
  }
  const charge = read.kind === 'give' ? operations.get(operationKey('take', read.accountId, read.label)) : undefined
  const { answer, startMs, endMs } = charge?.answer ? charge : read
  const version = law.versions(read.accountId, startMs, endMs).find((each) => answer !== null && law.agrees(each, read.metric, answer))
  return version === undefined ? null : find(law.windowOf(version, read.metric))
}

function judgeReads(
  group: Operation[], chain: Chain, chains: Map<string, Chain>, law: Law, operations: Map<string, Operation>, report: Report
): Placed[] {
  const placed: Placed[] = []
  const byEnd = group.toSorted((one, other) => one.endMs - other.endMs)
  const places = new Map<Operation, number>()
  let ended = 0
  let floor = 0
  for (const read of group.toSorted((one, other) => one.startMs - other.startMs)) {
    for (let other = byEnd[ended]; other !== undefined && other.endMs < read.startMs; other = byEnd[ended]) {
      floor = Math.max(floor, places.get(other) ?? 0)
      ended += 1
    }
    const isRight = read.kind === 'give' ? rightGive(read, operations) : rightRefusal(read, chain, law)
    const place = placeOf(read, chain, floor, isRight)
    if (place !== null) {
      places.set(read, place)
      const last = lastPlaceOf(read, chain, isRight) ?? place
      placed.push({ chain, first: place, last, startMs: read.startMs, endMs: read.endMs })
    } else if (read.kind === 'take' && fitsAlways(read, chains, law)) {
      report('refusal', `${nameOf(read)} was refused, and fitted at every moment of its life (${JSON.stringify(read.answer)})`)
    } else if (placeOf(read, chain, 0, isRight) !== null) {
      report('chain', `${nameOf(read)} saw ${read.answer?.used}, older than what another was told before it began`)
    } else {
      report('chain', `${nameOf(read)} was told ${JSON.stringify(read.answer)}, true at no moment of its life`)
    }
  }
  return placed
}

type IsRight = (state: number, fromMs: number, untilMs: number) => boolean

function rightRefusal(read: Operation, chain: Chain, law: Law): IsRight {
  const { answer } = read
  const agreeing = law
    .versions(read.accountId, read.startMs, read.endMs)
    .filter((version) => answer !== null && law.agrees(version, read.metric, answer) && law.windowOf(version, read.metric) === chain.window)
  return (state, fromMs, untilMs) =>
    answer?.used === state && agreeing.some((version) => isWithin(version, fromMs, untilMs) && !fits(state, read.amount, law.quota(version, read.metric)))
}

function rightGive(read: Operation, operations: Map<string, Operation>): IsRight {
  const most = mostOf(read, operations)
  return (state) => read.answer?.used === state && Math.min(state, most) === 0
}

function fitsAlways(read: Operation, chains: Map<string, Chain>, law: Law): boolean {
  return law.versions(read.accountId, read.startMs, read.endMs).every((version) => {
    const chain = chains.get(chainKey(read.accountId, read.metric, law.windowOf(version, read.metric))) ?? EMPTY_CHAIN
    const quota = law.quota(version, read.metric)
    const isRight: IsRight = (state, fromMs, untilMs) => isWithin(version, fromMs, untilMs) && !fits(state, read.amount, quota)
    return placeOf(read, chain, 0, isRight) === null
  })
}

/** placeOf finds the first state from `floor` on that can have been there during the read's life and makes it right. */
function placeOf(read: Operation, chain: Live, floor: number, isRight: IsRight): number | null {
  const firstLive = firstWhere(chain.states.length, (place) => (chain.until[place] ?? Infinity) >= read.startMs)
  for (let place = Math.max(firstLive, floor); isBegun(read, chain, place); place += 1) if (isRightAt(read, chain, place, isRight)) return place
  return null
}

/** lastPlaceOf is {@link placeOf} from the end. */
function lastPlaceOf(read: Operation, chain: Live, isRight: IsRight): number | null {
  let place = firstWhere(chain.states.length, (each) => !isBegun(read, chain, each)) - 1
  for (; place >= 0 && (chain.until[place] ?? Infinity) >= read.startMs; place -= 1) if (isRightAt(read, chain, place, isRight)) return place
  return null
}

type Live = Pick<Chain, 'states' | 'since' | 'until'>

function isBegun(read: Operation, { states, since }: Live, place: number): boolean {
  return place < states.length && (since[place] ?? 0) <= read.endMs
}

function isRightAt(read: Operation, { states, since, until }: Live, place: number, isRight: IsRight): boolean {
  const fromMs = Math.max(since[place] ?? -Infinity, read.startMs)
  const untilMs = Math.min(until[place] ?? Infinity, read.endMs)
  return fromMs <= untilMs && isRight(states[place] ?? 0, fromMs, untilMs)
}

/** firstWhere finds the first place that holds, of places where none holds after one that does not come before it. */
function firstWhere(count: number, holds: (place: number) => boolean): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function fits(state: number, amount: number, quota: number | null): boolean {
  return quota === null || state + amount <= quota
}

function isWithin(version: Version, fromMs: number, untilMs: number): boolean {
  return version.fromMs <= untilMs && version.untilMs >= fromMs
}
