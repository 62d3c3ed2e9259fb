import { List, Stack, Text, Title } from '@mantine/core'
import type { PlanChangePreview, QuotaChange } from '../../../server/src/contract/plan-change.ts'
import { formatMoney, formatQuota } from '../lib/format.ts'
import { LocalTime } from '../lib/local-time.tsx'
import type { Interval, SoldPlan } from './plan-action.ts'

/** PlanChangeFacts tells what a change costs, when it comes, and what it gives and takes. */
export function PlanChangeFacts(props: { preview: PlanChangePreview; plan: SoldPlan; interval: Interval; isFirst: boolean }) {
  const { preview, plan, interval, isFirst } = props
  const price = preview.price.to ?? plan.prices[interval]
  const hasTrial = isFirst && plan.trialDays > 0
  return (
    <Stack gap="xs">
      {price !== null && (
        <Text>
          {hasTrial ? `${plan.trialDays} days free, then ` : ''}
          <b>{formatMoney(price)}</b> per {interval}
          {preview.price.from !== null && `, instead of ${formatMoney(preview.price.from)}`}.
        </Text>
      )}
      {!isFirst && <When preview={preview} />}
      {!isFirst && preview.dueNow !== null && <Due dueNow={preview.dueNow} />}
      <Changes title="You get" changes={preview.gains} />
      <Changes title="You lose" changes={preview.losses} />
    </Stack>
  )
}

function When({ preview: { takesEffect, effectiveAt } }: { preview: PlanChangePreview }) {
  if (takesEffect === 'now') return <Text size="sm">The new limits are in force within seconds.</Text>
  if (effectiveAt === null) return null
  return (
    <Text size="sm">
      It comes with the next period, on <LocalTime instant={effectiveAt} as="zoned" />, and can be undone until then. Meanwhile nothing
      can be added that it would not hold.
    </Text>
  )
}

function Due({ dueNow }: { dueNow: NonNullable<PlanChangePreview['dueNow']> }) {
  const { amountMinor, currency, estimated } = dueNow
  if (amountMinor === 0) return <Text size="sm">Nothing is charged today.</Text>
  const amount = formatMoney({ amountMinor: Math.abs(amountMinor), currency })
  return (
    <Text size="sm">
      {estimated ? 'About ' : ''}
      <b>{amount}</b> {amountMinor > 0 ? 'is charged today' : 'is credited'} for the rest of this period.
    </Text>
  )
}

function Changes({ title, changes }: { title: string; changes: QuotaChange[] }) {
  if (changes.length === 0) return null
  return (
    <div>
      <Title order={3} size="sm">{title}</Title>
      <List size="sm">
        {changes.map(({ metric, title: name, quotaNow, quotaThen }) => (
          <List.Item key={metric}>
            {name}: {formatQuota(metric, quotaThen)} instead of {formatQuota(metric, quotaNow)}
          </List.Item>
        ))}
      </List>
    </div>
  )
}
