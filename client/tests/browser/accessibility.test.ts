import { beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { barriersOn, overflowOf, wear } from '../support/axe.ts'
import { DESKTOP_PX, PHONE_PX } from '../support/context.ts'
import { eventually, gone, seen } from '../support/eventually.ts'
import { bringAbout, type Screen, screensOf } from '../support/screens.ts'
import { type Seeded, seedParley } from '../support/seed.ts'
import { setStage } from '../support/stage.ts'

const stage = setStage(() => Promise.resolve({ RATE_LIMIT_NEW_VISITS_PER_HOUR: '1000' }))
const SEED_MS = 60_000
const WALK_MS = 180_000

let screens: Screen[] = []
let seeded: Seeded | null = null
beforeAll(async () => {
  seeded = await seedParley(stage.url(), stage.parley().dataDir, { days: 2, questionsADay: 8 })
  screens = screensOf(seeded)
}, SEED_MS)

// Both colours and both widths of every screen; the other two pairs have no element and no colour that is not in these.
const LOOKS = [
  { scheme: 'light', width: DESKTOP_PX },
  { scheme: 'dark', width: PHONE_PX }
] as const

test('on no screen and in no dialog does axe find a serious barrier, light or dark, on a desk or a phone, and no phone scrolls sideways', async () => {
  const found: string[] = []
  const waiting = [...screens]
  const walk = async (): Promise<void> => {
    for (let screen = waiting.shift(); screen !== undefined; screen = waiting.shift()) found.push(...(await look(screen)))
  }
  // Two at a time: one waits for the server while the other is looked at.
  await Promise.all([walk(), walk()])
  expect(found).toEqual([])
}, WALK_MS)

async function look(screen: Screen): Promise<string[]> {
  const { name, as, path, statuses = [] } = screen
  try {
    const page = await stage.open({ as, path, tolerated: { statuses } })
    await bringAbout(page, screen)
    const found: string[] = []
    for (const { scheme, width } of LOOKS) {
      await wear(page, scheme, width)
      const where = `${name}, ${scheme}, ${width}`
      found.push(...(await barriersOn(page)).map((barrier) => `${where}: ${barrier}`))
      const overflow = await overflowOf(page)
      if (overflow > 0) found.push(`${where}: wider than the window by ${overflow} px`)
    }
    await page.close()
    return found
  } catch (error) {
    return [`${name}: ${String(error)}`]
  }
}

test('a chatbot can be created and asked with the keyboard alone', async () => {
  const { identity } = stage.newAccount('keys')
  const page = await stage.open({ as: identity, path: '/bots' })
  await seen(page.getByText('Your first chatbot'))
  await tabTo(page, 'Create your first chatbot')
  await page.keyboard.press('Enter')
  await seen(page.getByRole('dialog'))
  await eventually('the focus', () => focused(page), (name) => name === 'Name')
  await page.keyboard.type('Keys')
  await page.keyboard.press('Enter')
  await seen(page.getByRole('heading', { level: 1, name: 'Keys' }))
  await tabTo(page, 'Your message')
  await page.keyboard.type('Is anybody there?')
  await page.keyboard.press('Enter')
  await seen(page.getByRole('button', { name: 'Copy the answer' }).or(page.getByRole('button', { name: 'Answer again' })))
  expect(await focused(page)).toBe('Your message')
})

test('a dialog that closes gives the focus back to what opened it', async () => {
  const owner = seeded?.owner ?? null
  const page = await stage.open({ as: owner, path: '/bots', tolerated: { statuses: [402] } })
  await seen(page.getByRole('link', { name: 'Bike finder' }))
  for (const opener of ['Create a chatbot', 'Delete Bike finder']) {
    await page.getByRole('button', { name: opener }).focus()
    await page.keyboard.press('Enter')
    await seen(page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await gone(page.getByRole('dialog'))
    await eventually(`the focus after ${opener}`, () => focused(page), (name) => name === opener)
  }

  await page.getByRole('button', { name: 'Create a chatbot' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('One too many')
  await page.keyboard.press('Enter')
  await seen(page.getByRole('heading', { name: 'Without paying' }))
  await page.keyboard.press('Escape')
  await gone(page.getByRole('heading', { name: 'Without paying' }))
  await eventually('the focus', () => focused(page), (name) => name === 'Name')
  expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('One too many')
})

const MOST_TABS = 40

async function tabTo(page: Page, name: string): Promise<void> {
  for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
    await page.keyboard.press('Tab')
    if ((await focused(page)) === name) return
  }
  throw new Error(`After ${MOST_TABS} times Tab the focus is on ${await focused(page)}, not on ${name}.`)
}

/** focused returns what a screen reader calls the element that has the focus. */
async function focused(page: Page): Promise<string> {
  return String(
    await page.evaluate(`(() => {
      const element = document.activeElement
      const label = element?.labels?.[0]?.textContent ?? element?.getAttribute('aria-label') ?? element?.textContent ?? ''
      return element === document.body ? 'nothing' : label.replace(/\\s*\\*$/, '').trim()
    })()`)
  )
}
