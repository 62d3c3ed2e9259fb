import type { Locator, Page } from 'playwright-core'
import type { Identity } from './account.ts'
import { eventually, seen } from './eventually.ts'
import type { Seeded } from './seed.ts'

/**
 * Screen is one thing people see. `as` is who sees it, `ready` what is there once it is whole, `open` brings it about where an
 * address alone does not; `statuses` are answers that belong to it.
 */
export type Screen = {
  name: string
  as: Identity | null
  path: string
  ready: (page: Page) => Locator
  open?: (page: Page) => Promise<void>
  statuses?: readonly number[]
}

const heading = (name: string | RegExp) => (page: Page) => page.getByRole('heading', { name }).first()
const dialog = (page: Page) => page.getByRole('dialog').last()
const press = (name: string | RegExp) => (page: Page) => page.getByRole('button', { name }).first().click()

/** screensOf lists every screen and dialog, over an account that has something to show. */
export function screensOf(seeded: Seeded): Screen[] {
  const { owner, newcomer, overdue, over, operator, chatbotId, conversationId, widgetKey, checkoutId, failedEventId } = seeded
  const bot = `/bots/${chatbotId}`
  const conversation = `${bot}/chat?conversation=${conversationId}`
  return [
    { name: 'sign-in', as: null, path: '/', ready: (page) => page.getByRole('button', { name: 'Sign in' }) },
    { name: 'bots', as: owner, path: '/bots', ready: (page) => page.getByRole('link', { name: 'Bike finder' }) },
    { name: 'bots-empty', as: newcomer, path: '/bots', ready: (page) => page.getByText('Your first chatbot') },
    { name: 'bots-over-limit', as: over, path: '/bots', ready: (page) => page.getByText('Read-only').first() },
    { name: 'create-dialog', as: owner, path: '/bots', ready: dialog, open: press('Create a chatbot') },
    {
      name: 'limit-dialog',
      as: owner,
      path: '/bots',
      ready: heading('Without paying'),
      statuses: [402],
      open: async (page) => {
        await press('Create a chatbot')(page)
        await page.getByRole('textbox', { name: 'Name' }).fill('Careers')
        await page.getByRole('button', { name: 'Create', exact: true }).click()
      }
    },
    { name: 'delete-dialog', as: owner, path: '/bots', ready: dialog, open: press('Delete Bike finder') },
    { name: 'chat', as: owner, path: conversation, ready: (page) => page.getByRole('button', { name: /^Source 1/ }).first() },
    { name: 'chat-empty', as: owner, path: `${bot}/chat`, ready: (page) => page.getByRole('textbox', { name: 'Your message' }) },
    {
      name: 'chat-source',
      as: owner,
      path: conversation,
      ready: (page) => page.getByRole('group', { name: 'The cited passage' }),
      open: press(/^Source 1/)
    },
    { name: 'knowledge', as: owner, path: `${bot}/knowledge`, ready: (page) => page.getByText('warranty.md') },
    {
      name: 'knowledge-upload',
      as: owner,
      path: `${bot}/knowledge`,
      ready: (page) => page.getByText(/^Failed: /),
      open: (page) =>
        page.getByLabel('Files', { exact: true }).setInputFiles({ name: 'catalogue.docx', mimeType: 'application/zip', buffer: Buffer.from('PK') })
    },
    { name: 'knowledge-text', as: owner, path: `${bot}/knowledge`, ready: dialog, open: press('Add a text') },
    { name: 'bot-settings', as: owner, path: `${bot}/settings`, ready: (page) => page.getByRole('textbox', { name: 'Instructions' }) },
    { name: 'widget-settings', as: owner, path: `${bot}/widget`, ready: heading('Put it on your site') },
    { name: 'widget', as: null, path: `/widget/${widgetKey}`, ready: (page) => page.getByText('Hello! Ask me about orders') },
    { name: 'usage', as: owner, path: '/settings/billing', ready: (page) => page.getByRole('meter', { name: 'Messages' }) },
    { name: 'ledger', as: owner, path: '/settings/billing/ledger', ready: (page) => page.getByRole('table').getByRole('row').nth(2) },
    { name: 'plans', as: owner, path: '/settings/plans', ready: heading('Enterprise') },
    { name: 'plans-over-limit', as: over, path: '/settings/plans', ready: heading('Choose the chatbots to keep in use') },
    { name: 'plans-overdue', as: overdue, path: '/settings/plans', ready: (page) => page.getByText('A payment failed') },
    {
      name: 'plan-change-dialog',
      as: owner,
      path: '/settings/plans',
      ready: (page) => page.getByRole('button', { name: 'Change now' }),
      open: press('Upgrade to Growth')
    },
    { name: 'cancel-dialog', as: owner, path: '/settings/plans', ready: dialog, open: press('Cancel the subscription') },
    { name: 'confirm', as: owner, path: `/settings/billing/confirm?checkout=${checkoutId}`, ready: heading('Your plan is Starter') },
    { name: 'invoices', as: owner, path: '/settings/invoices', ready: (page) => page.getByRole('table') },
    { name: 'admin-accounts', as: operator, path: '/admin/accounts', ready: (page) => page.getByRole('link', { name: 'nora' }) },
    { name: 'admin-account', as: operator, path: '/admin/accounts/nora', ready: heading('nora') },
    { name: 'admin-inbox', as: operator, path: '/admin/inbox', ready: (page) => page.getByRole('table').getByRole('row').nth(1) },
    { name: 'admin-event', as: operator, path: `/admin/inbox/stripe/${failedEventId}`, ready: (page) => page.getByRole('button', { name: /^Replay/ }) },
    { name: 'replay-dialog', as: operator, path: `/admin/inbox/stripe/${failedEventId}`, ready: dialog, open: press(/^Replay/) },
    { name: 'admin-reconciliation', as: operator, path: '/admin/reconciliation', ready: (page) => page.getByRole('table').getByRole('row').nth(1) },
    {
      name: 'admin-run',
      as: operator,
      path: '/admin/reconciliation',
      ready: heading('What differed'),
      open: async (page) => {
        await page.getByRole('table').getByRole('link').first().click()
        await page.waitForURL(/\/admin\/reconciliation\/./)
      }
    },
    { name: 'admin-doctor', as: operator, path: '/admin/doctor', ready: heading('Doctor') },
    { name: 'nothing-here', as: owner, path: '/nowhere', ready: heading('Nothing here') }
  ]
}

/** bringAbout opens a screen's dialog on its page, and returns when the screen is whole. */
export async function bringAbout(page: Page, { open, ready }: Screen): Promise<void> {
  await open?.(page)
  await seen(ready(page))
  const loading = page.locator('.mantine-Skeleton-root, [aria-label="Loading"]')
  await eventually('what is still loading', () => loading.count(), (count) => count === 0)
}
