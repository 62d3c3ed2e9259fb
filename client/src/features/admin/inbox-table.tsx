import { Table, Text } from '@mantine/core'
import type { InboxEvent } from '../../../../server/src/contract/admin.ts'
import { formatNumber } from '../../lib/format.ts'
import { AnchorLink } from '../../lib/links.tsx'
import { processorName } from './admin-words.ts'
import { EventStatusBadge } from './event-status.tsx'
import { TableTime } from './table-time.tsx'
import { WideTable } from './wide-table.tsx'

const WIDTH_PX = 1020
const ACCOUNT_WIDTH_PX = 240
const ERROR_WIDTH_PX = 170
const HEADINGS = ['Received', 'Processor', 'Type, kind and account', 'Status', ['Attempts', 'right'], 'Next attempt', 'Error'] as const

/** InboxTable shows deliveries; the whole error is on the page of each. */
export function InboxTable({ events }: { events: InboxEvent[] }) {
  return (
    <WideTable label="Deliveries" minWidth={WIDTH_PX} headings={HEADINGS}>
      {events.map((event) => <Row key={`${event.processor} ${event.eventId}`} event={event} />)}
    </WideTable>
  )
}

function Row({ event }: { event: InboxEvent }) {
  const { processor, eventId, eventType, kind, status, attempts, lastError, accountId, receivedAt, nextAttemptAt } = event
  return (
    <Table.Tr>
      <Table.Td><TableTime instant={receivedAt} /></Table.Td>
      <Table.Td>{processorName(processor)}</Table.Td>
      <Table.Td>
        <AnchorLink to="/admin/inbox/$processor/$eventId" params={{ processor, eventId }} preload={false} size="sm">{eventType}</AnchorLink>
        <Text size="xs" c="dimmed" maw={ACCOUNT_WIDTH_PX} truncate>{[kind, accountId].filter((known) => known !== null).join(' · ')}</Text>
      </Table.Td>
      <Table.Td><EventStatusBadge status={status} /></Table.Td>
      <Table.Td ta="right">{formatNumber(attempts)}</Table.Td>
      <Table.Td><TableTime instant={nextAttemptAt} /></Table.Td>
      <Table.Td>
        <Text size="sm" miw={ERROR_WIDTH_PX} lineClamp={2} style={{ overflowWrap: 'anywhere' }}>{lastError ?? '–'}</Text>
      </Table.Td>
    </Table.Tr>
  )
}
