import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { checkoutStateSchema } from '../../../../server/src/contract/checkout.ts'
import type { SubscriptionBody } from '../../../../server/src/contract/subscription.ts'
import { KeptChatbots } from '../../kit/kept-chatbots.tsx'
import { PlanSelector } from '../../kit/plan-selector.tsx'
import { useApi } from '../../lib/api-context.tsx'
import { AnchorLink, ButtonLink } from '../../lib/links.tsx'
import { meQuery, refreshBilling, subscriptionQuery } from '../../lib/queries.ts'

const LOOK_AGAIN_MS = 4000

/** PlansPage compares the plans and changes between them; a purchase that was begun can be gone back to, or given up. */
export function PlansPage() {
  const { plan, canceled } = useSearch({ from: '/settings/plans' })
  const api = useApi()
  const { data: subscription } = useQuery({
    ...subscriptionQuery(api),
    // A processor may not send its buyers back: the page notices by itself.
    refetchInterval: ({ state: { data } }) => (data?.checkout || data?.operation ? LOOK_AGAIN_MS : false)
  })
  const { data: me } = useQuery(meQuery(api))
  const queries = useQueryClient()
  const isUnderWay = Boolean(subscription?.checkout ?? subscription?.operation)
  const wasUnderWay = useRef(false)
  useEffect(() => {
    // What it led to changes more than the subscription.
    if (wasUnderWay.current && !isUnderWay) void refreshBilling(queries)
    wasUnderWay.current = isUnderWay
  }, [isUnderWay, queries])
  const mayBuy = me === undefined || me.organizationId === null || me.role === 'org:admin'
  const overLimit = subscription?.overLimit.find(({ metric }) => metric === 'chatbots')
  return (
    <Stack gap="lg">
      <Title order={1}>Plans</Title>
      {!mayBuy && (
        <Alert color="blue" title="An admin changes the plan">
          Only an admin of your organization can change its plan and payments. You can compare the plans, and ask one of them.
        </Alert>
      )}
      {subscription?.checkout && <OpenCheckout checkout={subscription.checkout} wasLeft={canceled === subscription.checkout.checkoutId} />}
      {subscription?.operation && (
        <Alert color="blue" title="A change is under way">
          The payment processor is being asked. This page notices when it has answered; nothing needs to be done.
        </Alert>
      )}
      {overLimit !== undefined && <KeptChatbots quota={overLimit.quota} />}
      <PlanSelector {...(plan !== undefined && { highlightPlan: plan })} />
      <Text size="sm">
        <AnchorLink to="/settings/invoices" underline="always">Invoices</AnchorLink> and{' '}
        <AnchorLink to="/settings/billing" underline="always">what is used</AnchorLink> have pages of their own.
      </Text>
    </Stack>
  )
}

type Open = NonNullable<SubscriptionBody['checkout']>

function OpenCheckout({ checkout: { checkoutId, url }, wasLeft }: { checkout: Open; wasLeft: boolean }) {
  const api = useApi()
  const queries = useQueryClient()
  const giveUp = useMutation({
    mutationFn: () => api.send(checkoutStateSchema, 'DELETE', `/api/billing/checkout/${checkoutId}`),
    onSettled: () => refreshBilling(queries)
  })
  return (
    <Alert color="blue" title={wasLeft ? 'The checkout was left' : 'A payment is waiting'}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">Nothing was charged yet. You can go back and pay, or choose another plan below, which ends this one.</Text>
        <Group gap="xs">
          {url !== null && <Button size="xs" component="a" href={url}>Go on with the payment</Button>}
          <ButtonLink to="/settings/billing/confirm" search={{ checkout: checkoutId }} size="xs" variant="default">I have paid</ButtonLink>
          <Button size="xs" variant="default" loading={giveUp.isPending} onClick={() => giveUp.mutate()}>Give it up</Button>
        </Group>
        {giveUp.error !== null && <Text size="sm" role="alert">{giveUp.error.message}</Text>}
      </Stack>
    </Alert>
  )
}
