import { Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReconciliationRun } from '../../../../server/src/contract/admin.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatNumber } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { driftsQuery, runsQuery } from './admin-queries.ts'
import { processorName } from './admin-words.ts'
import { DriftsTable } from './drifts-table.tsx'
import { Facts } from './facts.tsx'
import { LastError } from './last-error.tsx'
import { RunStatusBadge } from './run-status.tsx'
import { MoreButton, NothingThere, TableSkeleton } from './table-states.tsx'

/** RunPage shows what one reconciliation run found to differ, as ours and theirs. */
export function RunPage() {
  const { runId } = useParams({ from: '/admin/reconciliation/$runId' })
  const api = useApi()
  const { data: runs } = useInfiniteQuery(runsQuery(api))
  const list = useInfiniteQuery(driftsQuery(api, runId))
  const { data, error, refetch } = list
  const drifts = data?.pages.flatMap((page) => page.data) ?? []
  // Only the newest runs are read here; of an older one that was opened by its address the facts are missing.
  const run = runs?.pages.flatMap((page) => page.data).find((one) => one.runId === runId)
  return (
    <Stack maw={1080} gap="lg">
      <AnchorLink to="/admin/reconciliation" size="sm">All runs</AnchorLink>
      <Title order={1}>{run === undefined ? 'Run' : `Run of ${processorName(run.processor)}`}</Title>
      {error !== null && <AdminProblem title="What differed could not be read" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <TableSkeleton label="Loading what differed" />}
      {data !== undefined && (
        <>
          {run === undefined ? <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>{runId}</Text> : <RunFacts run={run} />}
          <section>
            <Title order={2} mb="xs">What differed</Title>
            {drifts.length > 0 && <DriftsTable drifts={drifts} />}
            {drifts.length === 0 && run?.status === 'running' && <Text size="sm">Nothing so far; the run goes on.</Text>}
            {drifts.length === 0 && run?.status === 'failed' && (
              <Text size="sm">Nothing until the run failed. It did not compare everything.</Text>
            )}
            {drifts.length === 0 && run?.status !== 'running' && run?.status !== 'failed' && (
              <NothingThere title="Nothing differed" description="What Parley had stored is what the processor says." />
            )}
          </section>
          <MoreButton label="Show more" list={list} />
        </>
      )}
    </Stack>
  )
}

function RunFacts({ run }: { run: ReconciliationRun }) {
  return (
    <>
      <Facts
        facts={[
          ['Status', <RunStatusBadge key="status" status={run.status} />],
          ['Since', <LocalTime key="since" instant={run.since} as="zoned" />],
          ['Dry run', run.dryRun ? 'Yes: nothing is corrected' : 'No'],
          ['Compared', formatNumber(run.entries)],
          ['Fields that differ', formatNumber(run.drifts)],
          ['Corrected', formatNumber(run.corrections)],
          ['Started', <LocalTime key="started" instant={run.startedAt} as="zoned" />],
          ['Finished', run.finishedAt !== null && <LocalTime key="finished" instant={run.finishedAt} as="zoned" />],
          ['Id', run.runId]
        ]}
      />
      {run.lastError !== null && <LastError error={run.lastError} isPast={run.status === 'done'} />}
    </>
  )
}
