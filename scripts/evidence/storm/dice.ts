import { seededRandom } from '../../twin/random.ts'

/** Dice draws; the same seed draws the same. `between` includes both ends, in whole numbers; `id` never draws the same twice. */
export type Dice = {
  chance(probability: number): boolean
  between(least: number, most: number): number
  pick<const Entry>(entries: readonly [Entry, ...Entry[]]): Entry
  id(prefix: string): string
}

/** seededDice makes Dice of a seed. */
export function seededDice(seed: string): Dice {
  const { next } = seededRandom(seed)
  let ids = 0
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    chance: (probability) => next() < probability,
    between,
    pick: (entries) => entries[between(0, entries.length - 1)] ?? entries[0],
    id(prefix) {
      ids += 1
      // The drawn part comes first: ids of one second must not sort by when they were made.
      return `${prefix}${Math.floor(next() * 2 ** 48)
        .toString(36)
        .padStart(10, '0')}${ids.toString(36).padStart(6, '0')}`
    }
  }
}
