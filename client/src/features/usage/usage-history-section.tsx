import { Button, Group, NativeSelect, Paper, SegmentedControl, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { UsageHistory } from '../../../../server/src/contract/usage-history.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { useApi } from '../../lib/api-context.tsx'
import { formatDay } from '../../lib/format.ts'
import { usageQuery } from '../../lib/queries.ts'
import { Breakdown } from './breakdown.tsx'
import { CsvButton } from './csv-button.tsx'
import { DayByDay } from './day-by-day.tsx'
import { forecastSentence } from './forecast-sentence.ts'
import { LedgerLink } from './ledger-link.tsx'
import { historyQuery } from './usage-queries.ts'

const HEIGHT_PX = 700

/** UsageHistorySection shows one counter in one window. Which, and how it is divided, is in the address: it can be sent around. */
export function UsageHistorySection() {
  const api = useApi()
  const navigate = useNavigate()
  const { metric = 'messages', windowStart, by = 'chatbot' } = useSearch({ from: '/settings/billing' })
  const { data: usage } = useQuery(usageQuery(api))
  const { data: history, error, refetch, isPlaceholderData } = useQuery(historyQuery(api, { metric, windowStart }))
  const change = (search: { metric?: string; windowStart?: string | undefined; by?: typeof by }): void => {
    void navigate({ to: '/settings/billing', search: (before) => ({ ...before, ...search }), replace: true, resetScroll: false })
  }
  const counters = (usage?.metrics ?? []).filter(({ kind }) => kind === 'counter')
  const meter = counters.find((one) => one.metric === history?.metric)
  const isCurrent = history?.windows.find(({ current }) => current)?.windowStart === history?.windowStart
  const sentence = meter === undefined || !isCurrent ? null : forecastSentence(meter)
  return (
    <Stack component="section" aria-labelledby="day-by-day" mt="md">
      <Group justify="space-between">
        <Title order={2} id="day-by-day">Day by day</Title>
        <LedgerLink filter={{}} label="Open the ledger: every row behind these numbers">Open the ledger</LedgerLink>
      </Group>
      <Group align="flex-end">
        {counters.length > 0 && (
          <SegmentedControl
            aria-label="What to show"
            value={metric}
            onChange={(value) => change({ metric: value })}
            data={counters.map((one) => ({ value: one.metric, label: one.title }))}
          />
        )}
        {history !== undefined && (
          <>
            <NativeSelect
              aria-label="Window"
              value={history.windowStart}
              onChange={({ currentTarget: { value } }) => change({ windowStart: value })}
              data={history.windows.map((window) => ({ value: window.windowStart, label: windowLabel(window) }))}
            />
            <CsvButton metric={history.metric} windowStart={history.windowStart} />
          </>
        )}
      </Group>
      {error !== null && (
        <Stack align="flex-start">
          <ProblemAlert title="The days could not be read" error={error} onRetry={() => void refetch()} />
          {(metric !== 'messages' || windowStart !== undefined) && (
            <Button variant="default" onClick={() => change({ metric: 'messages', windowStart: undefined })}>Show this window's messages</Button>
          )}
        </Stack>
      )}
      {history === undefined && error === null && <Skeleton role="status" h={HEIGHT_PX} aria-label="Loading the days" />}
      {history !== undefined && (
        <Stack aria-busy={isPlaceholderData} opacity={isPlaceholderData ? 0.6 : 1}>
          {history.days.length === 0 ? <Unused history={history} /> : (
            <>
              {sentence !== null && <Text>{sentence}</Text>}
              <DayByDay history={history} by={by} onGroup={(value) => change({ by: value })} />
              <Breakdown history={history} />
            </>
          )}
        </Stack>
      )}
    </Stack>
  )
}

function Unused({ history }: { history: UsageHistory }) {
  return (
    <Paper withBorder p="xl">
      <Stack align="center">
        <Text fw={600}>Nothing used in this window</Text>
        <Text c="dimmed" ta="center">
          {history.title} appear here day by day, by chatbot and by channel, as soon as a chatbot has answered.
        </Text>
        <Button component={Link} to="/bots">To your chatbots</Button>
      </Stack>
    </Paper>
  )
}

function windowLabel({ windowStart, windowEnd, current }: UsageHistory['windows'][number]): string {
  return `${formatDay(windowStart)} to ${formatDay(windowEnd)}${current ? ' (current)' : ''}`
}
