import { createHash } from 'node:crypto'
import { z } from 'zod'
import { buildEvent, signatureHeader, type WebhookProcessor } from '../../webhook/delivery.ts'
import type { Scenario } from '../../webhook/scenario.ts'
import type { Secrets } from '../../embedded/secrets.ts'

/**
 * Attempt is how one request ended: acknowledged, or lost (nobody answered, or only that the service is away), or in progress
 * (another server has begun it), or unexpected, with the answer in words.
 */
export type Attempt<Acknowledged> =
  | { kind: 'acknowledged'; value: Acknowledged }
  | { kind: 'lost' }
  | { kind: 'in progress' }
  | { kind: 'unexpected'; answer: string }

/** Delivery is a signed webhook, ready to be sent; `inboxId` is its id in the inbox. */
export type Delivery = { processor: WebhookProcessor; inboxId: string; body: string; secret: string }

const LIMIT_MS = 20_000

/**
 * makeDelivery builds what the processor would send; with `names` nobody it does not say whose the subscription is. Razorpay's
 * events have no id of their own inside what is signed.
 */
export function makeDelivery(secrets: Secrets, processor: WebhookProcessor, scenario: Scenario, names: 'the account' | 'nobody'): Delivery {
  const keep = (key: string, value: unknown): unknown => (names === 'nobody' && key === 'account_id' ? undefined : value)
  const body = JSON.stringify(buildEvent(processor, scenario), keep)
  const inboxId = processor === 'razorpay' ? `body:${createHash('sha256').update(body).digest('hex')}` : scenario.eventId
  const known = { stripe: secrets.stripeWebhookSecret, paddle: secrets.paddleWebhookSecret, razorpay: secrets.razorpayWebhookSecret }
  return { processor, inboxId, body, secret: known[processor] }
}

/** deliver sends it once; it is acknowledged with its outcome. */
export function deliver(url: string, { processor, body, secret }: Delivery): Promise<Attempt<string>> {
  return attempt(`${url}/webhooks/${processor}`, signatureHeader(processor, body, secret, new Date()), body, async (response) => {
    if (response.status !== 200) return null
    return z.object({ outcome: z.string() }).parse(await response.json()).outcome
  })
}

/** charge takes an amount of a metric once; a refusal is an acknowledgement too. */
export function charge(
  url: string,
  token: string,
  { metric, amount, key }: { metric: string; amount: number; key: string }
): Promise<Attempt<{ allowed: boolean; used: number | null }>> {
  const headers = { authorization: `Bearer ${token}`, 'idempotency-key': key }
  return attempt(`${url}/api/usage`, headers, JSON.stringify({ metric, amount }), async (response) => {
    if (response.status === 402) return { allowed: false, used: null }
    if (response.status !== 200) return null
    return { allowed: true, used: z.object({ used: z.number() }).parse(await response.json()).used }
  })
}

/** Place is where a question is asked. */
export type Place = { token: string; path: string }

/** ask asks once and reads the answer to its end, which acknowledges it with its message id; `onWord` counts its words. */
export function ask(
  url: string,
  { token, path }: Place,
  { content, key }: { content: string; key: string },
  onWord: (words: number) => void = () => undefined
): Promise<Attempt<string>> {
  const headers = { authorization: `Bearer ${token}`, 'idempotency-key': key }
  return attempt(`${url}${path}`, headers, JSON.stringify({ content }), async (response) => {
    if (response.status !== 200) return null
    return readAnswer(response, onWord)
  })
}

/**
 * create posts to a resource and answers its parsed body, or null when nobody answered or only that the service is away.
 * Throws Error for any other answer than 201.
 */
export async function create<Schema extends z.ZodType>(url: string, token: string, body: object, schema: Schema): Promise<z.output<Schema> | null> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(LIMIT_MS) })
    .then(async (response) => ({ status: response.status, text: await response.text() }))
    .catch(() => null)
  if (answer === null || answer.status === 503) return null
  if (answer.status !== 201) throw new Error(`POST ${url} answered ${answer.status}: ${answer.text}`)
  return schema.parse(JSON.parse(answer.text))
}

/** cancel asks to end the subscription of the account with its period; false when nobody answered, or only that the service is away. */
export async function cancel(url: string, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ when: 'period_end' })
  const response = await fetch(`${url}/api/billing/cancel`, { method: 'POST', headers, body, signal: AbortSignal.timeout(LIMIT_MS) }).catch(() => null)
  await response?.body?.cancel()
  return response !== null && response.status !== 503
}

/** attempt sends one request; `read` answers null for what is no acknowledgement. */
async function attempt<Acknowledged>(
  address: string,
  headers: Record<string, string>,
  body: string,
  read: (response: Response) => Promise<Acknowledged | null>
): Promise<Attempt<Acknowledged>> {
  let response: Response
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(LIMIT_MS)
    })
    if (response.status === 503) {
      await response.body?.cancel()
      return { kind: 'lost' }
    }
    if (response.status === 409) {
      await response.body?.cancel()
      return { kind: 'in progress' }
    }
    const value = await read(response)
    if (value !== null) return { kind: 'acknowledged', value }
  } catch (error) {
    if (error instanceof z.ZodError) return { kind: 'unexpected', answer: error.message }
    return { kind: 'lost' }
  }
  const text = await response.text().catch(() => '')
  return { kind: 'unexpected', answer: `${new URL(address).pathname.split('/', 3).join('/')} answered ${response.status} ${text.slice(0, 300)}` }
}

const partSchema = z.looseObject({ type: z.string(), messageId: z.string().optional(), delta: z.string().optional() })

/** readAnswer is the message id of an answer that came to its end. Throws Error when the stream breaks off before. */
async function readAnswer(response: Response, onWord: (words: number) => void): Promise<string> {
  let [text, messageId, words] = ['', '', 0]
  const decoder = new TextDecoder()
  for await (const bytes of response.body ?? []) {
    const lines = (text + decoder.decode(bytes, { stream: true })).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue
      const part = partSchema.parse(JSON.parse(line.slice(6)))
      if (part.type === 'start') messageId = part.messageId ?? ''
      if (part.type === 'text-delta') {
        words += (part.delta ?? '').split('word').length - 1
        onWord(words)
      }
      if (part.type === 'finish') return messageId
    }
  }
  throw new Error('The answer broke off.')
}
