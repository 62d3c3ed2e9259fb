import { Alert, Button, Container, Group, Loader, Stack, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { type CheckoutStateBody, checkoutStateSchema } from '../../../../server/src/contract/checkout.ts'
import { ApiProblem } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { plansQuery, refreshBilling } from '../../lib/queries.ts'

const ASK_AGAIN_MS = 1500

/**
 * ConfirmPage is where a buyer lands after the checkout: it asks until the purchase is in force, without waiting for a
 * webhook, and flips by itself.
 */
export function ConfirmPage() {
  const { checkout: checkoutId } = useSearch({ from: '/settings/billing/confirm' })
  const api = useApi()
  const queries = useQueryClient()
  const { data: state, error } = useQuery({
    queryKey: ['checkout', checkoutId],
    queryFn: ({ signal }) => api.get(checkoutStateSchema, `/api/billing/checkout/${checkoutId ?? ''}`, {}, signal),
    enabled: checkoutId !== undefined,
    refetchInterval: ({ state: { data, error: failed } }) =>
      data?.status === 'complete' || data?.status === 'expired' || isUnknown(failed) ? false : ASK_AGAIN_MS,
    // It is asked again by the interval, which does not grow.
    retry: false,
    staleTime: 0
  })
  const status = state?.status
  useEffect(() => {
    if (status === 'complete' || status === 'expired') void refreshBilling(queries)
  }, [status, queries])

  return (
    <Container size="sm" py="xl">
      <div role="status" aria-live="polite">
        {checkoutId === undefined || isUnknown(error) ? <NoCheckout /> : <Outcome state={state} />}
      </div>
      {error !== null && !isUnknown(error) && (
        <Alert color="yellow" mt="md" title="No answer at the moment">
          {error.message} This page goes on asking.
        </Alert>
      )}
    </Container>
  )
}

/** isUnknown: there is no such purchase of this account, and there will be none. */
function isUnknown(error: Error | null): boolean {
  return error instanceof ApiProblem && (error.problem.status === 404 || error.problem.status === 400)
}

function Outcome({ state }: { state: CheckoutStateBody | undefined }) {
  const { data: plans } = useQuery(plansQuery(useApi()))
  const nameOf = (plan: string): string => plans?.data.find((one) => one.plan === plan)?.name ?? plan
  if (state?.status === 'complete') {
    return (
      <Stack align="flex-start">
        <Title order={1}>Your plan is {nameOf(state.planInForce)}</Title>
        <Text>The payment is confirmed and the new limits are in force.</Text>
        <Group>
          <Button component={Link} to="/bots">To your chatbots</Button>
          <Button component={Link} to="/settings/billing" variant="default">See the limits</Button>
        </Group>
      </Stack>
    )
  }
  if (state?.status === 'expired') {
    return (
      <Stack align="flex-start">
        <Title order={1}>The checkout is over</Title>
        <Text>Nothing was charged. Your plan is {nameOf(state.planInForce)}.</Text>
        <Button component={Link} to="/settings/plans">Choose a plan</Button>
      </Stack>
    )
  }
  return (
    <Stack align="flex-start">
      <Title order={1}>Confirming payment…</Title>
      <Group gap="sm" wrap="nowrap">
        <Loader size="sm" aria-hidden />
        <Text>
          {state?.status === 'open'
            ? 'The payment has not arrived yet. Finish it at the checkout; this page notices by itself.'
            : 'This takes a few seconds; the page notices by itself.'}
        </Text>
      </Group>
    </Stack>
  )
}

function NoCheckout() {
  return (
    <Stack align="flex-start">
      <Title order={1}>No checkout</Title>
      <Text>This page belongs to a purchase, and the address names none of yours.</Text>
      <Button component={Link} to="/settings/plans">To the plans</Button>
    </Stack>
  )
}
