import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { ProcessorName } from '../../../server/src/billing/billing-event.ts'
import { signSessionToken } from '../../../server/src/sandbox/session-token.ts'
import { openCheckoutOf } from '../../simulate/accounts.ts'
import { AUTHORIZED_PARTY } from '../ground.ts'
import { askPatiently, type Sent } from './http-client.ts'
import type { Operation } from './operations.ts'
import type { Scene } from './scene.ts'

/**
 * Tenant is an account that has one of everything. `ids` are its ids by the names that paths and bodies give them;
 * `otherIds` further ones, which no name leads to; `cursors` of its lists; `token` its session, `visitorToken` a visit's.
 */
export type Tenant = {
  accountId: string
  processor: ProcessorName
  token: string
  visitorToken: string
  ids: Record<string, string>
  otherIds: Record<string, string>
  cursors: string[]
  keys: string[]
}

const created = z.looseObject({ chatbotId: z.string().optional(), documentId: z.string().optional(),
  conversationId: z.string().optional() })
const answered = z.object({ message: z.object({ messageId: z.string() }) })
const pageSchema = z.looseObject({ data: z.array(z.looseObject({})), nextCursor: z.string().nullable() })
const widgetSchema = z.object({ widgetKey: z.string(), identitySecret: z.string() })
const visitSchema = z.object({ token: z.string(), messages: z.array(z.object({ messageId: z.string() })) })
const invoicesSchema = z.object({ data: z.array(z.object({ invoiceId: z.string() })) })
const checkoutSchema = z.object({ checkoutId: z.string() })

/** idsFor are the ids an operation is filled with: a visitor's messages are others than those of people who are signed in. */
export function idsFor({ ids, otherIds }: Tenant, operation: Operation): Record<string, string> {
  return operation.scheme === 'visitor' ? { ...ids, messageId: otherIds['visitorsAnswer'] ?? '' } : ids
}

/** furnish makes a tenant on the first server, over HTTP, and notes what it owns as canaries. Throws Error where a step fails. */
export async function furnish(scene: Scene, name: string, processor: ProcessorName, asOrganization = false): Promise<Tenant> {
  const { canaries, digest, owner, twin } = scene
  const [server] = scene.servers
  if (server === undefined) throw new Error('There is no server.')
  const accountId = `${asOrganization ? 'org' : 'user'}_${digest(`account of ${name}`).slice(0, 20)}`
  const token = signSessionToken(scene.ground.secrets.clerk.privateKey, {
    userId: asOrganization ? `user_${digest(`person of ${name}`).slice(0, 20)}` : accountId,
    organization: asOrganization ? { id: accountId, role: 'admin' } : null,
    operator: false,
    authorizedParty: AUTHORIZED_PARTY,
    expiresInSeconds: 86_400
  })
  const own = (what: string, kind: 'secret' | 'personal' = 'personal', isPublic = false): string => {
    const text = `${what.replaceAll(' ', '-')}-${digest(`${what} of ${name}`).slice(0, 20)}`
    canaries.add({ name: `${what} of ${name}`, text, kind, owner: accountId, isPublic })
    return text
  }
  canaries.add({ name: `the session token of ${name}`, text: token.split('.')[2] ?? '', kind: 'secret', owner: accountId })
  const keys: string[] = []
  const call = async <Schema extends z.ZodType>(method: string, path: string, body: object | null, schema: Schema,
    auth = token) => {
    const key = digest(`${method} ${path} of ${name}`).slice(0, 24)
    if (method === 'POST') keys.push(key)
    const headers: Sent['headers'] = { Authorization: `Bearer ${auth}`, Accept: 'application/json',
      ...(method === 'POST' && { 'Idempotency-Key': key }) }
    const sent = { method, path, headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }) }
    const answer = await askPatiently(server.ask, sent)
    if (answer.status < 200 || answer.status > 299) {
      const said = `${answer.status} ${answer.fault ?? answer.text}`
      throw new Error(`${name} could not be furnished: ${method} ${path} answered ${said}`)
    }
    const parsed: unknown = answer.headers['content-type']?.includes('json') ? JSON.parse(answer.text) : answer.text
    return schema.parse(parsed)
  }

  const { checkoutId } = await call('POST', '/api/billing/checkout', { plan: 'growth', interval: 'month', processor },
    checkoutSchema)
  const checkout = await openCheckoutOf(owner, accountId)
  if (checkout === null || !twin.dialect(processor).control.pay(checkout.processorCheckoutId,
    'good')) throw new Error('The purchase failed.')
  await call('GET', `/api/billing/checkout/${checkoutId}`, null, checkoutSchema)
  const { data: [invoice] } = await call('GET', '/api/billing/invoices', null, invoicesSchema)

  const bot = { name: own('chatbot name', 'personal', true), instructions: own('instructions'),
    welcomeMessage: own('welcome', 'personal', true) }
  const { chatbotId = '' } = await call('POST', '/api/chatbots', bot, created)
  await call('POST', '/api/chatbots/', { name: own('name of a second chatbot') }, created)
  const at = `/api/chatbots/${chatbotId}`
  const text = `# Refunds\n\nRefunds take 14 days, says ${own('document text')}.`
  const { documentId = '' } = await call('POST', `${at}/documents`, { name: `${own('document name')}.md`, text }, created)
  await call('POST', `${at}/documents/`, { name: `${own('name of a second document')}.md`,
    text: own('text of a second document') }, created)
  const { conversationId = '' } = await call('POST', `${at}/conversations`, { title: own('title') }, created)
  await call('POST', `${at}/conversations/`, { title: own('title of a second conversation') }, created)
  const question = { content: `How long do refunds take? ${own('question')}` }
  const { message } = await call('POST', `${at}/conversations/${conversationId}/messages`, question, answered)

  const { widgetKey, identitySecret } = await call('GET', `${at}/widget`, null, widgetSchema)
  canaries.add({ name: `the identity secret of ${name}`, text: identitySecret, kind: 'secret', owner: accountId })
  await call('PATCH', `${at}/widget`, { enabled: true, identityRequired: true,
    unavailableMessage: own('apology', 'personal', true) }, widgetSchema)
  const userId = own('visitor id')
  const signature = createHmac('sha256', identitySecret).update(userId).digest('hex')
  const visit = () => call('POST', `/widget/${widgetKey}/visits`, { identity: { userId, signature } }, visitSchema, 'none')
  const visitorToken = (await visit()).token
  canaries.add({ name: `the visitor's token of ${name}`, text: visitorToken, kind: 'secret', owner: accountId })
  await call('POST', `/widget/${widgetKey}/messages`, { content: own('question of a visitor') }, z.string(), visitorToken)
  const visitorMessages = (await visit()).messages

  const cursors: string[] = []
  for (const list of ['/api/chatbots', `${at}/documents`, `${at}/conversations`, '/api/usage/events']) {
    const { nextCursor } = await call('GET', `${list}?limit=1`, null, pageSchema)
    if (nextCursor !== null) cursors.push(nextCursor)
  }
  const { rows: [event] } = await owner.query<{ id: string }>(
    'select id from app.webhook_events where account_id = $1 and processor = $2 order by id limit 1',
    [accountId, processor]
  )
  const { rows: [run] } = await owner.query<{ run_id: string }>('select run_id from api.begin_reconciliation($1)', [processor])
  const { rows: [asked] } = await owner.query<{ id: string }>(
    `select id from app.messages where account_id = $1 and conversation_id = $2 and role = 'user' limit 1`,
    [accountId, conversationId]
  )
  return {
    accountId, processor, token, visitorToken, cursors, keys,
    ids: {
      accountId, account: accountId, chatbotId, documentId, conversationId, messageId: message.messageId, checkoutId,
        checkout: checkoutId,
      // Nothing is billed in a trial of Razorpay's.
      invoiceId: invoice?.invoiceId ?? `inv_${digest(`invoice of ${name}`).slice(0, 14)}`, widgetKey, processor,
        eventId: event?.id ?? '', runId: run?.run_id ?? '',
      // The place of a passage, and a file of the documentation.
      around: '1', file: 'swagger-ui.css'
    },
    otherIds: { question: asked?.id ?? '', visitorsAnswer: visitorMessages.at(-1)?.messageId ?? '',
      visitorsQuestion: visitorMessages[0]?.messageId ?? '' }
  }
}
