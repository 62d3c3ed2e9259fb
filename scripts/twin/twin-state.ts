import { z } from 'zod'
import { readPrivateFile, writePrivateFile } from '../embedded/private-file.ts'
import { StartError } from '../embedded/start-error.ts'
import { queueSchema } from './delivery-queue.ts'
import { PROCESSORS } from './processors.ts'

const stateSchema = z.object({
  format: z.literal(1),
  nowMs: z.number(),
  ports: z.object({ stripe: z.int(), paddle: z.int(), razorpay: z.int(), control: z.int() }),
  dialects: z.record(z.enum(PROCESSORS), z.unknown()),
  deliveries: queueSchema
})

/** TwinState is a twin as its file keeps it: its time, the ports its pages were at, and what its parts have saved. */
export type TwinState = z.infer<typeof stateSchema>

/** readTwinState returns null when there is no file yet. Throws {@link StartError} for one that is none of a twin. */
export function readTwinState(file: string): TwinState | null {
  const text = readPrivateFile(file)
  if (text === null) return null
  try {
    return stateSchema.parse(JSON.parse(text))
  } catch (error) {
    throw unusable(file, error)
  }
}

/** writeTwinState replaces the file as a whole, readable by its owner alone. */
export function writeTwinState(file: string, state: TwinState): void {
  writePrivateFile(file, `${JSON.stringify(state)}\n`)
}

/** unusable is the refusal of a state file. */
export function unusable(file: string, cause: unknown): StartError {
  return new StartError(`${file} is no state of the offline twin that this version can read: move it away to begin with an empty twin.`, { cause })
}

/** DelayedSave saves a little after the first change; `flush` at once, if there is any; `stop` saves what is left. */
export type DelayedSave = { soon(): void; flush(): void; stop(): void }

const DELAY_MS = 100

/** delaySave calls `save` at most every 100 ms. */
export function delaySave(save: () => void): DelayedSave {
  let timer: NodeJS.Timeout | null = null
  let isStopped = false
  const now = (): void => {
    timer = null
    save()
  }
  return {
    soon() {
      if (!isStopped) timer ??= setTimeout(now, DELAY_MS).unref()
    },
    flush() {
      if (timer === null || isStopped) return
      clearTimeout(timer)
      now()
    },
    stop() {
      isStopped = true
      if (timer !== null) clearTimeout(timer)
      save()
    }
  }
}
