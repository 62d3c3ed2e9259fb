import { Alert, Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { checkoutSchema } from '../../../server/src/contract/checkout.ts'
import { type PlanChangePreview, planChangePreviewSchema } from '../../../server/src/contract/plan-change.ts'
import { subscriptionSchema } from '../../../server/src/contract/subscription.ts'
import { ApiProblem } from '../lib/api.ts'
import { useApi } from '../lib/api-context.tsx'
import { refreshBilling } from '../lib/queries.ts'
import { Blockers } from './blockers.tsx'
import type { Interval, SoldPlan } from './plan-action.ts'
import { PlanChangeFacts } from './plan-change-facts.tsx'
import { obstacleSentence } from './plan-obstacle.ts'
import { ProblemAlert } from './problem-alert.tsx'

const SERVER_FAULT = 500

type Props = {
  plan: SoldPlan
  interval: Interval
  /** isFirst: there is no subscription yet, so that it goes on at the checkout. */
  isFirst: boolean
  opened: boolean
  onClose: () => void
  onChanged: (() => void) | undefined
}

/** PlanChangeDialog shows what a change would cost, give and take before anything happens, and then makes it. */
export function PlanChangeDialog({ plan, interval, isFirst, opened, onClose, onChanged }: Props) {
  // The dialog returns the focus only to what had it when it opened; one that is open from the first moment never opened.
  const isMounted = useMounted()
  const api = useApi()
  const queries = useQueryClient()
  // The same wish repeated, after an answer that was lost, is one change; after a refusal it is a new one.
  const [key, setKey] = useState(() => crypto.randomUUID())
  const renewKey = (failed: Error): void => {
    if (failed instanceof ApiProblem && failed.problem.status < SERVER_FAULT) setKey(crypto.randomUUID())
  }
  const preview = useQuery({
    queryKey: ['plan-change', plan.plan, interval],
    queryFn: ({ signal }) =>
      api.send(planChangePreviewSchema, 'POST', '/api/billing/plan-change/preview', { plan: plan.plan, interval }, { signal }),
    enabled: opened,
    staleTime: 0,
    gcTime: 0
  })
  const body = { plan: plan.plan, interval }
  const change = useMutation({
    mutationFn: () => api.send(subscriptionSchema, 'POST', '/api/billing/plan-change', body, { idempotencyKey: key }),
    onError: renewKey,
    onSuccess: async () => {
      await refreshBilling(queries)
      onClose()
      onChanged?.()
    }
  })
  const buy = useMutation({
    mutationFn: () => api.send(checkoutSchema, 'POST', '/api/billing/checkout', body, { idempotencyKey: key }),
    onError: renewKey,
    onSuccess: ({ url }) => window.location.assign(url)
  })
  const act = isFirst ? buy : change
  const { data } = preview
  const obstacle = data === undefined ? null : obstacleSentence(data.outcome, isFirst)
  const isReady = data !== undefined && (data.outcome === 'possible' || (isFirst && data.outcome === 'no_subscription'))

  return (
    <Modal opened={opened && isMounted} onClose={onClose} title={titleOf(plan, interval, isFirst, data)} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        {preview.error !== null && (
          <ProblemAlert title="It cannot be told what this would mean" error={preview.error} onRetry={() => void preview.refetch()} />
        )}
        {data === undefined && preview.error === null && <Skeleton role="status" h={220} aria-label="Looking what this would mean" />}
        {data !== undefined && <PlanChangeFacts preview={data} plan={plan} interval={interval} isFirst={isFirst} />}
        {data !== undefined && data.blockers.length > 0 && (
          <Blockers planName={plan.name} blockers={data.blockers} onDeleted={() => void preview.refetch()} />
        )}
        {obstacle !== null && <Alert color="yellow">{obstacle}</Alert>}
        {act.error !== null && <ProblemAlert title="Nothing has changed" error={act.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Not now</Button>
          <Button disabled={!isReady} loading={act.isPending || buy.isSuccess} onClick={() => act.mutate()}>
            {labelOf(isFirst, data)}
          </Button>
        </Group>
        {isFirst && <Text size="xs" c="dimmed">The next page is the payment processor's. Your card is never seen by Parley.</Text>}
      </Stack>
    </Modal>
  )
}

function titleOf(plan: SoldPlan, interval: Interval, isFirst: boolean, preview: PlanChangePreview | undefined): string {
  if (isFirst) return `Get ${plan.name}`
  if (preview?.direction === 'interval') return `Pay ${plan.name} by the ${interval}`
  return preview?.direction === 'downgrade' ? `Downgrade to ${plan.name}` : `Change to ${plan.name}`
}

function labelOf(isFirst: boolean, preview: PlanChangePreview | undefined): string {
  if (isFirst) return 'Continue to payment'
  return preview?.takesEffect === 'period_end' ? 'Schedule the change' : 'Change now'
}
