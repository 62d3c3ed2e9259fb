import { buildEvent, signatureHeader } from './delivery.ts'
import type { WebhookProcessor } from './delivery.ts'
import { RequestError } from './request-error.ts'
import type { Scenario } from './scenario.ts'

const TIMEOUT_MS = 15_000

/** WebhookAnswer is the server's status and body. */
export type WebhookAnswer = { status: number; body: string }

/**
 * sendWebhook builds, signs and posts one event to `<url>/webhooks/<processor>`, as the processor does.
 * @throws {RequestError} when nothing answers there.
 */
export async function sendWebhook(
  processor: WebhookProcessor,
  scenario: Scenario,
  target: { url: string; secret: string }
): Promise<WebhookAnswer> {
  const body = JSON.stringify(buildEvent(processor, scenario))
  const address = `${target.url.replace(/\/+$/, '')}/webhooks/${processor}`
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...signatureHeader(processor, body, target.secret, new Date()),
        ...(processor === 'razorpay' ? { 'x-razorpay-event-id': scenario.eventId.slice(4) } : {})
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
    return { status: response.status, body: await response.text() }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new RequestError(`Nothing answers at ${address} (${cause}): start the server with npm start, or name it with --url.`)
  }
}
