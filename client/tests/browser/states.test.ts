import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Locator, Page } from 'playwright-core'
import { CLIENT_DIRECTORY } from '../../../scripts/client/built-client.ts'
import { gone, seen } from '../support/eventually.ts'
import { setStage } from '../support/stage.ts'

const stage = setStage()
const FIRST_LOAD_BYTES = 200_000
// What counts as good: https://web.dev/articles/cls. It is the share of the window that has moved, times how far.
const MOST_SHIFT = 0.1
const WATCH_SHIFTS = `
  globalThis.shift = 0
  new PerformanceObserver((list) => { for (const { value } of list.getEntries()) globalThis.shift += value }).observe({ type: 'layout-shift' })`

test('the first load of the signed-in shell is at most 200 kB, compressed', () => {
  const html = readFileSync(join(CLIENT_DIRECTORY, 'index.html'), 'utf8')
  const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '')
  expect(files.some((file) => file.endsWith('.js'))).toBe(true)
  expect(files.some((file) => file.endsWith('.css'))).toBe(true)
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(CLIENT_DIRECTORY, file))).byteLength, 0)
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_BYTES)
})

test('offline is said once it is so and until it is over, and what is typed into a form stays', async () => {
  const { identity } = stage.newAccount('offline')
  const page = await stage.open({ as: identity, path: '/bots', tolerated: { offline: true } })
  await page.getByRole('button', { name: 'Create a chatbot' }).click()
  const name = page.getByRole('textbox', { name: 'Name' })
  await name.fill('Written in a tunnel')
  await page.context().setOffline(true)
  const notice = page.getByRole('alert', { name: 'You are offline', includeHidden: true })
  await notice.waitFor({ state: 'attached' })
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await seen(page.getByRole('dialog').getByText(/cannot be reached/))
  expect(await name.inputValue()).toBe('Written in a tunnel')
  await page.context().setOffline(false)
  await notice.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await seen(page.getByRole('heading', { level: 1, name: 'Written in a tunnel' }))
})

test('while the server takes its time a skeleton holds the place of what comes, and nothing jumps', async () => {
  const account = stage.newAccount('slow')
  await account.createChatbot('Support')
  const screens = [
    { path: '/bots', calls: /\/api\/(chatbots|usage)(\?|$)/, fixed: ['Chatbots', 'Create a chatbot'], loading: 'Loading your chatbots', loaded: (page: Page) => page.getByRole('link', { name: 'Support' }) },
    { path: '/settings/billing', calls: /\/api\/(usage|billing)/, fixed: ['Usage'], loading: 'Loading the plan', loaded: (page: Page) => page.getByRole('meter', { name: 'Messages' }) },
    { path: '/settings/plans', calls: /\/api\/billing/, fixed: ['Plans'], loading: 'Loading the plans', loaded: (page: Page) => page.getByRole('heading', { name: 'Growth' }) },
    { path: '/settings/invoices', calls: /\/api\/billing/, fixed: ['Invoices'], loading: 'Loading the invoices', loaded: (page: Page) => page.getByText(/no invoices/i) }
  ]
  const page = await stage.open({ as: account.identity, path: '/bots' })
  for (const { path, calls, fixed, loading, loaded } of screens) {
    const { release } = await holdAnswers(page, calls)
    await page.goto(`${stage.url()}${path}`)
    const skeleton = page.getByLabel(loading)
    await seen(skeleton)
    const places = (): Promise<unknown[]> => Promise.all(fixed.map((name) => placeOf(page.getByRole('main').getByText(name, { exact: true }).first())))
    const before = await places()
    await page.evaluate(WATCH_SHIFTS)
    await release()
    await seen(loaded(page))
    await gone(skeleton)
    expect({ path, places: await places() }).toEqual({ path, places: before })
    const shift = Number(await page.evaluate('shift'))
    expect({ path, shift: shift <= MOST_SHIFT ? 'little' : shift }).toEqual({ path, shift: 'little' })
  }
})

test('what fails at the server is told in a sentence with the request, and "Try again" helps', async () => {
  const account = stage.newAccount('failing')
  const chatbotId = await account.createChatbot('Support')
  const screens = [
    { path: '/bots', call: /\/api\/chatbots(\?|$)/, loaded: (page: Page) => page.getByRole('link', { name: 'Support' }) },
    { path: '/settings/billing', call: /\/api\/usage$/, loaded: (page: Page) => page.getByRole('meter', { name: 'Messages' }) },
    { path: '/settings/plans', call: /\/api\/billing\/plans$/, loaded: (page: Page) => page.getByRole('heading', { name: 'Growth' }) },
    { path: '/settings/invoices', call: /\/api\/billing\/invoices/, loaded: (page: Page) => page.getByText(/no invoices/i) },
    { path: `/bots/${chatbotId}/knowledge`, call: /\/documents(\?|$)/, loaded: (page: Page) => page.getByText(/No documents yet|Nothing to answer from/i) }
  ]
  await Promise.all(
    screens.map(async ({ path, call, loaded }, place) => {
      const status = place % 2 === 0 ? 500 : 503
      const page = await stage.open({ as: account.identity, path: '/nowhere', tolerated: { statuses: [500, 503] } })
      await page.route(call, (route) => route.fulfill({ status, contentType: 'application/problem+json', body: problem(status) }))
      await page.goto(`${stage.url()}${path}`)
      const alert = page.getByRole('alert').filter({ hasText: 'The database is resting.' })
      await seen(alert, alert.getByText('req_test'))
      await page.unroute(call)
      await alert.getByRole('button', { name: 'Try again' }).click()
      await seen(loaded(page))
      await gone(alert)
    })
  )
})

/** holdAnswers keeps what the server answers from a page until it is released. */
async function holdAnswers(page: Page, calls: RegExp): Promise<{ release: () => Promise<void> }> {
  let open: () => void = () => undefined
  const released = new Promise<void>((resolve) => (open = resolve))
  await page.route(calls, async (route) => {
    await released
    await route.continue().catch(() => undefined)
  })
  return {
    release: async () => {
      open()
      await page.unroute(calls)
    }
  }
}

async function placeOf(locator: Locator): Promise<{ x: number; y: number } | null> {
  const box = await locator.boundingBox()
  return box === null ? null : { x: Math.round(box.x), y: Math.round(box.y) }
}

function problem(status: number): string {
  return JSON.stringify({
    type: 'about:blank',
    title: 'Away',
    status,
    code: status === 500 ? 'internal' : 'database_unavailable',
    detail: 'The database is resting.',
    instance: '/api',
    requestId: 'req_test'
  })
}
