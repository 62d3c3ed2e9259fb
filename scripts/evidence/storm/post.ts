import { type Agent, request } from 'node:http'
import { signSvix } from '../../../server/src/billing/clerk/svix-signature.ts'
import type { SourceName } from '../../../server/src/billing/billing-event.ts'
import type { Secrets } from '../../embedded/secrets.ts'
import { signatureHeader } from '../../webhook/delivery.ts'
import type { Loss } from './plan.ts'

/** Answer is what the sender got: a status after `tookMs`, or none, with the reason. `lost`: it hung up on purpose. */
export type Answer = { status: number; tookMs: number } | { status: null; lost: boolean; reason: string }

const PATIENCE_MS = 15_000

/** postSigned signs the body now, sends it, and reads the answer to its end, or hangs up as `loss` says. Never rejects. */
export function postSigned(
  delivery: { url: string; source: SourceName; body: string; loss: Loss | null; deliveryId: string },
  { secrets, agent }: { secrets: Secrets; agent: Agent }
): Promise<Answer> {
  const { url, source, body, loss, deliveryId } = delivery
  const bytes = Buffer.from(body)
  return new Promise((resolve) => {
    const startMs = performance.now()
    const req = request(`${url}/webhooks/${source}`, {
      method: 'POST',
      agent,
      timeout: PATIENCE_MS,
      headers: {
        'content-type': 'application/json',
        'content-length': String(bytes.length),
        ...signed(source, bytes, secrets, deliveryId)
      }
    })
    const hangUp = (): void => {
      req.destroy()
      resolve({ status: null, lost: true, reason: 'the sender hung up' })
    }
    req.on('timeout', () => req.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)))
    req.on('error', (error) => resolve({ status: null, lost: false, reason: error.message || error.name }))
    req.on('response', (res) => {
      if (loss === 'unheard') return hangUp()
      res.on('error', (error) => resolve({ status: null, lost: false, reason: error.message }))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, tookMs: performance.now() - startMs }))
      res.resume()
    })
    if (loss === 'unread') req.on('finish', hangUp)
    req.end(bytes)
  })
}

function signed(source: SourceName, body: Buffer, secrets: Secrets, deliveryId: string): Record<string, string> {
  const now = new Date()
  switch (source) {
    case 'stripe':
      return signatureHeader(source, body, secrets.stripeWebhookSecret, now)
    case 'paddle':
      return signatureHeader(source, body, secrets.paddleWebhookSecret, now)
    case 'razorpay':
      // Its event id is not signed, and here a new one each time: it must not matter.
      return { ...signatureHeader(source, body, secrets.razorpayWebhookSecret, now), 'x-razorpay-event-id': deliveryId }
    case 'clerk': {
      const timestamp = Math.floor(now.getTime() / 1000)
      const signature = signSvix(secrets.clerkWebhookSecret, { id: deliveryId, timestamp, body })
      return { 'svix-id': deliveryId, 'svix-timestamp': String(timestamp), 'svix-signature': signature }
    }
  }
}
