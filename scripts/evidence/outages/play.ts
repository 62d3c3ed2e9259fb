import { setTimeout as wait } from 'node:timers/promises'
import type { Ground } from '../ground.ts'
import { openCaller, type Caller } from './caller.ts'
import type { House } from './house.ts'
import { type CallName, CALLS, isGranted, METERED, type Note, type Seen } from './judge.ts'
import { readBrokenInvariants, readLedger } from './ledger.ts'
import type { Situation } from './situations.ts'

// How often one asks again whether the part is back; what is measured is no finer.
const ASK_AGAIN_MS = 20
const GIVE_UP_MS = 20_000
// What had failed is repeated by so many at a time: a rush of all of it would be a test of another kind.
const REPEATERS = 6

/** PlayOptions: each of `rounds` makes every call `copies` times at once while the part is away. */
export type PlayOptions = { rounds: number; copies: number }

/** play takes a part away, calls, brings it back, waits until all is well, and repeats with its key what had failed. */
export async function play(
  ground: Ground,
  house: House,
  situation: Situation,
  accountId: string,
  options: PlayOptions
): Promise<Seen> {
  const caller = await openCaller(ground, house.server.url, accountId)
  const later: Note[] = [...caller.setup]
  for (const call of CALLS) {
    const { milliseconds } = await untilWell(caller, call, performance.now(), later)
    if (milliseconds > GIVE_UP_MS) throw new Error(`Before anything was taken away, ${call} did not work.`)
  }

  const end = await situation.begin(house, ground)
  const during: Note[] = []
  for (let round = 0; round < (situation.passes ? 1 : options.rounds); round += 1) {
    const calls: CallName[] = [
      ...Array.from({ length: situation.pressure }, (): CallName => 'usage taken'),
      ...CALLS.flatMap((call) => Array.from({ length: options.copies }, () => call))
    ]
    during.push(...(await Promise.all(calls.map((call) => caller.call(call)))))
  }
  const backMs = await end()

  const recoveries = await Promise.all(CALLS.map((call) => untilWell(caller, call, backMs, later)))
  const owner = await ground.connect()
  try {
    const after = await readLedger(owner, accountId)
    const failed = during.filter((note) => note.key !== null && !isGranted(note))
    const repeater = async (): Promise<void> => {
      for (let note = failed.shift(); note !== undefined; note = failed.shift()) await repeat(caller, note, later)
    }
    await Promise.all(Array.from({ length: REPEATERS }, repeater))
    const repeated = await readLedger(owner, accountId)
    const { name, extent, mayLose } = situation
    const unsettledMs = Math.max(after.unsettledMs, repeated.unsettledMs)
    return {
      name: `${name}, over ${house.transport}`,
      extent, mayLose, during, recoveries, later, after,
      repeated: { ...repeated, unsettledMs },
      brokenInvariants: await readBrokenInvariants(owner)
    }
  } finally {
    await owner.end()
  }
}

/** untilWell asks, always with the same key, until it is granted, and answers how long after `backMs` that was. */
async function untilWell(
  caller: Caller,
  call: CallName,
  backMs: number,
  later: Note[]
): Promise<{ call: CallName; milliseconds: number }> {
  let key: string | undefined
  for (;;) {
    const note = await caller.call(call, key)
    later.push(note)
    key = note.key ?? undefined
    const milliseconds = performance.now() - backMs
    if (isGranted(note) || milliseconds > GIVE_UP_MS) return { call, milliseconds }
    await wait(ASK_AGAIN_MS)
  }
}

async function repeat(caller: Caller, { call, key }: Note, later: Note[]): Promise<void> {
  if (key === null || (METERED[call] === undefined && call !== 'webhook')) return
  for (const endMs = performance.now() + GIVE_UP_MS; performance.now() < endMs; ) {
    const note = await caller.call(call, key)
    later.push(note)
    if (isGranted(note)) return
    await wait(ASK_AGAIN_MS)
  }
}
