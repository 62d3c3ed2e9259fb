import { createHmac } from 'node:crypto'
import { expect } from '@jest/globals'
import { z } from 'zod'
import { type Visit, visitSchema, type WidgetSettings, widgetSettingsSchema } from '../../src/contract/widget.ts'
import { type Chat, send } from './chat.ts'

/** SITE is the origin that may embed the widgets of the tests. */
export const SITE = 'https://www.example.com'

/** Site is a chatbot of its own owner with a widget that is switched on for {@link SITE}. */
export type Site = { user: string; chatbotId: string; settings: WidgetSettings }

type Sending = { token?: string; origin?: string; key?: string; headers?: Record<string, string> }

/** openSite makes one; `change` is what the owner sets besides. */
export async function openSite(chat: Chat, user: string, change: object = {}): Promise<Site> {
  const chatbotId = await openBot(chat, user)
  return { user, chatbotId, settings: await changeWidget(chat, { user, chatbotId }, { enabled: true, allowedOrigins: [SITE], ...change }) }
}

/** openBot makes a chatbot whose widget nobody has asked for yet. */
export async function openBot(chat: Chat, user: string): Promise<string> {
  const bot = await send(chat, user, '/api/chatbots', { name: 'Helpdesk', welcomeMessage: 'Hello!' })
  return z.object({ chatbotId: z.string() }).parse(await bot.json()).chatbotId
}

/** changeWidget changes the widget as its owner. */
export async function changeWidget(chat: Chat, { user, chatbotId }: { user: string; chatbotId: string }, change: object): Promise<WidgetSettings> {
  const response = await send(chat, user, `/api/chatbots/${chatbotId}/widget`, change, { method: 'PATCH' })
  expect(response.status).toBe(200)
  return z.strictObject(widgetSettingsSchema.shape).parse(await response.json())
}

/** settingsOf reads the widget as its owner. */
export async function settingsOf(chat: Chat, { user, chatbotId }: { user: string; chatbotId: string }): Promise<WidgetSettings> {
  const response = await send(chat, user, `/api/chatbots/${chatbotId}/widget`)
  expect(response.status).toBe(200)
  return z.strictObject(widgetSettingsSchema.shape).parse(await response.json())
}

/** asVisitor is one request of the page inside the iframe. */
export function asVisitor(chat: Chat, path: string, body: unknown, { token, origin, key, headers }: Sending = {}): Promise<Response> {
  return fetch(`${chat.origin}/widget/${path}`, {
    method: 'POST',
    headers: {
      Origin: origin ?? chat.origin,
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
      ...headers
    },
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
}

/** visit opens a visit that is expected to open. */
export async function visit(chat: Chat, site: Site, body: object = {}, sending: Sending = {}): Promise<Visit> {
  const response = await asVisitor(chat, `${site.settings.widgetKey}/visits`, body, sending)
  expect(response.status).toBe(200)
  return z.strictObject(visitSchema.shape).parse(JSON.parse(await innocentText(response)))
}

/** say asks a question as a visitor. */
export function say(chat: Chat, site: Site, token: string, content: string, sending: Sending = {}): Promise<Response> {
  return asVisitor(chat, `${site.settings.widgetKey}/messages`, { content }, { token, ...sending })
}

/** identityOf is what the site's own server writes for a user of its own. */
export function identityOf(secret: string, userId: string): { identity: { userId: string; signature: string } } {
  return { identity: { userId, signature: createHmac('sha256', secret).update(userId).digest('hex') } }
}

/** What no visitor should ever read: it is between the owner and Parley. */
const WORDS = /plan|quota|bill|upgrade|subscri|payment|charge|price|credit|usage|account|remaining|resets|metric|\bused\b|inputTokens|outputTokens/i

/** innocentText reads a body a visitor gets and holds it to the words that are none of a visitor's business. */
export async function innocentText(response: Response): Promise<string> {
  const text = await response.text()
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
  // What is drawn by lot may spell anything.
  expect(text.replaceAll(/"token":"[\w-]{43}"|wgt_[\w-]{16}/g, '')).not.toMatch(WORDS)
  expect(headers).not.toMatch(WORDS)
  return text
}

/** refusalOf reads a problem as a visitor gets it. */
export async function refusalOf(response: Response): Promise<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(await innocentText(response)))
}
