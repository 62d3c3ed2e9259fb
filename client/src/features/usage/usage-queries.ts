import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { usageEventsSchema, usageHistorySchema } from '../../../../server/src/contract/usage-history.ts'
import type { LedgerFilter } from '../../kit/ledger-filter.ts'
import type { Api } from '../../lib/api.ts'

/** HistoryFilter is one counter in one window; the current one where none is named. */
export type HistoryFilter = { metric: string; windowStart?: string | undefined }

/** historyQuery: one counter day by day. Below the key of the meters, so that both are read again together. */
export const historyQuery = (api: Api, filter: HistoryFilter) =>
  queryOptions({
    queryKey: ['usage', 'history', filter],
    queryFn: ({ signal }) => api.get(usageHistorySchema, '/api/usage/history', filter, signal),
    placeholderData: keepPreviousData
  })

/** ledgerQuery: the rows behind the meters, the newest first, in pages of 50. */
export const ledgerQuery = (api: Api, filter: LedgerFilter) =>
  infiniteQueryOptions({
    queryKey: ['usage', 'events', filter],
    queryFn: ({ signal, pageParam }) => api.get(usageEventsSchema, '/api/usage/events', { ...filter, limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined
  })
