import { Anchor, Group, Text, VisuallyHidden } from '@mantine/core'
import { formatAmount, formatDay, formatQuota } from '../lib/format.ts'
import { WarningIcon } from '../lib/icons.tsx'
import { LocalTime } from '../lib/local-time.tsx'
import styles from './meter.module.css'
import { MeterBar } from './meter-bar.tsx'
import { type Meter, type MeterState, meterState, meterText } from './meter-state.ts'
import { WhatCountsButton } from './what-counts-button.tsx'

const NEAR = 'light-dark(var(--mantine-color-orange-9), var(--mantine-color-yellow-4))'
const FULL = 'light-dark(var(--mantine-color-red-9), var(--mantine-color-red-4))'

/** MeterRow shows one limit: in words, as a bar, and what comes of it. */
export function MeterRow({ meter, onOpenRows }: { meter: Meter; onOpenRows?: (() => void) | undefined }) {
  const { metric, title, used, quota } = meter
  const state = meterState(meter)
  const numbers = (
    <>
      <b>{formatAmount(metric, used)}</b> / {formatQuota(metric, quota)}
    </>
  )
  return (
    <div className={styles['row']}>
      <Group justify="space-between" gap="xs">
        <Group gap={4}>
          <Text fw={500} component="h3" size="sm">{title}</Text>
          <WhatCountsButton metric={metric} title={title} />
        </Group>
        {onOpenRows === undefined ? (
          <Text size="sm">{numbers}</Text>
        ) : (
          <Anchor component="button" type="button" size="sm" onClick={onOpenRows}>
            {numbers}
            <VisuallyHidden>, {title}: show the rows behind it</VisuallyHidden>
          </Anchor>
        )}
      </Group>
      {quota !== null && <MeterBar label={title} used={used} quota={quota} text={meterText(meter)} />}
      <Group justify="space-between" gap="xs">
        <Verdict meter={meter} state={state} />
        <Text size="xs" c="dimmed">
          {meter.resetsAt === null ? 'Does not reset' : <>Resets on <LocalTime instant={meter.resetsAt} as="zoned" /></>}
        </Text>
      </Group>
      <Forecast meter={meter} state={state} />
    </div>
  )
}

function Verdict({ meter, state }: { meter: Meter; state: MeterState }) {
  const { metric, used, quota } = meter
  if (quota === null) return <Text size="xs" c="dimmed">No limit on this plan</Text>
  const left = used < quota ? `${formatAmount(metric, quota - used)} left` : null
  if (state.label === null) return <Text size="xs" c="dimmed">{left}</Text>
  return (
    <Group gap={6} c={state.kind === 'near' ? NEAR : FULL}>
      <WarningIcon />
      <Text size="xs" fw={600}>
        {state.label}
        {left !== null && ` (${left})`}
      </Text>
    </Group>
  )
}

function Forecast({ meter, state }: { meter: Meter; state: MeterState }) {
  const { forecast, metric } = meter
  if (forecast === null || state.kind === 'over' || state.kind === 'reached') return null
  if (forecast.reachesQuotaAt !== null) {
    return <Text size="xs">At this pace you reach the limit on {formatDay(forecast.reachesQuotaAt)}.</Text>
  }
  return <Text size="xs" c="dimmed">At this pace: {formatAmount(metric, forecast.projected)} by the reset.</Text>
}
