import { Table, Text } from '@mantine/core'
import type { UsageHistory } from '../../../../server/src/contract/usage-history.ts'
import { formatAmount } from '../../lib/format.ts'
import { LedgerLink } from './ledger-link.tsx'
import type { ChartDay } from './usage-days.ts'
import type { UsageGroup } from './usage-groups.ts'
import { formatFullUtcDay } from './utc-day.ts'

const COLUMN_WIDTH_PX = 120

/** DaysTable has the numbers of the chart, each with a link to its rows in the ledger. */
export function DaysTable({ history, rows, groups }: { history: UsageHistory; rows: ChartDay[]; groups: UsageGroup[] }) {
  const { metric, title, windowStart, used } = history
  const base = { metric, windowStart }
  const number = (amount: number) => formatAmount(metric, amount)
  const usedDays = rows.filter(({ amounts }) => Object.keys(amounts).length > 0)
  return (
    <>
      <Table.ScrollContainer minWidth={COLUMN_WIDTH_PX * (groups.length + 2)} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': `${title} per day, scrollable` } }}>
        <Table verticalSpacing={6} aria-label={`${title} per day`}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col" style={{ whiteSpace: 'nowrap' }}>Day (UTC)</Table.Th>
              {groups.map(({ key, name }) => (
                <Table.Th key={key} scope="col" ta="right" className="breaking">{name}</Table.Th>
              ))}
              <Table.Th scope="col" ta="right">Total</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {usedDays.map(({ day, amounts, total }) => (
              <Table.Tr key={day}>
                <Table.Th scope="row" fw={400} style={{ whiteSpace: 'nowrap' }}>{formatFullUtcDay(day)}</Table.Th>
                {groups.map(({ key, name, filter }) => (
                  <Table.Td key={key} ta="right">
                    {amounts[key] === undefined ? (
                      <Text c="dimmed" span inherit>0</Text>
                    ) : (
                      <LedgerLink filter={filter && { ...filter, day }} label={`${number(amounts[key])}, ${name}, ${formatFullUtcDay(day)}: show the rows`}>
                        {number(amounts[key])}
                      </LedgerLink>
                    )}
                  </Table.Td>
                ))}
                <Table.Td ta="right" fw={600}>
                  <LedgerLink filter={{ ...base, day }} label={`${number(total)} on ${formatFullUtcDay(day)}: show the rows`}>{number(total)}</LedgerLink>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">Total</Table.Th>
              {groups.map(({ key, name, filter, amount }) => (
                <Table.Th key={key} ta="right">
                  <LedgerLink filter={filter} label={`${number(amount)}, ${name}: show the rows`}>{number(amount)}</LedgerLink>
                </Table.Th>
              ))}
              <Table.Th ta="right">
                <LedgerLink filter={base} label={`${number(used)} in all: show the rows`}>{number(used)}</LedgerLink>
              </Table.Th>
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Table.ScrollContainer>
      <Text size="xs" c="dimmed">Days without use are left out of the table. Days are those of UTC.</Text>
    </>
  )
}
