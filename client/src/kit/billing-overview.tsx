import { Stack } from '@mantine/core'
import type { LedgerFilter } from './ledger-filter.ts'
import { type PlanActions, PlanCard } from './plan-card.tsx'
import { UsageMeters } from './usage-meters.tsx'

/** BillingOverview is the plan and every limit: the part that Parley's own usage page and the kit's dashboard share. */
export function BillingOverview({ onOpenLedger, ...actions }: PlanActions & { onOpenLedger?: ((filter: LedgerFilter) => void) | undefined }) {
  return (
    <Stack>
      <PlanCard {...actions} />
      <UsageMeters onOpenLedger={onOpenLedger} />
    </Stack>
  )
}
