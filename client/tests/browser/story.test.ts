import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import type { Identity } from '../support/account.ts'
import { eventually, gone, seen } from '../support/eventually.ts'
import { pageWith, startForeignSite } from '../support/foreign-site.ts'
import { setStage } from '../support/stage.ts'

// One account from its sign-in on: each test goes on where the one before it has left off.
const stage = setStage()
const owner: Identity = { userId: 'olga' }

const HANDBOOK = '# Refunds\n\nRefunds take 14 days after the goods came back.\n\n# Shipping\n\nParcels leave the house every morning at nine.'

const createBot = async (page: Page, name: string): Promise<void> => {
  await page.goto(`${stage.url()}/bots`)
  await page.getByRole('button', { name: 'Create a chatbot' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await seen(page.getByRole('heading', { level: 1, name }))
}

const meter = (page: Page, name: string) => page.getByRole('meter', { name })

test('who signs in makes a chatbot of a document, and its answer cites the passage it is from', async () => {
  const page = await stage.open({ as: null })
  await page.getByRole('textbox', { name: 'Your name' }).fill(owner.userId)
  await page.getByRole('button', { name: 'Sign in' }).click()

  await page.getByRole('button', { name: 'Create your first chatbot' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('Support')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await seen(page.getByRole('heading', { level: 1, name: 'Support' }))

  await page.getByRole('link', { name: 'Knowledge' }).click()
  await page.getByLabel('Files', { exact: true }).setInputFiles([
    { name: 'handbook.md', mimeType: 'text/markdown', buffer: Buffer.from(HANDBOOK) },
    { name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50]) }
  ])
  const uploads = page.getByRole('region', { name: 'Uploads' })
  await seen(uploads.getByRole('listitem').filter({ hasText: 'handbook.md' }).getByText(/^Ready: \d passages?$/))
  await seen(uploads.getByRole('listitem').filter({ hasText: 'picture.png' }).getByText(/^Failed: /))
  await seen(page.getByRole('region', { name: 'Documents' }).getByText('handbook.md'))

  await page.getByRole('link', { name: 'Playground' }).click()
  await page.getByRole('textbox', { name: 'Your message' }).fill('How long do refunds take?')
  await page.keyboard.press('Enter')
  const messages = page.getByRole('region', { name: 'Messages' })
  await seen(messages.getByText(/Refunds take 14 days/))
  await messages.getByRole('button', { name: /^Source 1: handbook\.md/ }).click()
  const passage = page.getByRole('dialog').getByRole('group', { name: 'The cited passage' })
  await seen(passage.getByText(/Refunds take 14 days after the goods came back/))
  await page.keyboard.press('Escape')
  await gone(passage)
})

test('a second chatbot on the free plan is refused with both ways out, and the name that was typed stays', async () => {
  const page = await stage.open({ as: owner, path: '/bots', tolerated: { statuses: [402] } })
  await seen(page.getByText('1 of 1 chatbot', { exact: true }))
  await page.getByRole('button', { name: 'Create a chatbot' }).click()
  const name = page.getByRole('textbox', { name: 'Name' })
  await name.fill('Shop assistant')
  await page.getByRole('button', { name: 'Create', exact: true }).click()

  const dialog = page.getByRole('dialog').filter({ has: page.getByRole('heading', { name: 'Without paying' }) })
  await seen(dialog.getByText('1 of 1 chatbot in use'))
  await seen(dialog.getByRole('link', { name: 'Upgrade to Starter' }), dialog.getByRole('link', { name: 'Choose one to delete' }))
  expect(await dialog.getByRole('meter').getAttribute('aria-valuetext')).toBe('1 of 1 chatbot')
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await gone(dialog)
  expect(await name.inputValue()).toBe('Shop assistant')
})

test("the upgrade is paid on the processor's page, and the page after it flips by itself to the new limits", async () => {
  const page = await stage.open({ as: owner, path: '/settings/plans?plan=starter', origins: [stage.checkoutOrigin()], tolerated: { statuses: [402] } })
  await page.getByRole('listitem', { name: 'Starter' }).getByRole('button', { name: 'Get Starter' }).click()
  const dialog = page.getByRole('dialog', { name: 'Get Starter' })
  await seen(dialog.getByText(/Chatbots: 3 instead of 1/))
  await dialog.getByRole('button', { name: 'Continue to payment' }).click()

  await page.waitForURL((url) => url.origin === stage.checkoutOrigin())
  await page.getByText('is declined', { exact: true }).click()
  await pay(page)
  await seen(page.getByText('Your card was declined. Nothing was charged: please try another card.'))
  await page.getByText('is accepted', { exact: true }).click()
  await pay(page)

  await page.waitForURL(/\/settings\/billing\/confirm/)
  await seen(page.getByRole('heading', { name: 'Your plan is Starter' }))
  await page.getByRole('link', { name: 'See the limits' }).click()
  await seen(page.getByRole('heading', { name: 'Starter' }))
  expect(await meter(page, 'Chatbots').getAttribute('aria-valuetext')).toMatch(/^1 of 3 used/)
  expect(await meter(page, 'Messages').getAttribute('aria-valuetext')).toMatch(/^0 of 2,000 used/)
})

test('a larger plan comes at once, and holds more chatbots', async () => {
  const page = await stage.open({ as: owner })
  for (const name of ['Shop', 'Docs']) await createBot(page, name)
  await page.goto(`${stage.url()}/settings/plans`)
  await page.getByRole('button', { name: 'Upgrade to Growth' }).click()
  const dialog = page.getByRole('dialog')
  await seen(dialog.getByText(/is charged today/))
  await dialog.getByRole('button', { name: 'Change now' }).click()
  await gone(dialog)
  await seen(page.getByRole('listitem', { name: 'Growth' }).getByText('Your plan').first())
  for (const name of ['Jobs', 'Press']) await createBot(page, name)
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Chatbots' }).click()
  await seen(page.getByText('5 of 10 chatbots', { exact: true }))
})

test('a downgrade that does not fit is blocked until what is too much is deleted in its dialog, then scheduled, then undone', async () => {
  const page = await stage.open({ as: owner, path: '/settings/plans' })
  await page.getByRole('button', { name: 'Downgrade to Starter' }).click()
  const dialog = page.getByRole('dialog', { name: 'Downgrade to Starter' })
  await seen(dialog.getByText('Please delete 2 chatbot(s) before downgrading'))
  const schedule = dialog.getByRole('button', { name: 'Schedule the change' })
  expect(await schedule.isDisabled()).toBe(true)

  const choice = dialog.getByRole('group', { name: 'What to keep' })
  for (const name of ['Support', 'Shop', 'Docs', 'Jobs', 'Press']) await choice.getByLabel(name).setChecked(name !== 'Jobs' && name !== 'Press')
  await seen(dialog.getByText(/it fits/), dialog.getByText('To be deleted: Press, Jobs'))
  await dialog.getByLabel(/cannot be undone/).check()
  await dialog.getByRole('button', { name: 'Delete 2 and go on' }).click()
  await gone(choice)
  await schedule.click()
  await gone(dialog)

  const notice = page.getByRole('region', { name: 'Your plan changes' })
  await seen(notice.getByText(/the plan becomes Starter/))
  await page.goto(`${stage.url()}/bots`)
  // Held to the smaller plan from now on.
  await seen(page.getByText('3 of 3 chatbots', { exact: true }))
  await notice.getByRole('button', { name: 'Undo' }).click()
  await gone(notice)
  await seen(page.getByText('3 of 10 chatbots', { exact: true }))
})

test('a visitor of an allowed site gets an answer in the widget; on any other site the frame is refused', async () => {
  const [shop, stranger] = await Promise.all([startForeignSite(), startForeignSite()])
  const page = await stage.open({ as: owner, path: '/bots' })
  await page.getByRole('link', { name: 'Support', exact: true }).click()
  await page.getByRole('link', { name: 'Widget' }).click()
  await page.getByLabel('The widget is on').setChecked(true)
  await page.getByLabel('Sites that may embed it').first().fill(shop.origin)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await seen(page.getByText('Saved.'))
  const snippet = (await page.getByLabel('The snippet', { exact: true }).textContent()) ?? ''
  shop.show(pageWith(snippet))
  stranger.show(pageWith(snippet))

  const visitor = await stage.open({ as: null, origins: [shop.origin] })
  await visitor.goto(shop.origin)
  await openChat(visitor)
  const chat = visitor.frameLocator('iframe[title="Chat"]')
  await chat.getByRole('textbox', { name: 'Your message' }).fill('When do parcels leave?')
  await chat.getByRole('button', { name: 'Send' }).click()
  await seen(chat.getByRole('log').getByText(/every morning at nine/))
  await page.goto(`${stage.url()}/settings/billing/ledger`)
  await seen(page.getByRole('table').getByText('Widget', { exact: false }))

  const elsewhere = await stage.open({ as: null, origins: [stranger.origin], tolerated: { refusedFrames: true } })
  const refused = elsewhere.waitForEvent('console', (message) => message.text().includes('frame-ancestors'))
  await elsewhere.goto(stranger.origin)
  await openChat(elsewhere)
  await refused
  const frames = await eventually('the refused frame', async () => elsewhere.frames().map((frame) => frame.url()), (urls) => urls.length === 2)
  expect(frames[1]).not.toContain('/widget/')
})

async function pay(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Pay / }).click()
}

// The button's shadow root is closed to the site's scripts and to tests alike: it is pressed where people see it.
async function openChat(page: Page): Promise<void> {
  await page.waitForFunction("'ParleyWidget' in window")
  const { width = 0, height = 0 } = page.viewportSize() ?? {}
  await page.mouse.click(width - 48, height - 48)
  await page.locator('iframe[title="Chat"]').waitFor()
}
