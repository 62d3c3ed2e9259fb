import Razorpay from 'razorpay'
import { z } from 'zod'
import { faultsOf } from '../../payload.ts'
import { AnswerUnknown } from '../../processor.ts'
import { faultOf } from './refusal.ts'

const TIMEOUT_MS = 10_000

/**
 * RazorpayAccess is how to reach the API. `apiUrl` replaces https://api.razorpay.com; `timeoutMs` is for whole answers: of
 * one request ({@link createClient}) or of all requests of a call together ({@link startCall}).
 */
export type RazorpayAccess = { keyId: string; keySecret: string; apiUrl?: string | undefined; timeoutMs?: number | undefined }

/** RazorpayClient asks Razorpay through its SDK. Every answer passes a schema; every fault is one of the port's two. */
export type RazorpayClient = {
  ask<Shape extends z.ZodType>(call: (sdk: Razorpay) => Promise<unknown>, shape: Shape): Promise<z.output<Shape>>
}

/** The SDK's own HTTP client (an axios instance), which it does not speak of in its types: razorpay is pinned to 2.9.8. */
type HttpClient = {
  defaults: { baseURL: string; maxRedirects: number }
  interceptors: { request: { use(change: (config: { signal?: AbortSignal }) => object): void } }
}

/** createClient makes a client for any number of requests; each has `timeoutMs` for itself. */
export function createClient(access: RazorpayAccess): RazorpayClient {
  const { timeoutMs = TIMEOUT_MS } = access
  return clientWith(access, () => timeoutMs)
}

/**
 * startCall makes a client for one call of the port and begins its time, which all its requests share: each is given what is
 * left. A request that is given up on may still take effect; none is sent after it.
 */
export function startCall(access: RazorpayAccess): RazorpayClient {
  const { timeoutMs = TIMEOUT_MS } = access
  const endMs = performance.now() + timeoutMs
  return clientWith(access, () => {
    const leftMs = Math.floor(endMs - performance.now())
    if (leftMs < 1) throw new AnswerUnknown(`Razorpay did not answer within ${timeoutMs} ms.`)
    return leftMs
  })
}

/** The SDK has no setting for its address nor for a timeout: both go to its HTTP client. `timeLeftMs` throws when none is. */
function clientWith({ keyId, keySecret, apiUrl }: RazorpayAccess, timeLeftMs: () => number): RazorpayClient {
  const sdk = new Razorpay({ key_id: keyId, key_secret: keySecret })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- internal; without it no test reaches its server
  const { rq } = sdk.api as unknown as { rq: HttpClient }
  if (apiUrl !== undefined) rq.defaults.baseURL = apiUrl.replace(/\/$/, '')
  // A redirect would carry the credentials along.
  rq.defaults.maxRedirects = 0
  rq.interceptors.request.use((config) => Object.assign(config, { signal: AbortSignal.timeout(timeLeftMs()) }))
  return {
    async ask(call, shape) {
      // The SDK would hide what its HTTP client's part of this throws.
      timeLeftMs()
      let answer: unknown
      try {
        answer = await call(sdk)
      } catch (error) {
        throw faultOf(error)
      }
      const parsed = shape.safeParse(answer)
      if (!parsed.success) throw new AnswerUnknown(`Razorpay answered in an unknown shape: ${faultsOf(parsed.error)}`)
      return parsed.data
    }
  }
}

/** page is an answer with a list, whose entries are parsed one by one: one that cannot be read must not hide the others. */
export const page = z.object({ entity: z.literal('collection'), items: z.array(z.unknown()) })

/** PAGE_SIZE is the most entries Razorpay gives at once. */
export const PAGE_SIZE = 100
