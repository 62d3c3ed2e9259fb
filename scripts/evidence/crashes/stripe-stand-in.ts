import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Scenario } from '../../webhook/scenario.ts'
import { stripeSubscription } from '../../webhook/stripe-events.ts'

/**
 * StripeStandIn knows subscriptions and cancels them at the end of their period, once per Idempotency-Key; that is all of
 * Stripe that the points of an operation need. `silence` does the next cancellation without answering and resolves when it
 * is done; `effectCount` is how often a subscription was changed.
 */
export type StripeStandIn = {
  url: string
  add(scenario: Scenario): void
  silence(subscriptionId: string): Promise<void>
  effectCount(subscriptionId: string): number
  stop(): Promise<void>
}

type Known = { scenario: Scenario; keys: Set<string>; onSilenced: (() => void) | null }

/** startStripeStandIn starts it on a free port of 127.0.0.1. */
export async function startStripeStandIn(): Promise<StripeStandIn> {
  const subscriptions = new Map<string, Known>()
  const server = createServer((req, res) => void answer(subscriptions, req, res).catch(() => res.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The stand-in has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    add: (scenario) => void subscriptions.set(scenario.subscriptionId, { scenario, keys: new Set(), onSilenced: null }),
    silence(subscriptionId) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const known = subscriptions.get(subscriptionId)
      if (known !== undefined) known.onSilenced = resolve
      return promise
    },
    effectCount: (subscriptionId) => subscriptions.get(subscriptionId)?.keys.size ?? 0,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

async function answer(subscriptions: Map<string, Known>, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of req) parts.push(Buffer.from(z.instanceof(Uint8Array).parse(part)))
  const known = subscriptions.get(/^\/v1\/subscriptions\/([^/?]+)/.exec(req.url ?? '')?.[1] ?? '')
  const send = (status: number, body: object): unknown => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (known === undefined) {
    send(404, { error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such subscription' } })
    return
  }
  if (req.method === 'POST') {
    if (new URLSearchParams(Buffer.concat(parts).toString()).get('cancel_at_period_end') !== 'true') {
      send(400, { error: { type: 'invalid_request_error', message: 'This stand-in only cancels at the end of a period.' } })
      return
    }
    known.keys.add(z.string().parse(req.headers['idempotency-key']))
    const { onSilenced } = known
    known.onSilenced = null
    onSilenced?.()
    if (onSilenced !== null) return
  }
  const { scenario, keys } = known
  const endsAt = Math.floor(scenario.periodEnd.getTime() / 1000)
  send(200, { ...stripeSubscription(scenario), ...(keys.size > 0 ? { cancel_at_period_end: true, cancel_at: endsAt } : {}) })
}
