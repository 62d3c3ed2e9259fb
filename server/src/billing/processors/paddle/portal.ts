import { z } from 'zod'
import type { ProcessorApi } from '../../processor.ts'
import { pathPart, readAnswer } from './connection.ts'
import type { Connection } from './connection.ts'

const session = z.object({ urls: z.object({ general: z.object({ overview: z.url() }) }) })

/**
 * portalCalls open Paddle's customer portal. The page signs the customer in by itself for a short time. Paddle's portal has
 * no way back to a page of ours: `returnUrl` is not used.
 */
export function portalCalls({ paddle, startCall }: Connection): Pick<ProcessorApi, 'portal'> {
  return {
    async portal({ customerId, subscriptionId }) {
      const subscriptionIds = subscriptionId === null ? [] : [subscriptionId]
      const made = await startCall()(() => paddle.customerPortalSessions.create(pathPart(customerId), subscriptionIds))
      return { url: readAnswer(session, made).urls.general.overview }
    }
  }
}
