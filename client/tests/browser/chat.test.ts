import { expect, test } from '@jest/globals'
import type { Locator, Page } from 'playwright-core'
import { type OpenAiServer, startOpenAiServer } from '../../../server/tests/support/openai-server.ts'
import type { Account } from '../support/account.ts'
import { eventually, gone, seen } from '../support/eventually.ts'
import { setStage } from '../support/stage.ts'

// The model says what a test lets it say, when the test lets it: an answer lasts as long as it must.
const models: OpenAiServer[] = []
const stage = setStage(async () => {
  const model = await startOpenAiServer()
  models.push(model)
  return { OPENAI_BASE_URL: model.baseUrl, MODEL: 'local-model' }
})
const model = (): OpenAiServer => {
  const [started] = models
  if (started === undefined) throw new Error('The model starts with the stage.')
  return started
}

const FREE_MESSAGES = 100

const box = (page: Page): Locator => page.getByRole('textbox', { name: 'Your message' })
const thread = (page: Page): Locator => page.getByRole('region', { name: 'Messages' })
const stop = (page: Page): Locator => page.getByRole('button', { name: 'Stop the answer' })

async function ask(page: Page, question: string): Promise<void> {
  await box(page).fill(question)
  await page.keyboard.press('Enter')
}

/** conversationOn returns the messages of the conversation a page shows, as they are stored, the newest first. */
async function stored(page: Page, account: Account) {
  const { pathname, searchParams } = new URL(page.url())
  return account.messages(pathname.split('/')[2] ?? '', searchParams.get('conversation') ?? '')
}

test('an answer that is stopped keeps and charges what was streamed, and nothing more', async () => {
  const account = stage.newAccount('stop')
  const chatbotId = await account.createChatbot('Support')
  const page = await stage.open({ as: account.identity, path: `/bots/${chatbotId}/chat` })
  const coming = model().next()
  await ask(page, 'What do you sell?')
  const answer = await coming
  answer.say('Chairs and ')
  answer.say('tables')
  await seen(thread(page).getByText('Chairs and tables'))
  await stop(page).click()
  await answer.closed
  await seen(thread(page).getByText('Stopped'), thread(page).getByText('Chairs and tables'))

  const [message] = await stored(page, account)
  expect(message).toMatchObject({ status: 'stopped', content: 'Chairs and tables' })
  expect(message?.outputTokens).toBeLessThan(10)
  expect(await account.used('messages')).toBe(1)
  expect(await account.used('llm_tokens')).toBe((message?.inputTokens ?? 0) + (message?.outputTokens ?? 0))
})

test('an answer goes on over a reload, and can be stopped after it', async () => {
  const account = stage.newAccount('reload')
  const chatbotId = await account.createChatbot('Support')
  const page = await stage.open({ as: account.identity, path: `/bots/${chatbotId}/chat` })
  const coming = model().next()
  await ask(page, 'What do you sell?')
  const answer = await coming
  answer.say('Chairs')
  await seen(thread(page).getByText('Chairs'))
  await page.reload()
  await seen(thread(page).getByText('Chairs'), stop(page))
  answer.say(', tables')
  await seen(thread(page).getByText('Chairs, tables'))
  await stop(page).click()
  await answer.closed
  await seen(thread(page).getByText('Stopped'))

  await page.reload()
  await seen(thread(page).getByText('Chairs, tables'), thread(page).getByText('Stopped'))
  expect(await box(page).inputValue()).toBe('')
  expect((await stored(page, account)).map(({ status, content }) => [status, content])).toEqual([
    ['stopped', 'Chairs, tables'],
    ['complete', 'What do you sell?']
  ])
  expect(await account.used('messages')).toBe(1)
})

test('a question beyond the plan is refused with the limit, and stays in its box', async () => {
  const account = stage.newAccount('limit')
  const chatbotId = await account.createChatbot('Support')
  model().answerAll(['Yes.'])
  await useUp(account, chatbotId)
  const page = await stage.open({ as: account.identity, path: `/bots/${chatbotId}/chat`, tolerated: { statuses: [402] } })
  await ask(page, 'One more question, with much thought in it?')
  const dialog = page.getByRole('dialog').filter({ has: page.getByRole('heading', { name: 'Without paying' }) })
  await seen(dialog.getByText('100 of 100 messages used'), dialog.getByText(/starts again at 0 on .*(CET|GMT\+\d)/))
  await seen(dialog.getByRole('link', { name: 'Upgrade to Starter' }), dialog.getByText(/^Wait until/))
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await gone(dialog)
  expect(await box(page).inputValue()).toBe('One more question, with much thought in it?')
  await page.reload()
  await eventually('the box after a reload', () => box(page).inputValue(), (text) => text === 'One more question, with much thought in it?')
  expect(await account.used('messages')).toBe(FREE_MESSAGES)
})

test('a question asked while Parley cannot be reached stays, and is answered and charged once when it can', async () => {
  const account = stage.newAccount('offline')
  const chatbotId = await account.createChatbot('Support')
  model().answerAll(['Back again.'])
  const page = await stage.open({ as: account.identity, path: `/bots/${chatbotId}/chat`, tolerated: { offline: true } })
  await seen(box(page))
  await page.context().setOffline(true)
  await seen(page.getByRole('status').filter({ hasText: 'You are offline' }))
  await ask(page, 'Are you there?')
  expect(await box(page).inputValue()).toBe('Are you there?')
  await page.context().setOffline(false)
  await gone(page.getByRole('status').filter({ hasText: 'What you see may be out of date' }))
  // The box learns of it by itself; a question asked before that is kept and not sent.
  await gone(page.getByText('Your text is kept'))

  // A break that the browser does not notice: the question arrives, its answer does not.
  await page.route('**/messages', async (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    await route.fetch()
    await route.abort('connectionreset')
  }, { times: 1 })
  await box(page).press('Enter')
  await seen(page.getByRole('alert').getByText(/cannot be reached/).or(thread(page).getByText('Back again.')))
  const retry = page.getByRole('alert').getByRole('button', { name: 'Try again' })
  if (await retry.isVisible()) await retry.click()
  await seen(thread(page).getByText('Back again.'))
  await eventually('the box', () => box(page).inputValue(), (text) => text === '')
  expect(await account.used('messages')).toBe(1)
})

test('an answer given anew takes the place of the old one, for good', async () => {
  const account = stage.newAccount('again')
  const chatbotId = await account.createChatbot('Support')
  const page = await stage.open({ as: account.identity, path: `/bots/${chatbotId}/chat` })
  model().answerAll(['It is blue.'])
  await ask(page, 'Which colour?')
  await seen(thread(page).getByText('It is blue.'))
  model().answerAll(['It is green.'])
  await thread(page).getByRole('button', { name: 'Answer again' }).click()
  await seen(thread(page).getByText('It is green.'))
  await gone(thread(page).getByText('It is blue.'))
  await page.reload()
  await seen(thread(page).getByText('It is green.'))
  expect(await thread(page).getByText('It is blue.').count()).toBe(0)
  expect(await thread(page).getByText('Which colour?').count()).toBe(1)
  expect(await account.used('messages')).toBe(2)
})

test('an answer is shown that is faster than the first reading of its conversation', async () => {
  const account = stage.newAccount('fast')
  const chatbotId = await account.createChatbot('Support')
  model().answerAll(['At once.'])
  const page = await stage.open({ as: account.identity, path: `/bots/${chatbotId}/chat` })
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const held: string[] = []
  await page.route(/\/messages(\?|$)/, async (route) => {
    if (route.request().method() === 'POST' || held.length > 0) return route.continue()
    held.push(route.request().url())
    const before = await route.fetch()
    await released
    // Who asked may have given up waiting.
    await route.fulfill({ response: before }).catch(() => undefined)
  })
  await ask(page, 'Quick?')
  await seen(thread(page).getByText('At once.'))
  await eventually('the answer', async () => (await stored(page, account))[0]?.status, (status) => status === 'complete')
  release()
  await seen(page.getByRole('button', { name: 'Send' }))
  expect(held).toHaveLength(1)
  expect(await thread(page).getByText('At once.').count()).toBe(1)
})

/** useUp asks as often as the free plan allows, in conversations beside each other. */
async function useUp(account: Account, chatbotId: string): Promise<void> {
  const conversations = await Promise.all(Array.from({ length: 10 }, (_, place) => account.openConversation(chatbotId, `Questions ${place}`)))
  await Promise.all(
    conversations.map(async (conversationId) => {
      for (let question = 0; question < FREE_MESSAGES / conversations.length; question += 1) await account.ask(chatbotId, conversationId, 'Yes?')
    })
  )
}
