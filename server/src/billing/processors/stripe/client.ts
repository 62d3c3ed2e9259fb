import Stripe from 'stripe'

/** API_VERSION is the one the SDK was made for; the type admits no other, so an SDK upgrade stops here to be looked at. */
export const API_VERSION = '2026-10-28.endive'

/** StripeClient is the SDK's client. */
export type StripeClient = Stripe

/** StripeAccess: `apiUrl` replaces https://api.stripe.com. `timeoutMs` is the longest silence of one request. */
export type StripeAccess = { apiKey: string; apiUrl?: string; timeoutMs?: number }

/**
 * createStripeClient makes the SDK's client. It retries nothing by itself but a connection that was closed under a request
 * (stripe-node, RequestSender._shouldRetry), and then with the same idempotency key; whoever calls decides on the rest.
 */
export function createStripeClient({ apiKey, apiUrl, timeoutMs = 10_000 }: StripeAccess): StripeClient {
  return new Stripe(apiKey, {
    apiVersion: API_VERSION,
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    // Telemetry about a request would travel with the next one.
    telemetry: false,
    httpClient: strictHttpClient(),
    ...(apiUrl ? serverAt(apiUrl) : {})
  })
}

/** isLiveKey: whether a secret or restricted key moves real money. */
export function isLiveKey(apiKey: string): boolean {
  return /^(sk|rk)_live_/.test(apiKey)
}

// To a body that is JSON but no object (`"busy"`, `null`) the SDK never settles: it throws where nobody can catch it. Thrown
// from here it becomes the SDK's own error for a body that is no JSON.
function strictHttpClient() {
  const client = Stripe.createNodeHttpClient()
  const makeRequest = client.makeRequest.bind(client)
  client.makeRequest = async (...request) => {
    const response = await makeRequest(...request)
    const toJSON = response.toJSON.bind(response)
    response.toJSON = async () => {
      const body: unknown = await toJSON()
      if (typeof body !== 'object' || body === null) throw new SyntaxError('the body is no JSON object')
      return body
    }
    return response
  }
  return client
}

function serverAt(apiUrl: string) {
  const url = new URL(apiUrl)
  const protocol: 'http' | 'https' = url.protocol === 'http:' ? 'http' : 'https'
  return { protocol, host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443') }
}
