import { Code, Group, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useApi } from '../../lib/api-context.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { runsQuery } from './admin-queries.ts'
import { AsOf } from './as-of.tsx'
import { LastReconciled } from './last-reconciled.tsx'
import { RunsTable } from './runs-table.tsx'
import { MoreButton, NothingThere, TableSkeleton } from './table-states.tsx'

const RUNNING_MS = 3000

/** ReconciliationPage lists each time a processor was asked what had happened, and says when that last came to its end. */
export function ReconciliationPage() {
  const list = useInfiniteQuery({
    ...runsQuery(useApi()),
    refetchInterval: ({ state: { data: read } }) => (read?.pages[0]?.data.some(({ status }) => status === 'running') ? RUNNING_MS : false)
  })
  const { data, error, refetch, isFetching, isFetchingNextPage, dataUpdatedAt } = list
  const runs = data?.pages.flatMap((page) => page.data) ?? []
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Reconciliation</Title>
        {data !== undefined && <AsOf readAtMs={dataUpdatedAt} isReading={isFetching && !isFetchingNextPage} onRefresh={() => void refetch()} />}
      </Group>
      <Text c="dimmed">
        Every hour the server asks the payment processors what happened, compares, and makes good what never
        arrived. <Code>npm run reconcile</Code> does it at once; with <Code>--dry-run</Code> it only tells what differs.
      </Text>
      {error !== null && <AdminProblem title="The runs could not be read" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <TableSkeleton label="Loading the runs" />}
      {data !== undefined && runs.length === 0 && (
        <NothingThere title="No run yet" description="The first one starts within the hour, for each processor that has an API key." />
      )}
      {runs.length > 0 && (
        <>
          <LastReconciled runs={runs} hasOlder={list.hasNextPage} nowMs={dataUpdatedAt} />
          <section>
            <Title order={2} mb="xs">Runs</Title>
            <RunsTable runs={runs} />
          </section>
        </>
      )}
      <MoreButton label="Show older runs" list={list} />
    </Stack>
  )
}
