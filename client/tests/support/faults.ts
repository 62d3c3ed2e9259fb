import type { BrowserContext } from 'playwright-core'

/** Tolerated is what a test brings about on purpose: HTTP statuses, and requests that reach nobody. */
export type Tolerated = { statuses?: readonly number[]; offline?: boolean; refusedFrames?: boolean }

// The browser repeats every bad status as an error of its own; the statuses are watched themselves.
const STATUS_LINE = /^Failed to load resource: the server responded with a status of/
const NETWORK_LINE = /net::ERR_|Failed to load resource/

/**
 * watchFaults collects what must not happen on a page: errors on the console (a breach of the Content-Security-Policy is one),
 * exceptions, answers of 400 and more, and requests to another origin than `origins`.
 */
export function watchFaults(context: BrowserContext, origins: ReadonlySet<string>, tolerated: Tolerated): string[] {
  const faults: string[] = []
  context.on('console', (message) => {
    const text = message.text()
    if (message.type() !== 'error' || STATUS_LINE.test(text)) return
    if (tolerated.offline === true && NETWORK_LINE.test(text)) return
    if (tolerated.refusedFrames === true && text.includes('frame-ancestors')) return
    faults.push(`console: ${text} (${message.location().url})`)
  })
  context.on('weberror', (error) => faults.push(`exception: ${error.error().stack ?? error.error().message}`))
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (/^https?:|^wss?:/.test(protocol) && !origins.has(origin)) faults.push(`request to ${request.url()}`)
  })
  context.on('response', (response) => {
    const status = response.status()
    if (status < 400 || tolerated.statuses?.includes(status) === true) return
    faults.push(`${status} from ${response.request().method()} ${response.url()}`)
  })
  return faults
}
