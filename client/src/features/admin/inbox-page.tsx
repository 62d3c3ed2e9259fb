import { Button, Group, Stack, Switch, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useApi } from '../../lib/api-context.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { type InboxFilter, inboxQuery } from './admin-queries.ts'
import { AsOf } from './as-of.tsx'
import { InboxAttention } from './inbox-attention.tsx'
import { InboxFilters } from './inbox-filters.tsx'
import { InboxTable } from './inbox-table.tsx'
import { MoreButton, NothingThere, TableSkeleton } from './table-states.tsx'

const REFRESH_MS = 5000
const NOTHING_YET =
  'Every signed webhook is kept here before anything is done with it: payments, changed subscriptions, deleted users. ' +
  'The first one comes with the first purchase.'

/** InboxPage lists what the processors delivered; what it is narrowed to is in the address. */
export function InboxPage() {
  const filter = useSearch({ from: '/admin/inbox' })
  const [isLive, setIsLive] = useState(false)
  const refetchInterval = isLive ? REFRESH_MS : false
  const queries = useQueryClient()
  const navigate = useNavigate()
  const heading = useRef<HTMLHeadingElement>(null)
  const list = useInfiniteQuery({ ...inboxQuery(useApi(), filter), refetchInterval })
  const { data, error, refetch, isFetching, isFetchingNextPage, dataUpdatedAt } = list
  const events = data?.pages.flatMap((page) => page.data) ?? []
  const isNarrowed = Object.values(filter).some((value) => value !== undefined)
  const narrow = (search: InboxFilter): void => void navigate({ to: '/admin/inbox', search, replace: true, resetScroll: false })
  const refresh = (): void => {
    void refetch()
    void queries.invalidateQueries({ queryKey: ['admin', 'inbox-count'] })
  }
  const showAll = (): void => {
    narrow({})
    // The button that was pressed goes away.
    heading.current?.focus()
  }
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} ref={heading} tabIndex={-1}>Inbox</Title>
        {data !== undefined && (
          <Group>
            <Switch label="Refresh by itself" checked={isLive} onChange={({ currentTarget: { checked } }) => setIsLive(checked)} />
            <AsOf readAtMs={dataUpdatedAt} isReading={isFetching && !isFetchingNextPage && !isLive} onRefresh={refresh} />
          </Group>
        )}
      </Group>
      <Text c="dimmed">What the payment processors and Clerk delivered, the newest first. Each delivery is applied once at most.</Text>
      {error !== null && <AdminProblem title="The inbox could not be read" error={error} onRetry={refresh} />}
      {data === undefined && error === null && <TableSkeleton label="Loading the inbox" />}
      {data !== undefined && (
        <>
          <InboxAttention status={filter.status} refetchInterval={refetchInterval} onChoose={(status) => narrow({ status })} />
          <InboxFilters filter={filter} onChange={narrow} onRemoved={() => heading.current?.focus()} />
          {events.length === 0 && (isNarrowed ? (
            <NothingThere title="No deliveries for these filters" description="Take a filter away to see more.">
              <Button variant="default" onClick={showAll}>Show all deliveries</Button>
            </NothingThere>
          ) : (
            <NothingThere
              title="Nothing was delivered yet"
              description={NOTHING_YET}
            />
          ))}
          {events.length > 0 && <InboxTable events={events} />}
          <MoreButton label="Show older deliveries" list={list} />
        </>
      )}
    </Stack>
  )
}
