import type { Planned } from './order.ts'

/** Share says which part of the calls goes which way, of 1 in all; what is left is called one by one. */
export type Share = { http: number; batcher: number; many: number }

/** Draw is what callers are drawn from. */
export type Draw = {
  random: () => number
  processes: number
  servers: number
  share: Share
  largestBatch: number
}

/** Wish is what a caller wants; `named` sends its label as request id, and `copies` more processes send the same. */
export type Wish = Pick<Planned, 'kind' | 'label' | 'named' | 'accountId' | 'metric' | 'amount' | 'giveBack'> & { copies: number }

/** spread hands wishes to processes, and answers what each process is to call, in which way. */
export function spread(wishes: Wish[], { random, processes, servers, share, largestBatch }: Draw): Planned[][] {
  const planned: Planned[][] = Array.from({ length: processes }, () => [])
  const batches = planned.map(() => ({ number: 0, left: 0 }))
  for (const { copies, ...wish } of wishes) {
    const first = Math.floor(random() * processes)
    for (let copy = 0; copy <= Math.min(copies, processes - 1); copy += 1) {
      const place = (first + copy) % processes
      const batch = batches[place]
      if (batch === undefined) continue
      const via = wish.kind === 'give' ? 'single' : drawVia(random(), share)
      if (via === 'many') {
        if (batch.left === 0) {
          batch.number += 1
          batch.left = 1 + Math.floor(random() * largestBatch)
        }
        batch.left -= 1
      }
      planned[place]?.push({
        ...wish,
        // The route knows a caller again by its key alone.
        named: wish.named || via === 'http',
        giveBack: copy === 0 ? wish.giveBack : null,
        via,
        batch: batch.number,
        server: Math.floor(random() * servers)
      })
    }
  }
  return planned
}

function drawVia(drawn: number, share: Share): Planned['via'] {
  if (drawn < share.http) return 'http'
  if (drawn < share.http + share.batcher) return 'batcher'
  return drawn < share.http + share.batcher + share.many ? 'many' : 'single'
}

/** drawAmount draws from 1 to `most`, small ones more often: as many of 1 to 2 as of 2 to 4. */
export function drawAmount(random: () => number, most: number): number {
  return Math.min(most, Math.floor(Math.exp(random() * Math.log(most + 1))))
}
