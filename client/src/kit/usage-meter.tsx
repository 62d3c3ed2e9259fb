import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useApi } from '../lib/api-context.tsx'
import { usageQuery } from '../lib/queries.ts'
import type { LedgerFilter } from './ledger-filter.ts'
import { MeterRow } from './meter-row.tsx'
import { ProblemAlert } from './problem-alert.tsx'

const ROW_HEIGHT_PX = 88

/**
 * UsageMeter shows one limit of the account, such as `messages`; nothing where the plan knows no such metric. Several of them on
 * a page ask the server once. `onOpenLedger` makes the numbers a button that leads to the rows behind them.
 */
export function UsageMeter({ metric, onOpenLedger }: { metric: string; onOpenLedger?: (filter: LedgerFilter) => void }) {
  const { data, error, refetch } = useQuery(usageQuery(useApi()))
  if (data === undefined) {
    if (error !== null) return <ProblemAlert title="The usage could not be read" error={error} onRetry={() => void refetch()} />
    return <Skeleton role="status" h={ROW_HEIGHT_PX} aria-label="Loading the usage" />
  }
  const meter = data.metrics.find((one) => one.metric === metric)
  if (meter === undefined) return null
  const windowStart = meter.kind === 'counter' ? data.windowStart : null
  return (
    <MeterRow
      meter={meter}
      onOpenRows={onOpenLedger && (() => onOpenLedger({ metric, ...(windowStart !== null && { windowStart }) }))}
    />
  )
}
