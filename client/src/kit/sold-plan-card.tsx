import { Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { formatMoney, formatQuota } from '../lib/format.ts'
import type { Interval, PlanAction, SoldPlan } from './plan-action.ts'
import classes from './sold-plan-card.module.css'

/** SoldPlanCard is one plan: price, what it gives of every metric in the same order as its neighbours, and one button. */
export function SoldPlanCard(props: {
  plan: SoldPlan
  interval: Interval
  action: PlanAction
  isHighlighted: boolean
  onAct: () => void
}) {
  const { plan, interval, action, isHighlighted, onAct } = props
  const titleId = `parley-plan-${plan.plan}`
  return (
    <Paper
      withBorder
      p="md"
      role="listitem"
      aria-labelledby={titleId}
      className={isHighlighted ? classes.highlighted : undefined}
      data-current={plan.current || undefined}
    >
      <Stack h="100%" justify="space-between">
        <Stack gap="xs">
          <Group justify="space-between" wrap="nowrap">
            <Title order={2} size="h3" id={titleId}>{plan.name}</Title>
            {plan.current && <Badge>Your plan</Badge>}
            {isHighlighted && <Badge variant="light">Has room</Badge>}
          </Group>
          <Price plan={plan} interval={interval} />
          <dl className={classes.quotas}>
            {plan.quotas.map(({ metric, title, kind, quota }) => (
              <div key={metric} className={classes.quota}>
                <dt>{title}</dt>
                <dd>
                  {formatQuota(metric, quota)}
                  {kind === 'counter' && quota !== null && <span className={classes.per}> / month</span>}
                </dd>
              </div>
            ))}
          </dl>
        </Stack>
        {action.kind === 'none' ? (
          <Text ta="center" size="sm" c="dimmed" py={8}>{action.label}</Text>
        ) : (
          <Button fullWidth px={4} variant={plan.direction === 'upgrade' ? 'filled' : 'default'} onClick={onAct}>{action.label}</Button>
        )}
      </Stack>
    </Paper>
  )
}

function Price({ plan, interval }: { plan: SoldPlan; interval: Interval }) {
  const price = plan.prices[interval]
  if (price === null) {
    const isFree = plan.prices.month === null && plan.prices.year === null
    return <Text size="xl" fw={700}>{isFree ? 'Free' : 'Not sold so'}</Text>
  }
  return (
    <Text size="xl" fw={700}>
      {formatMoney(price)}
      <Text span size="sm" fw={400} c="dimmed"> per {interval}</Text>
    </Text>
  )
}
