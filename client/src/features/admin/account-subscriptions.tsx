import { Table, Text } from '@mantine/core'
import type { AdminAccountDetail } from '../../../../server/src/contract/admin.ts'
import { processorName, words } from './admin-words.ts'
import { TableTime } from './table-time.tsx'
import { WideTable } from './wide-table.tsx'

const WIDTH_PX = 860
const HEADINGS = ['Subscription', 'Processor', 'Plan', 'Status', 'In force', 'Period', 'As of']

/** AccountSubscriptions lists every subscription the processors told of, with the moment of the fact behind each. */
export function AccountSubscriptions({ subscriptions }: { subscriptions: AdminAccountDetail['subscriptions'] }) {
  if (subscriptions.length === 0) return <Text size="sm">There was never one: the account is on the free plan.</Text>
  return (
    <WideTable label="Subscriptions" minWidth={WIDTH_PX} headings={HEADINGS}>
      {subscriptions.map(({ processor, subscriptionId, status, plan, inForce, periodStart, periodEnd, asOf }) => (
        <Table.Tr key={`${processor} ${subscriptionId}`}>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{subscriptionId}</Table.Td>
          <Table.Td>{processorName(processor)}</Table.Td>
          <Table.Td>{plan ?? '–'}</Table.Td>
          <Table.Td>{words(status)}</Table.Td>
          <Table.Td>{inForce ? 'Yes' : 'No'}</Table.Td>
          <Table.Td>
            <TableTime instant={periodStart} />
            {periodEnd !== null && <> to <TableTime instant={periodEnd} /></>}
          </Table.Td>
          <Table.Td><TableTime instant={asOf} /></Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
