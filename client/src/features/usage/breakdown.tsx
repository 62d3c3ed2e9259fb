import { Paper, SimpleGrid, Table, Text, Title } from '@mantine/core'
import type { UsageHistory } from '../../../../server/src/contract/usage-history.ts'
import { formatAmount } from '../../lib/format.ts'
import { LedgerLink } from './ledger-link.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { groupUsage, type UsageGroup } from './usage-groups.ts'

const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 })

/** Breakdown tells what uses the most: by chatbot, with the way to give one a cap of its own, and by channel. */
export function Breakdown({ history }: { history: UsageHistory }) {
  return (
    <section aria-labelledby="most-used">
      <Title order={2} id="most-used" mb="sm">What uses the most</Title>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <GroupTable history={history} groups={groupUsage(history, 'chatbot')} heading="By chatbot" unit="Chatbot" withCaps />
        <GroupTable history={history} groups={groupUsage(history, 'channel')} heading="By channel" unit="Channel" />
      </SimpleGrid>
    </section>
  )
}

type GroupTableProps = { history: UsageHistory; groups: UsageGroup[]; heading: string; unit: string; withCaps?: boolean }

function GroupTable({ history: { metric, title, used }, groups, heading, unit, withCaps = false }: GroupTableProps) {
  return (
    <Paper withBorder p="md">
      <Title order={3} mb="xs">{heading}</Title>
      <Table verticalSpacing={6} aria-label={`${title} ${heading.toLowerCase()}`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{unit}</Table.Th>
            <Table.Th scope="col" ta="right">{title}</Table.Th>
            <Table.Th scope="col" ta="right">Share</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {groups.map(({ key, name, amount, filter, chatbotId }) => (
            <Table.Tr key={key}>
              <Table.Th scope="row" fw={400}>
                <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{name}</Text>
                {withCaps && chatbotId !== null && name !== 'Deleted chatbot' && (
                  <AnchorLink to="/bots/$chatbotId/settings" params={{ chatbotId }} size="xs" aria-label={`Set a cap for ${name}`}>
                    Set a cap
                  </AnchorLink>
                )}
              </Table.Th>
              <Table.Td ta="right">
                <LedgerLink filter={filter} label={`${formatAmount(metric, amount)}, ${name}: show the rows`}>{formatAmount(metric, amount)}</LedgerLink>
              </Table.Td>
              <Table.Td ta="right">{used > 0 ? percents.format(amount / used) : '–'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}
