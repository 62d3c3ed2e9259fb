import { Button, Group, NativeSelect, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useRef } from 'react'
import type { LedgerFilter } from '../../kit/ledger-filter.ts'
import type { Meter } from '../../kit/meter-state.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { useApi } from '../../lib/api-context.tsx'
import { usageQuery } from '../../lib/queries.ts'
import { FilterChips } from './filter-chips.tsx'
import { LedgerTable } from './ledger-table.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { ledgerQuery } from './usage-queries.ts'

const HEIGHT_PX = 520

/** LedgerPage lists every row behind the meters. What it is narrowed to is in the address. */
export function LedgerPage() {
  const api = useApi()
  const navigate = useNavigate()
  const heading = useRef<HTMLHeadingElement>(null)
  const filter = useSearch({ from: '/settings/billing/ledger' })
  const { data: usage } = useQuery(usageQuery(api))
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage, isFetchNextPageError } = useInfiniteQuery(ledgerQuery(api, filter))
  const metrics = usage?.metrics ?? []
  const events = data?.pages.flatMap((page) => page.data) ?? []
  const meter = metrics.find(({ metric }) => metric === filter.metric)
  const isNarrowed = Object.values(filter).some((value) => value !== undefined)
  const isWithoutBalance = meter?.kind === 'counter' && events.length > 0 && events.every(({ balanceAfter }) => balanceAfter === null)
  const newestWindow = events[0]?.windowStart ?? undefined
  const narrow = (search: LedgerFilter): void => void navigate({ to: '/settings/billing/ledger', search, replace: true, resetScroll: false })
  return (
    <Stack maw={1080}>
      <AnchorLink to="/settings/billing" search={{ metric: meter?.kind === 'counter' ? meter.metric : undefined, windowStart: filter.windowStart }} size="sm">
        Back to usage
      </AnchorLink>
      <div>
        <Title order={1} ref={heading} tabIndex={-1}>Ledger</Title>
        <Text c="dimmed">Every row behind the meters, the newest first. Rows are only ever added: a correction is a row of its own.</Text>
      </div>
      <Group align="flex-end">
        <NativeSelect
          label="What"
          value={filter.metric ?? ''}
          onChange={({ currentTarget: { value } }) => narrow(withMetric(filter, metrics.find(({ metric }) => metric === value)))}
          data={[{ value: '', label: 'Everything' }, ...metrics.map(({ metric, title }) => ({ value: metric, label: title }))]}
        />
        <FilterChips filter={filter} events={events} onChange={narrow} />
      </Group>
      {isWithoutBalance && (
        <Group gap="xs">
          <Text size="sm" c="dimmed">The balance after each row is shown for one metric in one window, without other filters.</Text>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              // The button goes away with what it asks for; the focus must not.
              heading.current?.focus()
              narrow({ metric: filter.metric, windowStart: filter.windowStart ?? newestWindow })
            }}
          >
            Show the balance
          </Button>
        </Group>
      )}
      {error !== null && <ProblemAlert title="The ledger could not be read" error={error} onRetry={() => void (isFetchNextPageError ? fetchNextPage() : refetch())} />}
      {data === undefined && error === null && <Skeleton role="status" h={HEIGHT_PX} aria-label="Loading the ledger" />}
      {data !== undefined && events.length === 0 && <Empty isNarrowed={isNarrowed} onAll={() => narrow({})} />}
      {events.length > 0 && <LedgerTable events={events} metrics={metrics} />}
      {hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>Show older rows</Button>
        </Group>
      )}
    </Stack>
  )
}

// A level has no windows, so no row of it would be in one.
function withMetric(filter: LedgerFilter, meter: Meter | undefined): LedgerFilter {
  return { ...filter, metric: meter?.metric, ...(meter?.kind === 'gauge' && { windowStart: undefined }) }
}

function Empty({ isNarrowed, onAll }: { isNarrowed: boolean; onAll: () => void }) {
  return (
    <Paper withBorder p="xl">
      <Stack align="center">
        <Text fw={600}>{isNarrowed ? 'No rows for these filters' : 'Nothing has been used yet'}</Text>
        <Text c="dimmed" ta="center">
          A row is written whenever something counts: an answer, its tokens, a chatbot, a document.
        </Text>
        {isNarrowed ? <Button variant="default" onClick={onAll}>Show everything</Button> : <Button component={Link} to="/bots">To your chatbots</Button>}
      </Stack>
    </Paper>
  )
}
