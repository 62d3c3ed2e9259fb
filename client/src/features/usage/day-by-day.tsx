import { Group, Paper, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { CatchBoundary, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import type { UsageHistory } from '../../../../server/src/contract/usage-history.ts'
import { formatAmount, formatDay } from '../../lib/format.ts'
import { DaysTable } from './days-table.tsx'
import { LookSwatch, MOST_GROUPS } from './group-looks.tsx'
import { chartDays } from './usage-days.ts'
import { chartGroups, type Grouping, groupUsage } from './usage-groups.ts'

// The library that draws is larger than the rest of the page, and the table says the same.
const UsageChart = lazy(async () => ({ default: (await import('./usage-chart.tsx')).UsageChart }))
const CHART_HEIGHT_PX = 260

/** DayByDay shows a counter's window as a chart and as a table of the same numbers, by chatbot or by channel. */
export function DayByDay({ history, by, onGroup }: { history: UsageHistory; by: Grouping; onGroup: (by: Grouping) => void }) {
  const navigate = useNavigate()
  const { metric, title, windowStart, windowEnd, used } = history
  const { groups, keyOf } = chartGroups(groupUsage(history, by), MOST_GROUPS)
  const rows = chartDays(history, by, keyOf)
  const label =
    `${title} per day by ${by}, ${formatDay(windowStart)} to ${formatDay(windowEnd)}: ${formatAmount(metric, used)} in all. ` +
    'The table below has the numbers.'
  return (
    <Paper withBorder p="md">
      <Stack>
        <Group>
          <SegmentedControl<Grouping>
            aria-label="Divide the days by"
            value={by}
            onChange={onGroup}
            data={[{ value: 'chatbot', label: 'By chatbot' }, { value: 'channel', label: 'By channel' }]}
          />
        </Group>
        <CatchBoundary getResetKey={() => metric} errorComponent={() => null}>
          <Suspense fallback={<Skeleton h={CHART_HEIGHT_PX} />}>
            <UsageChart
              label={label}
              heightPx={CHART_HEIGHT_PX}
              metric={metric}
              rows={rows}
              groups={groups}
              onOpenDay={(day) => void navigate({ to: '/settings/billing/ledger', search: { metric, windowStart, day } })}
            />
          </Suspense>
        </CatchBoundary>
        <Group gap="md" aria-hidden="true">
          {groups.map(({ key, name }, index) => (
            <Group key={key} gap={6} wrap="nowrap">
              <LookSwatch index={index} />
              <Text size="sm" className="breaking">{name}</Text>
            </Group>
          ))}
        </Group>
        <DaysTable history={history} rows={rows} groups={groups} />
      </Stack>
    </Paper>
  )
}
