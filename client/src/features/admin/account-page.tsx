import { Group, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { AdminAccountDetail } from '../../../../server/src/contract/admin.ts'
import { MeterRow } from '../../kit/meter-row.tsx'
import { useApi } from '../../lib/api-context.tsx'
import { formatNumber } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { AccountSubscriptions } from './account-subscriptions.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { accountQuery } from './admin-queries.ts'
import { processorName, words } from './admin-words.ts'
import { AsOf } from './as-of.tsx'
import { EventStatusBadge } from './event-status.tsx'
import { Facts } from './facts.tsx'
import { TableTime } from './table-time.tsx'
import { WideTable } from './wide-table.tsx'

const HEIGHT_PX = 620
const WIDTH_PX = 640

/** AccountPage is all there is to know of one account. */
export function AccountPage() {
  const { accountId } = useParams({ from: '/admin/accounts/$accountId' })
  const { data, error, refetch, isFetching, dataUpdatedAt } = useQuery(accountQuery(useApi(), accountId))
  return (
    <Stack maw={1080} gap="lg">
      <AnchorLink to="/admin/accounts" size="sm">All accounts</AnchorLink>
      <Group justify="space-between">
        <Title order={1} style={{ overflowWrap: 'anywhere' }}>{accountId}</Title>
        {data !== undefined && <AsOf readAtMs={dataUpdatedAt} isReading={isFetching} onRefresh={() => void refetch()} />}
      </Group>
      {error !== null && <AdminProblem title="The account could not be read" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={HEIGHT_PX} role="status" aria-label="Loading the account" />}
      {data !== undefined && <Account account={data} />}
    </Stack>
  )
}

function Account({ account }: { account: AdminAccountDetail }) {
  const { plan, status, processor, subscriptionId, chatbots, createdAt, closedAt } = account
  return (
    <>
      <Facts
        facts={[
          ['Plan', plan],
          ['Status', closedAt === null ? words(status) : 'closed'],
          ['Processor', processor && processorName(processor)],
          ['Subscription', subscriptionId],
          ['Chatbots', formatNumber(chatbots)],
          ['Created', <LocalTime key="created" instant={createdAt} as="zoned" />],
          ['Closed', closedAt && <LocalTime key="closed" instant={closedAt} as="zoned" />]
        ]}
      />
      <section>
        <Title order={2} mb="xs">Usage</Title>
        <Paper withBorder px="md">
          {account.metrics.map((metric) => <MetricMeter key={metric.metric} metric={metric} />)}
        </Paper>
      </section>
      <section>
        <Title order={2} mb="xs">Subscriptions</Title>
        <AccountSubscriptions subscriptions={account.subscriptions} />
      </section>
      <Deliveries account={account} />
    </>
  )
}

// The page of the operator knows less of a limit than its owner's: neither pace nor forecast.
function MetricMeter({ metric }: { metric: AdminAccountDetail['metrics'][number] }) {
  const { used, quota, resetsAt } = metric
  const kind = resetsAt === null ? 'gauge' : 'counter'
  return <MeterRow meter={{ ...metric, kind, unit: '', remaining: quota === null ? null : Math.max(0, quota - used), forecast: null }} />
}

function Deliveries({ account: { accountId, events } }: { account: AdminAccountDetail }) {
  return (
    <section>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Last deliveries</Title>
        {events.length > 0 && <AnchorLink to="/admin/inbox" search={{ accountId }} size="sm">All of them in the inbox</AnchorLink>}
      </Group>
      {events.length === 0 ? (
        <Text size="sm">No processor has told anything about this account yet.</Text>
      ) : (
        <WideTable label="Last deliveries" minWidth={WIDTH_PX} headings={['Occurred', 'Processor', 'Type', 'Status']}>
          {events.map(({ processor, eventId, eventType, status, occurredAt }) => (
            <Table.Tr key={`${processor} ${eventId}`}>
              <Table.Td><TableTime instant={occurredAt} /></Table.Td>
              <Table.Td>{processorName(processor)}</Table.Td>
              <Table.Td>
                <AnchorLink to="/admin/inbox/$processor/$eventId" params={{ processor, eventId }} preload={false} size="sm">
                  {eventType}
                </AnchorLink>
              </Table.Td>
              <Table.Td><EventStatusBadge status={status} /></Table.Td>
            </Table.Tr>
          ))}
        </WideTable>
      )}
    </section>
  )
}
