import { Group, Paper, Text } from '@mantine/core'
import { useId } from 'react'
import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts'
import { formatAmount } from '../../lib/format.ts'
import { LookPattern, LookSwatch } from './group-looks.tsx'
import type { ChartDay } from './usage-days.ts'
import type { UsageGroup } from './usage-groups.ts'
import { formatFullUtcDay, formatUtcDay } from './utc-day.ts'

const compact = new Intl.NumberFormat(undefined, { notation: 'compact' })
const TICK = { fill: 'var(--mantine-color-text)', fontSize: 12 }
const LINE = 'light-dark(var(--mantine-color-gray-4), var(--mantine-color-dark-3))'

type UsageChartProps = { label: string; heightPx: number; metric: string; rows: ChartDay[]; groups: UsageGroup[]; onOpenDay: (day: string) => void }

/**
 * UsageChart draws the days of a window as stacked bars. It is a picture for those who see it: the table beside it has the same
 * numbers, and the same links for a keyboard.
 */
export function UsageChart({ label, heightPx, metric, rows, groups, onOpenDay }: UsageChartProps) {
  const id = useId()
  return (
    <div role="img" aria-label={label}>
      <BarChart
        data={rows}
        responsive
        style={{ width: '100%', height: heightPx }}
        accessibilityLayer={false}
        stackOffset="sign"
        margin={{ top: 8, right: 8, bottom: 0, left: 0 }}
        onClick={({ activeLabel }) => {
          const row = rows.find(({ day }) => day === activeLabel)
          if (row !== undefined && Object.keys(row.amounts).length > 0) onOpenDay(row.day)
        }}
      >
        <defs>
          {groups.map(({ key }, index) => (
            <LookPattern key={key} id={`${id}${index}`} index={index} />
          ))}
        </defs>
        <CartesianGrid vertical={false} stroke={LINE} />
        <XAxis dataKey="day" tickFormatter={formatUtcDay} tick={TICK} stroke={LINE} interval="equidistantPreserveStart" minTickGap={16} />
        <YAxis allowDecimals={false} tickFormatter={(value: number) => compact.format(value)} tick={TICK} stroke={LINE} width={44} />
        <Tooltip
          isAnimationActive={false}
          cursor={{ fill: 'light-dark(var(--mantine-color-gray-1), var(--mantine-color-dark-6))' }}
          content={<DayTip rows={rows} groups={groups} metric={metric} />}
        />
        {groups.map(({ key, name }, index) => (
          <Bar
            key={key}
            dataKey={({ amounts }: ChartDay) => amounts[key] ?? 0}
            name={name}
            stackId="day"
            fill={`url(#${id}${index})`}
            isAnimationActive={false}
          />
        ))}
      </BarChart>
    </div>
  )
}

type DayTipProps = Pick<UsageChartProps, 'rows' | 'groups' | 'metric'> & { active?: boolean; label?: string | number }

// `active` and `label` are given by the chart.
function DayTip({ rows, groups, metric, active = false, label }: DayTipProps) {
  const row = rows.find(({ day }) => day === label)
  if (!active || row === undefined) return null
  return (
    <Paper withBorder shadow="sm" p="xs" maw={320} className="breaking">
      <Text size="sm" fw={600}>{formatFullUtcDay(row.day)}: {formatAmount(metric, row.total)}</Text>
      {groups.map(({ key, name }, index) => row.amounts[key] !== undefined && (
        <Group key={key} gap={6} wrap="nowrap">
          <LookSwatch index={index} />
          <Text size="xs">{name}: {formatAmount(metric, row.amounts[key])}</Text>
        </Group>
      ))}
    </Paper>
  )
}
