import { Group, Stack, Title } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { BillingOverview } from '../../kit/billing-overview.tsx'
import { RefreshBar } from '../../kit/refresh-bar.tsx'
import { UsageHistorySection } from './usage-history-section.tsx'

/** UsagePage shows the plan, every limit, and what used it up. */
export function UsagePage() {
  const navigate = useNavigate()
  return (
    <Stack maw={1080}>
      <Group justify="space-between">
        <Title order={1}>Usage</Title>
        <RefreshBar />
      </Group>
      <BillingOverview
        onChangePlan={() => void navigate({ to: '/settings/plans' })}
        onOpenLedger={(filter) => void navigate({ to: '/settings/billing/ledger', search: filter })}
      />
      <UsageHistorySection />
    </Stack>
  )
}
