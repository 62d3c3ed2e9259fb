import type { ReconciliationRun } from '../../../../server/src/contract/admin.ts'
import { CheckIcon, RefreshIcon, WarningIcon } from '../../lib/icons.tsx'
import { StatusBadge, type StatusLook } from './status-badge.tsx'

const LOOKS: Record<ReconciliationRun['status'], StatusLook> = {
  running: { color: 'blue', icon: RefreshIcon },
  done: { color: 'green', icon: CheckIcon },
  failed: { color: 'red', icon: WarningIcon }
}

/** RunStatusBadge tells how a run stands by word, sign and colour. */
export function RunStatusBadge({ status }: { status: ReconciliationRun['status'] }) {
  return <StatusBadge look={LOOKS[status]}>{status}</StatusBadge>
}
