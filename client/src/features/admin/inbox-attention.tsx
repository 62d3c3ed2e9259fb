import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useApi } from '../../lib/api-context.tsx'
import { formatNumber } from '../../lib/format.ts'
import { CheckIcon, WarningIcon } from '../../lib/icons.tsx'
import { inboxCountQuery } from './admin-queries.ts'
import type { EventStatus } from './event-words.ts'

type Counted = { count: number; isMore: boolean }

/** InboxAttention counts the deliveries that need somebody, of all accounts, and shows them at one press. */
export function InboxAttention({ status, refetchInterval, onChoose }: {
  status: EventStatus | undefined
  refetchInterval: number | false
  onChoose: (status: EventStatus) => void
}) {
  const api = useApi()
  const { data: dead } = useQuery({ ...inboxCountQuery(api, 'dead'), refetchInterval })
  const { data: failed } = useQuery({ ...inboxCountQuery(api, 'failed'), refetchInterval })
  if (dead === undefined || failed === undefined) return <Group mih={36} />
  const isCalm = dead.count + failed.count === 0
  const button = (counted: Counted, wanted: EventStatus, meaning: string) => counted.count > 0 && (
    <Button variant={status === wanted ? 'filled' : 'default'} size="xs" aria-pressed={status === wanted} onClick={() => onChoose(wanted)}>
      {formatNumber(counted.count)}
      {counted.isMore && ' or more'} {meaning}
    </Button>
  )
  return (
    <Group gap="xs" mih={36} role="group" aria-label="What needs attention">
      <Group gap="xs" wrap="nowrap">
        <span style={{ display: 'inline-flex', flexShrink: 0 }}>{isCalm ? <CheckIcon /> : <WarningIcon />}</span>
        <Text size="sm" role="status">{isCalm ? 'Nothing needs attention: no delivery is failed or dead.' : 'Needs attention:'}</Text>
      </Group>
      {button(dead, 'dead', 'dead, waiting for a decision')}
      {button(failed, 'failed', 'failed, tried again by itself')}
    </Group>
  )
}
