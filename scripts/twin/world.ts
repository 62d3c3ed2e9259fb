import type { World } from './dialect.ts'
import { seededRandom } from './random.ts'

/**
 * WorldOptions: `startMs` is the twin's time at the start, in Unix milliseconds. A `standing` clock moves only when it is
 * put; a running one goes on with real time. `send` and `changed` are passed on to the dialects.
 */
export type WorldOptions = Pick<World, 'send' | 'changed'> & { startMs: number; seed: string; standing?: boolean }

/**
 * TwinWorld is the World with the reins of its clock: `hold` puts it and stops it, `run` lets it go on so that it is
 * `offsetMs` ahead of real time (a standing clock stays held), as `offsetMs()` tells. `reseed` mixes more into the randomness, so that ids given
 * before a state was saved are not given again.
 */
export type TwinWorld = World & { hold(ms: number): void; run(offsetMs: number): void; offsetMs(): number; reseed(seed: string): void }

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** createWorld makes the world all dialects of one twin share. */
export function createWorld(options: WorldOptions): TwinWorld {
  const random = seededRandom(options.seed)
  let heldMs: number | null = options.standing ? options.startMs : null
  let offsetMs = options.startMs - Date.now()
  let momentMs: number | null = null

  // One moment lasts until the running code has ended: a dialect sees one time for one piece of work.
  const moment = (): number => {
    if (momentMs === null) {
      momentMs = Date.now() + offsetMs
      setImmediate(() => (momentMs = null)).unref()
    }
    return momentMs
  }
  return {
    nowMs: () => heldMs ?? moment(),
    random: random.next,
    id(prefix, length = 24) {
      let text = prefix
      for (let left = length; left > 0; left -= 1) text += LETTERS.charAt(Math.floor(random.next() * LETTERS.length))
      return text
    },
    send: options.send,
    changed: options.changed,
    hold(ms) {
      heldMs = ms
    },
    run(newOffsetMs) {
      if (options.standing) return
      heldMs = null
      momentMs = null
      offsetMs = newOffsetMs
    },
    offsetMs: () => offsetMs,
    reseed: random.reseed
  }
}
