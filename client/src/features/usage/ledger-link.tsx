import type { ReactNode } from 'react'
import type { LedgerFilter } from '../../kit/ledger-filter.ts'
import { AnchorLink } from '../../lib/links.tsx'

/** LedgerLink leads from a number to the rows of the ledger it is the sum of; without a filter it is the number alone. */
export function LedgerLink({ filter, label, children }: { filter: LedgerFilter | null; label: string; children: ReactNode }) {
  if (filter === null) return children
  return (
    <AnchorLink to="/settings/billing/ledger" search={filter} preload={false} inherit aria-label={label}>
      {children}
    </AnchorLink>
  )
}
