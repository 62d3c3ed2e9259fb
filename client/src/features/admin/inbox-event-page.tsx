import { Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { InboxDetail } from '../../../../server/src/contract/admin.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatNumber } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { eventQuery } from './admin-queries.ts'
import { processorName } from './admin-words.ts'
import { AsOf } from './as-of.tsx'
import { EventActions } from './event-actions.tsx'
import { EventLog } from './event-log.tsx'
import { EventStatusBadge } from './event-status.tsx'
import { type EventAct, isUnderWay, STATUS_MEANINGS } from './event-words.ts'
import { Facts } from './facts.tsx'
import { LastError } from './last-error.tsx'
import { Payload } from './payload.tsx'

const LOOK_AGAIN_MS = 1000
// Where nothing happens for that long, the server is away or has much to do.
const WATCHED_MS = 30_000
const LOOK_LATER_MS = 10_000
const HEIGHT_PX = 720

/** InboxEventPage shows one delivery with its payload, and lets an operator replay or discard it. */
export function InboxEventPage() {
  const name = useParams({ from: '/admin/inbox/$processor/$eventId' })
  // Another delivery begins anew: what was done with the one before is not told of it.
  return <Delivery key={`${name.processor} ${name.eventId}`} name={name} />
}

function Delivery({ name }: { name: { processor: string; eventId: string } }) {
  const [watchedUntilMs, setWatchedUntilMs] = useState(() => Date.now() + WATCHED_MS)
  const [lastAct, setLastAct] = useState<EventAct | null>(null)
  const queries = useQueryClient()
  const { data, error, refetch, isFetching, dataUpdatedAt } = useQuery({
    ...eventQuery(useApi(), name),
    refetchInterval: ({ state: { data: event } }) => {
      if (event === undefined || !isUnderWay(event)) return false
      return Date.now() < watchedUntilMs ? LOOK_AGAIN_MS : LOOK_LATER_MS
    }
  })
  const done = (act: EventAct): void => {
    setLastAct(act)
    setWatchedUntilMs(Date.now() + WATCHED_MS)
    void queries.invalidateQueries({ queryKey: ['admin'] })
  }
  const isWatched = data !== undefined && isUnderWay(data)
  return (
    <Stack maw={1080} gap="lg">
      <AnchorLink to="/admin/inbox" size="sm">Back to the inbox</AnchorLink>
      <Group justify="space-between">
        <Title order={1} style={{ overflowWrap: 'anywhere' }}>{data?.eventType ?? 'Delivery'}</Title>
        {data !== undefined && <AsOf readAtMs={dataUpdatedAt} isReading={isFetching && !isWatched} onRefresh={() => void refetch()} />}
      </Group>
      {error !== null && <AdminProblem title="The delivery could not be read" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={HEIGHT_PX} role="status" aria-label="Loading the delivery" />}
      {data !== undefined && (
        <>
          <Group gap="xs" mih={26}>
            <EventStatusBadge status={data.status} />
            <Text size="sm" role="status">{verdict(data, lastAct)}</Text>
          </Group>
          <EventActions event={data} onDone={done} />
          {data.lastError !== null && <LastError error={data.lastError} isPast={data.status === 'processed'} />}
          <EventFacts event={data} />
          <EventLog actions={data.actions} />
          <Payload payload={data.payload} />
        </>
      )}
    </Stack>
  )
}

function verdict(event: InboxDetail, lastAct: EventAct | null): string {
  if (lastAct === 'replay') {
    if (isUnderWay(event)) return 'Replayed. It is due and will be tried in a moment; this page notices by itself.'
    if (event.status === 'processed') return 'Replayed, and now processed: it was applied, once.'
    if (event.status === 'failed' || event.status === 'dead') return `Replayed, and failed again. ${STATUS_MEANINGS[event.status]}`
  }
  return STATUS_MEANINGS[event.status]
}

function EventFacts({ event }: { event: InboxDetail }) {
  const { processor, eventId, kind, attempts, deliveries, accountId, subscriptionId, occurredAt, receivedAt, processedAt, nextAttemptAt } = event
  const time = (instant: string | null) => instant !== null && <LocalTime instant={instant} as="zoned" />
  return (
    <section>
      <Title order={2} mb="xs">Facts</Title>
      <Facts
        facts={[
          ['Processor', processorName(processor)],
          ['Event', eventId],
          ['Kind', kind],
          ['Account', accountId !== null && (
            <AnchorLink key="account" to="/admin/accounts/$accountId" params={{ accountId }} preload={false} size="sm">{accountId}</AnchorLink>
          )],
          ['Subscription', subscriptionId],
          ['Attempts', formatNumber(attempts)],
          ['Times delivered', formatNumber(deliveries)],
          ['Occurred', time(occurredAt)],
          ['Received', time(receivedAt)],
          ['Processed', time(processedAt)],
          ['Next attempt', time(nextAttemptAt)]
        ]}
      />
    </section>
  )
}
