import { createHash } from 'node:crypto'

/** Random draws numbers from 0 (included) to 1; the same seed draws the same ones. `reseed` mixes more seed in. */
export type Random = { next(): number; reseed(seed: string): void }

/** seededRandom is sfc32 (http://pracrand.sourceforge.net), whose 128 bits of state keep two seeds from ever meeting. */
export function seededRandom(seed: string): Random {
  let [a, b, c, counter] = stateOf(seed)
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum | 0
    return (sum >>> 0) / 4_294_967_296
  }
  const reseed = (more: string): void => {
    ;[a, b, c, counter] = stateOf([a, b, c, counter, more].join(':'))
  }
  return { next, reseed }
}

/** shuffled returns the entries in a random order (Fisher and Yates). */
export function shuffled<Entry>(entries: readonly Entry[], random: () => number): Entry[] {
  const left = [...entries]
  const drawn: Entry[] = []
  while (left.length > 0) drawn.push(...left.splice(Math.floor(random() * left.length), 1))
  return drawn
}

function stateOf(seed: string): [number, number, number, number] {
  const digest = createHash('sha256').update(seed).digest()
  return [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12)]
}
