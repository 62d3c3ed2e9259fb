import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { composeScenario, type WebhookRequest } from '../../webhook/compose.ts'
import { buildEvent, signatureHeader } from '../../webhook/delivery.ts'
import type { Ground } from '../ground.ts'
import { type CallName, METERED, type Note } from './judge.ts'

/**
 * Caller is one account at one server. `call` never throws for what comes back; a call that costs takes its `key`, or a new one;
 * `ask` asks any question and hears of its first word; `post` is any other request.
 */
export type Caller = {
  accountId: string
  conversationPath: string
  /** setup is what was made to begin with, as notes. */
  setup: Note[]
  call(name: CallName, key?: string): Promise<Note>
  ask(question: string, options: Asking): Promise<Note & { text: string }>
  post(path: string, body: object): Promise<{ status: number; text: string }>
}

type Asking = { stream: boolean; key?: string; onStart?: (messageId: string) => void }

const GIVE_UP_MS = 30_000
const made = z.looseObject({ chatbotId: z.string() })
const opened = z.looseObject({ conversationId: z.string() })
const part = z.looseObject({ type: z.string(), messageId: z.string().optional(), errorText: z.string().optional() })
const problem = z.looseObject({ code: z.string() })

type Sent = {
  call: CallName
  key: string | null
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: string
}

/** openCaller opens an account on the greatest plan, with a chatbot to talk to. Throws where the server is not well. */
export async function openCaller(ground: Ground, url: string, accountId: string, limitMs = GIVE_UP_MS): Promise<Caller> {
  const authorization = `Bearer ${ground.token(accountId)}`
  const periodStart = new Date(Math.floor(Date.now() / 1000) * 1000)
  const send = (sent: Sent, onText?: (text: string) => void) => exchange(url, authorization, sent, limitMs, onText)
  const json = (call: CallName, path: string, body: object, key: string | null, accept = 'application/json'): Sent => ({
    call, key, method: 'POST', path, body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', Accept: accept, ...(key !== null && { 'Idempotency-Key': key }) }
  })
  const deliver = (event: 'created' | 'updated', key: string): Sent => {
    const subject = { account: accountId, plan: 'enterprise', eventId: key, periodStart }
    const request: WebhookRequest = { processor: 'stripe', event, shape: 'current', ...subject }
    const body = JSON.stringify(buildEvent('stripe', composeScenario(request, null, new Date()).scenario))
    const headers = signatureHeader('stripe', body, ground.secrets.stripeWebhookSecret, new Date())
    return { call: 'webhook', key, method: 'POST', path: '/webhooks/stripe', body, headers }
  }
  const must = async (sent: Sent) => {
    let answer = await send(sent)
    // A machine with much else to do may keep even a server that lacks nothing waiting.
    const endMs = performance.now() + GIVE_UP_MS
    while (answer.note.status === 503 && performance.now() < endMs) answer = await send(sent)
    const { status } = answer.note
    if (status < 200 || status > 299) throw new Error(`${sent.method} ${sent.path} answered ${status}: ${answer.text}`)
    return answer
  }

  const subscribed = await must(deliver('created', `evt_${randomUUID()}`))
  const bot = await must(json('chatbot made', '/api/chatbots', { name: 'Helpdesk' }, randomUUID()))
  const { chatbotId } = made.parse(JSON.parse(bot.text))
  const talk = await must(json('usage read', `/api/chatbots/${chatbotId}/conversations`, { channel: 'playground' }, null))
  const { conversationId } = opened.parse(JSON.parse(talk.text))
  const conversationPath = `/api/chatbots/${chatbotId}/conversations/${conversationId}/messages`

  const ask: Caller['ask'] = async (question, { stream, key = randomUUID(), onStart }) => {
    const call = stream ? 'answer streamed' : 'answer as JSON'
    const accept = stream ? 'text/event-stream' : 'application/json'
    const sent = json(call, conversationPath, { content: question, channel: 'playground' }, key, accept)
    let isStarted = false
    const { note, text } = await send(sent, (soFar) => {
      const messageId = /"messageId":"([0-9a-f-]{36})"/.exec(soFar)?.[1]
      // Its first word, not only its beginning: what is stopped before costs nothing.
      if (isStarted || messageId === undefined || !soFar.includes('"text-delta"')) return
      isStarted = true
      onStart?.(messageId)
    })
    return { ...note, text }
  }
  const call: Caller['call'] = async (name, key = name === 'webhook' ? `evt_${randomUUID()}` : randomUUID()) => {
    switch (name) {
      case 'usage read':
        return (await send({ call: name, key: null, method: 'GET', path: '/api/usage' })).note
      case 'usage taken': {
        const { metric, units: amount } = METERED[name] ?? { metric: '', units: 0 }
        return (await send(json(name, '/api/usage', { metric, amount }, key))).note
      }
      case 'answer streamed':
      case 'answer as JSON':
        // The same key must come with the same question.
        return ask(`What about ${fingerprint(key)}?`, { stream: name === 'answer streamed', key })
      case 'chatbot made':
        return (await send(json(name, '/api/chatbots', { name: 'Another' }, key))).note
      case 'webhook':
        return (await send(deliver('updated', key))).note
      case 'readyz':
      case 'livez':
        return (await send({ call: name, key: null, method: 'GET', path: `/${name}` })).note
    }
  }
  return {
    accountId,
    conversationPath,
    setup: [subscribed.note, bot.note],
    call,
    ask,
    async post(path, body) {
      const { note, text } = await send(json('usage read', path, body, null))
      return { status: note.status, text }
    }
  }
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

async function exchange(
  url: string,
  authorization: string,
  { call, key, method, path, headers, body }: Sent,
  limitMs: number,
  onText?: (text: string) => void
): Promise<{ note: Note; text: string }> {
  const begunMs = performance.now()
  const note = (fields: Partial<Note>): Note => ({
    call, key, milliseconds: performance.now() - begunMs,
    status: 0, hasRetryAfter: false, isProblem: false, fault: null, ...fields
  })
  let text = ''
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: authorization, ...headers },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(limitMs)
    })
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(z.instanceof(Uint8Array).parse(bytes), { stream: true })
      onText?.(text)
    }
    return {
      text,
      note: note({
        status: response.status,
        hasRetryAfter: Number(response.headers.get('Retry-After')) > 0,
        isProblem: response.headers.get('Content-Type')?.startsWith('application/problem+json') ?? false,
        fault: response.headers.get('Content-Type')?.startsWith('text/event-stream') ? faultOf(text) : null
      })
    }
  } catch {
    return { text, note: note({ fault: 'a broken connection' }) }
  }
}

/** faultOf is the code of the problem a stream ended with; null when it ended well. */
function faultOf(stream: string): string | null {
  const parts = [...stream.matchAll(/^data: (\{.*\})$/gm)].map(([, data]) => part.parse(JSON.parse(data ?? '')))
  const error = parts.find(({ type }) => type === 'error')
  if (error !== undefined) return problem.parse(JSON.parse(error.errorText ?? '{}')).code
  return parts.some(({ type }) => type === 'finish' || type === 'abort') ? null : 'an end without a word'
}
