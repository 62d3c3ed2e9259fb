import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query'
import { billingPlansSchema } from '../../../server/src/contract/billing-plans.ts'
import { chatbotSchema } from '../../../server/src/contract/chatbots.ts'
import { meSchema } from '../../../server/src/contract/me.ts'
import { pageOf } from '../../../server/src/contract/page.ts'
import { subscriptionSchema } from '../../../server/src/contract/subscription.ts'
import { usageSchema } from '../../../server/src/contract/usage.ts'
import { type Api, ApiProblem } from './api.ts'

const chatbotPageSchema = pageOf(chatbotSchema)
const MOST_RETRIES = 3

/** createQueryClient: only what may work a second later is tried again; a verdict about a quota never is. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => failures < MOST_RETRIES && !(error instanceof ApiProblem && error.problem.status < 500),
        retryDelay: (failures, error) =>
          error instanceof ApiProblem && error.retryAfterSeconds !== null ? error.retryAfterSeconds * 1000 : 500 * 2 ** failures
      }
    }
  })
}

/** meQuery: who is signed in. */
export const meQuery = (api: Api) => queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => api.get(meSchema, '/api/me', {}, signal) })

/** usageQuery: every meter. Invalidate it whenever something was used, added or deleted. */
export const usageQuery = (api: Api) =>
  queryOptions({ queryKey: ['usage'], queryFn: ({ signal }) => api.get(usageSchema, '/api/usage', {}, signal) })

/** subscriptionQuery: the plan in force and all that is scheduled or under way. */
export const subscriptionQuery = (api: Api) =>
  queryOptions({
    queryKey: ['subscription'],
    queryFn: ({ signal }) => api.get(subscriptionSchema, '/api/billing/subscription', {}, signal)
  })

/** plansQuery: what is sold, seen from this account. */
export const plansQuery = (api: Api) =>
  queryOptions({ queryKey: ['plans'], queryFn: ({ signal }) => api.get(billingPlansSchema, '/api/billing/plans', {}, signal) })

/** chatbotsQuery: all chatbots, the newest first, in pages of 50. */
export const chatbotsQuery = (api: Api) =>
  infiniteQueryOptions({
    queryKey: ['chatbots'],
    queryFn: ({ signal, pageParam }) => api.get(chatbotPageSchema, '/api/chatbots', { limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined
  })

/** chatbotQuery: one chatbot. */
export const chatbotQuery = (api: Api, chatbotId: string) =>
  queryOptions({
    queryKey: ['chatbots', chatbotId],
    queryFn: ({ signal }) => api.get(chatbotSchema, `/api/chatbots/${chatbotId}`, {}, signal)
  })

/** refreshBilling reads again all that a change of plan, payment or amount may have changed. */
export async function refreshBilling(client: QueryClient): Promise<void> {
  await Promise.all(
    [['usage'], ['subscription'], ['plans'], ['chatbots'], ['me'], ['invoices']].map((queryKey) => client.invalidateQueries({ queryKey }))
  )
}
