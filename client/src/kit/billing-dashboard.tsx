import { Group, Tabs } from '@mantine/core'
import { useState } from 'react'
import { BillingOverview } from './billing-overview.tsx'
import { InvoiceList } from './invoice-list.tsx'
import type { LedgerFilter } from './ledger-filter.ts'
import { PlanSelector } from './plan-selector.tsx'
import { RefreshBar } from './refresh-bar.tsx'

const TABS = ['usage', 'plans', 'invoices'] as const

/**
 * BillingDashboard is all of an account's billing in one place: the plan, its limits, the plans there are, and the invoices.
 * `onChangePlan` leads elsewhere instead of to the tab of plans, `onManagePayment` elsewhere instead of to the processor's page;
 * with `onOpenLedger` the numbers are buttons that lead to the rows behind them.
 */
export function BillingDashboard({ onChangePlan, onManagePayment, onOpenLedger }: {
  onChangePlan?: () => void
  onManagePayment?: () => void
  onOpenLedger?: (filter: LedgerFilter) => void
}) {
  const [tab, setTab] = useState<(typeof TABS)[number]>('usage')
  return (
    <Tabs value={tab} onChange={(value) => setTab(TABS.find((one) => one === value) ?? 'usage')} keepMounted={false}>
      <Group justify="space-between" mb="md">
        <Tabs.List aria-label="Billing">
          <Tabs.Tab value="usage">Usage</Tabs.Tab>
          <Tabs.Tab value="plans">Plans</Tabs.Tab>
          <Tabs.Tab value="invoices">Invoices</Tabs.Tab>
        </Tabs.List>
        <RefreshBar />
      </Group>
      <Tabs.Panel value="usage">
        <BillingOverview
          onChangePlan={onChangePlan ?? (() => setTab('plans'))}
          onManagePayment={onManagePayment}
          onOpenLedger={onOpenLedger}
        />
      </Tabs.Panel>
      <Tabs.Panel value="plans"><PlanSelector onChanged={() => setTab('usage')} /></Tabs.Panel>
      <Tabs.Panel value="invoices"><InvoiceList /></Tabs.Panel>
    </Tabs>
  )
}
