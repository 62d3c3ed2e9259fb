import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const subscription = z.object({ plan: z.string(), interval: z.enum(['month', 'year']), periodStart: z.iso.datetime() })
const file = z.record(z.string(), subscription)

/** RememberedSubscription is what this tool last told the server about one subscription. */
export type RememberedSubscription = z.output<typeof subscription>

/**
 * Memory lets later commands speak of the period that an earlier one opened, as a real processor does. It is a file in
 * the data folder of the local server, or nothing where there is no such folder.
 */
export type Memory = {
  recall(subscription: string): RememberedSubscription | null
  remember(subscription: string, told: RememberedSubscription): void
}

/** openMemory reads DATA_DIR/webhook-subscriptions.json anew on each call; a file it cannot read counts as empty. */
export function openMemory(dataFolder: string): Memory {
  const path = join(dataFolder, 'webhook-subscriptions.json')
  const read = (): Map<string, RememberedSubscription> => {
    try {
      return new Map(Object.entries(file.parse(JSON.parse(readFileSync(path, 'utf8')))))
    } catch {
      return new Map()
    }
  }
  return {
    recall: (name) => read().get(name) ?? null,
    remember(name, told) {
      if (!existsSync(dataFolder)) return
      writeFileSync(path, `${JSON.stringify(Object.fromEntries(read().set(name, told)), null, 2)}\n`)
    }
  }
}
