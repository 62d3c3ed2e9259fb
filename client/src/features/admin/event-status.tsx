import { CheckIcon, InfoIcon, RefreshIcon, TrashIcon, WarningIcon } from '../../lib/icons.tsx'
import { type EventStatus, readStatus } from './event-words.ts'
import { StatusBadge, type StatusLook } from './status-badge.tsx'

const LOOKS: Record<EventStatus, StatusLook> = {
  received: { color: 'blue', icon: RefreshIcon },
  processed: { color: 'green', icon: CheckIcon },
  ignored: { color: 'gray', icon: InfoIcon },
  failed: { color: 'orange', icon: RefreshIcon },
  dead: { color: 'red', icon: WarningIcon },
  discarded: { color: 'gray', icon: TrashIcon }
}

/** EventStatusBadge tells how a delivery stands by word, sign and colour. */
export function EventStatusBadge({ status }: { status: string }) {
  const known = readStatus(status)
  return <StatusBadge look={LOOKS[known ?? 'ignored']}>{known ?? status}</StatusBadge>
}
