import { setTimeout as pause } from 'node:timers/promises'
import type { z } from 'zod'
import { chatbotSchema } from '../../../server/src/contract/chatbots.ts'
import { checkoutSchema, checkoutStateSchema } from '../../../server/src/contract/checkout.ts'
import { conversationSchema } from '../../../server/src/contract/conversations.ts'
import { localSessionSchema } from '../../../server/src/contract/local-session.ts'
import { answerSchema, messageSchema } from '../../../server/src/contract/messages.ts'
import { pageOf } from '../../../server/src/contract/page.ts'
import { clockSchema } from '../../../server/src/contract/sandbox.ts'
import { subscriptionSchema } from '../../../server/src/contract/subscription.ts'
import { usageSchema } from '../../../server/src/contract/usage.ts'
import { visitSchema, widgetSettingsSchema } from '../../../server/src/contract/widget.ts'

/** Identity is who is signed in locally, as the page keeps it. */
export type Identity = { userId: string; operator?: boolean }

/**
 * Account does over HTTP what a test needs to be there and does not want to click. Every method throws where Parley does not
 * answer with success.
 */
export type Account = {
  identity: Identity
  send(method: string, path: string, body?: object): Promise<unknown>
  createChatbot(name: string, fields?: object): Promise<string>
  addDocument(chatbotId: string, name: string, text: string): Promise<void>
  /** openConversation returns its id. */
  openConversation(chatbotId: string, title: string): Promise<string>
  ask(chatbotId: string, conversationId: string, content: string): Promise<z.output<typeof answerSchema>>
  messages(chatbotId: string, conversationId: string): Promise<z.output<typeof messageSchema>[]>
  /** used returns how much of a metric is used. */
  used(metric: string): Promise<number>
  /** subscribe buys a plan at the twin's own checkout page, and returns the checkout's id when it is in force. */
  subscribe(plan: string): Promise<string>
  /** widget changes the widget of a chatbot and returns how it is. */
  widget(chatbotId: string, change: object): Promise<z.output<typeof widgetSettingsSchema>>
}

const TOKEN_LASTS_MS = 300_000
const ASK_AGAIN_MS = 50
const PATIENCE_MS = 20_000

/** createAccount signs in to the Parley at `url` when it is first used. */
export function createAccount(url: string, identity: Identity): Account {
  let token: { text: string; untilMs: number } | null = null
  const signedIn = async (): Promise<string> => {
    if (token === null || token.untilMs < Date.now()) {
      const answer = await request(`${url}/sandbox/session`, 'POST', {}, identity)
      token = { text: localSessionSchema.parse(answer).token, untilMs: Date.now() + TOKEN_LASTS_MS }
    }
    return token.text
  }
  const send: Account['send'] = async (method, path, body) =>
    request(`${url}${path}`, method, { Authorization: `Bearer ${await signedIn()}` }, body)
  const messagesOf = (chatbotId: string, conversationId: string): string =>
    `/api/chatbots/${chatbotId}/conversations/${conversationId}/messages`

  return {
    identity,
    send,
    createChatbot: async (name, fields = {}) => chatbotSchema.parse(await send('POST', '/api/chatbots', { name, ...fields })).chatbotId,
    addDocument: async (chatbotId, name, text) => {
      await send('POST', `/api/chatbots/${chatbotId}/documents`, { name, text })
    },
    openConversation: async (chatbotId, title) =>
      conversationSchema.parse(await send('POST', `/api/chatbots/${chatbotId}/conversations`, { title, channel: 'playground' })).conversationId,
    ask: async (chatbotId, conversationId, content) =>
      answerSchema.parse(await send('POST', messagesOf(chatbotId, conversationId), { content, channel: 'playground' })),
    messages: async (chatbotId, conversationId) =>
      pageOf(messageSchema).parse(await send('GET', messagesOf(chatbotId, conversationId))).data,
    used: async (metric) => {
      const { metrics } = usageSchema.parse(await send('GET', '/api/usage'))
      const found = metrics.find((one) => one.metric === metric)
      if (found === undefined) throw new Error(`The plan knows no ${metric}.`)
      return found.used
    },
    subscribe: async (plan) => {
      const checkout = checkoutSchema.parse(await send('POST', '/api/billing/checkout', { plan, interval: 'month' }))
      const form = new URLSearchParams({ card: '4242424242424242', email: `${identity.userId}@example.com` })
      const paid = await fetch(checkout.url, { method: 'POST', body: form, redirect: 'manual' })
      if (paid.status !== 303) throw new Error(`The twin's checkout answered ${paid.status}.`)
      const deadline = Date.now() + PATIENCE_MS
      for (;;) {
        const { status } = checkoutStateSchema.parse(await send('GET', `/api/billing/checkout/${checkout.checkoutId}`))
        const subscription = subscriptionSchema.parse(await send('GET', '/api/billing/subscription'))
        if (status === 'complete' && subscription.plan === plan) return checkout.checkoutId
        if (Date.now() > deadline) throw new Error(`After ${PATIENCE_MS} ms the checkout is ${status} and the plan ${subscription.plan}.`)
        await pause(ASK_AGAIN_MS)
      }
    },
    widget: async (chatbotId, change) => widgetSettingsSchema.parse(await send('PATCH', `/api/chatbots/${chatbotId}/widget`, change))
  }
}

/** request asks for JSON, and for it once: a repeat has a key of its own. Throws where the answer is no success. */
async function request(url: string, method: string, headers: Record<string, string>, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: {
      Accept: 'application/json',
      ...(method === 'POST' && { 'Idempotency-Key': crypto.randomUUID() }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text.slice(0, 500)}`)
  return text === '' ? null : JSON.parse(text)
}

/** readClock returns what time it is for Parley. */
export async function readClock(url: string): Promise<string> {
  return clockSchema.parse(await request(`${url}/sandbox/clock`, 'GET', {})).now
}

/** moveClock lets time pass for Parley and the twin, such as `1 day`; returns when all that was due has happened. */
export async function moveClock(url: string, advance: string): Promise<void> {
  await request(`${url}/sandbox/clock`, 'POST', {}, { advance })
}

/** askAsVisitor asks in a new visit of a widget, and returns when the answer is whole. */
export async function askAsVisitor(url: string, widgetKey: string, content: string): Promise<void> {
  const visit = visitSchema.parse(await request(`${url}/widget/${widgetKey}/visits`, 'POST', {}, {}))
  const answer = await fetch(`${url}/widget/${widgetKey}/messages`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${visit.token}`, 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
    body: JSON.stringify({ content })
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`The widget answered ${answer.status}: ${text.slice(0, 500)}`)
}
