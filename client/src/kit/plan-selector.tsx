import { Badge, Group, SegmentedControl, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useApi } from '../lib/api-context.tsx'
import { plansQuery, subscriptionQuery } from '../lib/queries.ts'
import { CancelDialog } from './cancel-dialog.tsx'
import { type Interval, isSubscribed, type PlanAction, planActionOf, type SoldPlan } from './plan-action.ts'
import { PlanChangeDialog } from './plan-change-dialog.tsx'
import { ProblemAlert } from './problem-alert.tsx'
import { SoldPlanCard } from './sold-plan-card.tsx'

const HEIGHT_PX = 420

/** Chosen is what a button was pressed for; `press` counts them, so that each begins with a dialog of its own. */
type Chosen = { plan: SoldPlan; kind: PlanAction['kind']; interval: Interval; press: number }

/**
 * PlanSelector compares the plans side by side and changes to one, after a preview of what that costs, gives and takes.
 * `highlightPlan` is marked as the one that helps; `onChanged` is called after every change.
 */
export function PlanSelector({ highlightPlan, onChanged }: { highlightPlan?: string; onChanged?: () => void }) {
  const api = useApi()
  const plans = useQuery(plansQuery(api))
  const { data: subscription, error, refetch } = useQuery(subscriptionQuery(api))
  const [picked, setPicked] = useState<Interval | null>(null)
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const [isOpen, setIsOpen] = useState(false)
  const list = useRef<HTMLDivElement>(null)
  const failed = plans.error ?? error
  if (plans.data === undefined || subscription === undefined) {
    if (failed === null) return <Skeleton role="status" h={HEIGHT_PX} aria-label="Loading the plans" />
    return <ProblemAlert title="The plans could not be read" error={failed} onRetry={() => void Promise.all([plans.refetch(), refetch()])} />
  }

  const interval = picked ?? subscription.interval ?? 'month'
  const saving = Math.max(0, ...plans.data.data.map(({ yearlySavingPercent }) => yearlySavingPercent ?? 0))
  const close = (): void => setIsOpen(false)
  const changed = (): void => {
    // The button that opened the dialog is gone with what it offered; the focus must not be.
    list.current?.focus()
    onChanged?.()
  }
  return (
    <Stack>
      <Group gap="sm">
        <SegmentedControl
          aria-label="How often to pay"
          value={interval}
          onChange={(value) => setPicked(value === 'year' ? 'year' : 'month')}
          data={[{ value: 'month', label: 'Monthly' }, { value: 'year', label: 'Yearly' }]}
        />
        {saving > 0 && <Badge variant="light">A year saves {saving} %</Badge>}
      </Group>
      <SimpleGrid type="container" cols={{ base: 1, '500px': 2, '1000px': plans.data.data.length }} role="list" aria-label="Plans" ref={list} tabIndex={-1}>
        {plans.data.data.map((plan) => {
          const action = planActionOf(plan, interval, subscription)
          return (
            <SoldPlanCard
              key={plan.plan}
              plan={plan}
              interval={interval}
              action={action}
              isHighlighted={plan.plan === highlightPlan && !plan.current}
              onAct={() => {
                setChosen((before) => ({ plan, kind: action.kind, interval, press: (before?.press ?? 0) + 1 }))
                setIsOpen(true)
              }}
            />
          )
        })}
      </SimpleGrid>
      <Text size="sm" c="dimmed">
        Prices are before tax. A larger plan comes at once; a smaller one with the next period, and can be undone until then.
      </Text>
      {chosen?.kind === 'cancel' && (
        <CancelDialog key={chosen.press} subscription={subscription} opened={isOpen} onClose={close} onChanged={changed} />
      )}
      {(chosen?.kind === 'change' || chosen?.kind === 'checkout') && (
        <PlanChangeDialog
          key={chosen.press}
          plan={chosen.plan}
          interval={chosen.interval}
          isFirst={!isSubscribed(subscription)}
          opened={isOpen}
          onClose={close}
          onChanged={changed}
        />
      )}
    </Stack>
  )
}
