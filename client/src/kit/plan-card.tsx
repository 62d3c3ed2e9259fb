import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { useApi } from '../lib/api-context.tsx'
import { formatMoney } from '../lib/format.ts'
import { ExternalIcon } from '../lib/icons.tsx'
import { LocalTime } from '../lib/local-time.tsx'
import { plansQuery, subscriptionQuery } from '../lib/queries.ts'
import { nextInvoice, type PlanFact, planFacts, priceText } from './plan-facts.ts'
import { ProblemAlert } from './problem-alert.tsx'
import { usePortal } from './use-portal.ts'
import { type Undoable, useUndo } from './use-undo.ts'

const HEIGHT_PX = 150

/** PlanActions are where the buttons of the plan card lead. Without `onManagePayment` the processor's page opens in this tab. */
export type PlanActions = { onChangePlan?: (() => void) | undefined; onManagePayment?: (() => void) | undefined }

/** PlanCard shows the plan in force, what it costs, what comes next, and leads to changing it. */
export function PlanCard({ onChangePlan, onManagePayment }: PlanActions) {
  const api = useApi()
  const heading = useRef<HTMLHeadingElement>(null)
  const { data: subscription, error, refetch } = useQuery(subscriptionQuery(api))
  // Only for names and prices: the card is right without them, if less exact.
  const { data: plans } = useQuery(plansQuery(api))
  const portal = usePortal()
  if (subscription === undefined) {
    if (error !== null) return <ProblemAlert title="The plan could not be read" error={error} onRetry={() => void refetch()} />
    return <Skeleton role="status" h={HEIGHT_PX} aria-label="Loading the plan" />
  }
  const sold = plans?.data ?? []
  const next = nextInvoice(subscription, sold)
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="parley-plan">
      <Group justify="space-between" align="flex-start">
        <Stack gap={2}>
          <Text size="sm" c="dimmed">Your plan</Text>
          <Title order={2} id="parley-plan" fz="xl" ref={heading} tabIndex={-1}>{subscription.planName}</Title>
          <Text>{priceText(subscription)}</Text>
        </Stack>
        <Group gap="xs">
          {subscription.subscriptionId !== null && (
            <Button
              variant="default"
              loading={portal.isPending}
              rightSection={<ExternalIcon />}
              onClick={() => (onManagePayment === undefined ? portal.mutate() : onManagePayment())}
            >
              Manage payment
            </Button>
          )}
          {onChangePlan !== undefined && <Button onClick={onChangePlan}>Change plan</Button>}
        </Group>
      </Group>
      <Stack gap={4} mt="sm" aria-live="polite">
        {planFacts(subscription, sold).map((fact) => (
          <Fact key={fact.before} fact={fact} onUndone={() => heading.current?.focus()} />
        ))}
        {next !== null && (
          <Text size="sm">
            Next invoice: <b>{formatMoney(next.total)}</b> on <LocalTime instant={next.at} as="day" />, before tax.
          </Text>
        )}
      </Stack>
      {portal.error !== null && <Stack mt="sm"><ProblemAlert title="The payment page could not be opened" error={portal.error} /></Stack>}
    </Paper>
  )
}

function Fact({ fact, onUndone }: { fact: PlanFact; onUndone: () => void }) {
  return (
    <Group gap="xs">
      <Text size="sm">
        {fact.before}
        {fact.instant !== null && <LocalTime instant={fact.instant} as="day" />}
        {fact.after}
      </Text>
      {fact.undo !== undefined && <UndoFact what={fact.undo} onUndone={onUndone} />}
    </Group>
  )
}

function UndoFact({ what, onUndone }: { what: Undoable; onUndone: () => void }) {
  const undo = useUndo(what, onUndone)
  return (
    <>
      <Button size="compact-xs" variant="default" loading={undo.isPending} onClick={() => undo.mutate()}>
        {what === 'change' ? 'Undo the change' : 'Keep the plan'}
      </Button>
      <ProblemAlert title="This could not be undone" error={undo.error} />
    </>
  )
}
