// The entry of the library that `npm run build:kit` makes: no index of this folder but the few things another app may rely on,
// and what must happen before any of them is used.
import '@mantine/core/styles.css'
import { z } from 'zod'

// Zod would otherwise try to compile code from text, which the Content-Security-Policy of a host may forbid.
z.config({ jitless: true })

export { BillingDashboard } from './billing-dashboard.tsx'
export { InvoiceList } from './invoice-list.tsx'
export type { LedgerFilter } from './ledger-filter.ts'
export { ParleyProvider } from './parley-provider.tsx'
export { PlanSelector } from './plan-selector.tsx'
export { UsageMeter } from './usage-meter.tsx'
