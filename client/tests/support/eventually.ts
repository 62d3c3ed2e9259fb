import { setTimeout as pause } from 'node:timers/promises'
import type { Locator } from 'playwright-core'

const ASK_AGAIN_MS = 50
const PATIENCE_MS = 10_000

/** seen resolves when the element is visible. Throws Playwright's TimeoutError, which names it. */
export async function seen(...locators: Locator[]): Promise<void> {
  for (const locator of locators) await locator.first().waitFor({ state: 'visible' })
}

/** gone resolves when the element is hidden or no longer there. */
export async function gone(locator: Locator): Promise<void> {
  await locator.waitFor({ state: 'hidden' })
}

/** eventually reads until the value is right and returns it; throws with the last one it has read. */
export async function eventually<Value>(what: string, read: () => Promise<Value>, isRight: (value: Value) => boolean): Promise<Value> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    if (Date.now() > deadline) throw new Error(`${what}: after ${PATIENCE_MS} ms it is ${JSON.stringify(value)}.`)
    await pause(ASK_AGAIN_MS)
  }
}
