import { seededRandom, shuffled } from '../twin/random.ts'

/** Spread is a middle value and what it lay between. */
export type Spread = { median: number; least: number; most: number }

/** median is the middle of the sorted values, of an even number the mean of the middle two. Throws Error for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  if (upper === undefined || lower === undefined) throw new Error('No values have no median.')
  return (lower + upper) / 2
}

/** quantile is the smallest value that this share (0 to 1) of the sorted values does not exceed. Throws Error for none. */
export function quantile(sorted: Float64Array, share: number): number {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (value === undefined) throw new Error('No values have no quantile.')
  return value
}

/** spreadOf sums values up. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) }
}

/**
 * pairedRatios divides round by round: what slowed the machine down in a round slowed down both, and cancels out. Throws
 * Error when a round is missing or void.
 */
export function pairedRatios(of: readonly number[], to: readonly number[]): number[] {
  if (of.length !== to.length) throw new Error(`${of.length} rounds cannot be compared with ${to.length}.`)
  return of.map((value, round) => {
    const base = to[round]
    if (base === undefined || !(base > 0) || !(value > 0)) throw new Error(`Round ${round + 1} is void: ${value} against ${base}.`)
    return value / base
  })
}

/**
 * ordersOf draws the order of `count` ways in each round: a shuffled one, forwards and then backwards, so that none always
 * follows the same one, and turned on by a place after that, so that none always comes first.
 */
export function ordersOf(count: number, rounds: number, seed: string): number[][] {
  const first = shuffled(Array.from({ length: count }, (_, index) => index), seededRandom(seed).next)
  return Array.from({ length: rounds }, (_, round) => {
    const turn = Math.floor(round / 2) % count
    const turned = [...first.slice(turn), ...first.slice(0, turn)]
    return round % 2 === 0 ? turned : turned.toReversed()
  })
}
