import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import {
  adminAccountDetailSchema,
  adminAccountSchema,
  doctorSchema,
  driftSchema,
  inboxDetailSchema,
  inboxEventSchema,
  type inboxQuerySchema,
  reconciliationRunSchema
} from '../../../../server/src/contract/admin.ts'
import { pageOf } from '../../../../server/src/contract/page.ts'
import type { Api } from '../../lib/api.ts'

const PAGE = 50
const MOST_OF_A_PAGE = 100

/** InboxFilter is what the inbox is narrowed to. */
export type InboxFilter = Omit<z.output<typeof inboxQuerySchema>, 'limit' | 'cursor'>

/** EventName is what a delivery is called by. */
export type EventName = { processor: string; eventId: string }

const accountPageSchema = pageOf(adminAccountSchema)
const inboxPageSchema = pageOf(inboxEventSchema)
const runPageSchema = pageOf(reconciliationRunSchema)
const driftPageSchema = pageOf(driftSchema)

// Operators look because something happens just now: nothing read before is shown as if it were new.
const FRESH = { staleTime: 0 }

const paged = {
  ...FRESH,
  initialPageParam: undefined as string | undefined,
  getNextPageParam: ({ nextCursor }: { nextCursor: string | null }) => nextCursor ?? undefined
}

/** accountsQuery: all accounts, the newest first. */
export const accountsQuery = (api: Api, search: string | undefined) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ['admin', 'accounts', { search }],
    queryFn: ({ signal, pageParam }) =>
      api.get(accountPageSchema, '/api/admin/accounts', { search, limit: PAGE, cursor: pageParam }, signal),
    placeholderData: keepPreviousData
  })

/** accountQuery: one account with its meters, subscriptions and last deliveries. */
export const accountQuery = (api: Api, accountId: string) =>
  queryOptions({
    ...FRESH,
    queryKey: ['admin', 'account', accountId],
    queryFn: ({ signal }) => api.get(adminAccountDetailSchema, `/api/admin/accounts/${encodeURIComponent(accountId)}`, {}, signal)
  })

/** inboxQuery: the deliveries, the newest first. */
export const inboxQuery = (api: Api, filter: InboxFilter) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ['admin', 'inbox', filter],
    queryFn: ({ signal, pageParam }) =>
      api.get(inboxPageSchema, '/api/admin/inbox', { ...filter, limit: PAGE, cursor: pageParam }, signal),
    placeholderData: keepPreviousData
  })

/** inboxCountQuery: how many deliveries have a status; `isMore` where there are more than were counted. */
export const inboxCountQuery = (api: Api, status: NonNullable<InboxFilter['status']>) =>
  queryOptions({
    ...FRESH,
    queryKey: ['admin', 'inbox-count', status],
    queryFn: async ({ signal }) => {
      const page = await api.get(inboxPageSchema, '/api/admin/inbox', { status, limit: MOST_OF_A_PAGE }, signal)
      return { count: page.data.length, isMore: page.nextCursor !== null }
    }
  })

/** eventPath is the address of a delivery at the server. */
export function eventPath({ processor, eventId }: EventName): string {
  return `/api/admin/inbox/${encodeURIComponent(processor)}/${encodeURIComponent(eventId)}`
}

/** eventQuery: one delivery with its payload. */
export const eventQuery = (api: Api, name: EventName) =>
  queryOptions({
    ...FRESH,
    queryKey: ['admin', 'event', name.processor, name.eventId],
    queryFn: ({ signal }) => api.get(inboxDetailSchema, eventPath(name), {}, signal)
  })

/** runsQuery: the reconciliation runs, the newest first. */
export const runsQuery = (api: Api) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ['admin', 'runs'],
    queryFn: ({ signal, pageParam }) =>
      api.get(runPageSchema, '/api/admin/reconciliation', { limit: MOST_OF_A_PAGE, cursor: pageParam }, signal)
  })

/** driftsQuery: what a run found to differ. */
export const driftsQuery = (api: Api, runId: string) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ['admin', 'drifts', runId],
    queryFn: ({ signal, pageParam }) =>
      api.get(driftPageSchema, `/api/admin/reconciliation/${encodeURIComponent(runId)}/drifts`, { limit: PAGE, cursor: pageParam }, signal)
  })

/** doctorQuery: every check, run when it is asked. It is not repeated by itself: the checks cost the database something. */
export const doctorQuery = (api: Api) =>
  queryOptions({
    ...FRESH,
    queryKey: ['admin', 'doctor'],
    queryFn: ({ signal }) => api.get(doctorSchema, '/api/admin/doctor', {}, signal),
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false
  })
