import { Paper, Skeleton, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useApi } from '../lib/api-context.tsx'
import { usageQuery } from '../lib/queries.ts'
import type { LedgerFilter } from './ledger-filter.ts'
import { ProblemAlert } from './problem-alert.tsx'
import { UsageMeter } from './usage-meter.tsx'

const HEIGHT_PX = 620

/** UsageMeters shows every limit of the account. */
export function UsageMeters({ onOpenLedger }: { onOpenLedger?: ((filter: LedgerFilter) => void) | undefined }) {
  const { data, error, refetch } = useQuery(usageQuery(useApi()))
  if (data === undefined && error !== null) {
    return <ProblemAlert title="The usage could not be read" error={error} onRetry={() => void refetch()} />
  }
  if (data === undefined) return <Skeleton role="status" h={HEIGHT_PX} aria-label="Loading the usage" />
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="parley-limits">
      <Title order={2} id="parley-limits">Limits</Title>
      {data.metrics.map(({ metric }) => (
        <UsageMeter key={metric} metric={metric} {...(onOpenLedger && { onOpenLedger })} />
      ))}
    </Paper>
  )
}
