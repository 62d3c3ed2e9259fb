import { Table, Text, Title } from '@mantine/core'
import type { InboxDetail } from '../../../../server/src/contract/admin.ts'
import { TableTime } from './table-time.tsx'
import { WideTable } from './wide-table.tsx'

const WIDTH_PX = 560

/** EventLog lists what operators did with a delivery: who, when and why. */
export function EventLog({ actions }: { actions: InboxDetail['actions'] }) {
  return (
    <section>
      <Title order={2} mb="xs">What operators did</Title>
      {actions.length === 0 ? (
        <Text size="sm">Nothing yet. Whoever replays or discards this delivery is noted here with the reason.</Text>
      ) : (
        <WideTable label="What operators did" minWidth={WIDTH_PX} headings={['When', 'Who', 'What', 'Reason']}>
          {actions.map(({ operatorId, action, reason, at }) => (
            <Table.Tr key={`${at} ${action} ${operatorId}`}>
              <Table.Td><TableTime instant={at} /></Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{operatorId}</Table.Td>
              <Table.Td>{action}</Table.Td>
              <Table.Td style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{reason}</Table.Td>
            </Table.Tr>
          ))}
        </WideTable>
      )}
    </section>
  )
}
