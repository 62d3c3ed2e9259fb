import { type Agent, request } from 'node:http'

/** WebhookRequest is one HTTP request of a delivery; `timeoutMs` is for the whole of it. */
export type WebhookRequest = { url: string; body: string; headers: Record<string, string>; timeoutMs: number; agent: Agent; signal: AbortSignal }

/** WebhookAnswer: `status` of the answer, or null and the reason why there was none. */
export type WebhookAnswer = { status: number | null; reason: string }

/** postWebhook sends it and reads the answer to its end. Never rejects. */
export async function postWebhook(webhook: WebhookRequest): Promise<WebhookAnswer> {
  const first = await post(webhook)
  // The receiver closed a kept connection at that very moment: nothing was delivered, and no processor counts it.
  return first === 'stale' ? asAnswer(await post(webhook)) : first
}

function asAnswer(answer: WebhookAnswer | 'stale'): WebhookAnswer {
  return answer === 'stale' ? { status: null, reason: 'the connection was closed' } : answer
}

function post({ url, body, headers, timeoutMs, agent, signal }: WebhookRequest): Promise<WebhookAnswer | 'stale'> {
  const given = Object.entries({ 'content-type': 'application/json', ...lowerCased(headers) })
  const bytes = Buffer.from(body)
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const req = request(url, {
      method: 'POST',
      agent,
      signal: limit,
      headers: { ...Object.fromEntries(given), 'content-length': String(bytes.length) }
    })
    const fail = (error: Error): void => {
      if (limit.aborted) resolve({ status: null, reason: signal.aborted ? 'the twin was stopped' : `no answer within ${timeoutMs} ms` })
      else if (req.reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) resolve('stale')
      else resolve({ status: null, reason: error.message || error.name })
    }
    req.on('error', fail)
    req.on('response', (res) => {
      res.on('error', fail)
      res.on('end', () => resolve({ status: res.statusCode ?? null, reason: `status ${res.statusCode}` }))
      res.resume()
    })
    req.end(bytes)
  })
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
