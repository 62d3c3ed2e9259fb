import { Button, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type SubscriptionBody, subscriptionSchema } from '../../../server/src/contract/subscription.ts'
import { useApi } from '../lib/api-context.tsx'
import { LocalTime } from '../lib/local-time.tsx'
import { refreshBilling } from '../lib/queries.ts'
import { ProblemAlert } from './problem-alert.tsx'

type Props = { subscription: SubscriptionBody; opened: boolean; onClose: () => void; onChanged: (() => void) | undefined }

/** CancelDialog ends a subscription with its period: when that is, what happens to what is there, and that it can be undone. */
export function CancelDialog({ subscription, opened, onClose, onChanged }: Props) {
  // The dialog returns the focus only to what had it when it opened; one that is open from the first moment never opened.
  const isMounted = useMounted()
  const api = useApi()
  const queries = useQueryClient()
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => api.send(subscriptionSchema, 'POST', '/api/billing/cancel', { when: 'period_end' }),
    onSuccess: async () => {
      await refreshBilling(queries)
      onClose()
      onChanged?.()
    }
  })
  const endsAt = subscription.trialEndsAt ?? subscription.periodEnd
  return (
    <Modal opened={opened && isMounted} onClose={onClose} title={`Cancel ${subscription.planName}?`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <Text size="sm">
          {endsAt === null ? 'The plan ends with the period that is paid.' : (
            <>
              The plan stays until <LocalTime instant={endsAt} as="zoned" />. Then the account is on the free plan.
            </>
          )}
        </Text>
        <List size="sm">
          <List.Item>Nothing is deleted. Chatbots the free plan does not hold can be read, and you choose which one stays in use.</List.Item>
          <List.Item>Until then you can change your mind.</List.Item>
        </List>
        {error !== null && <ProblemAlert title="The subscription was not canceled" error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Keep the plan</Button>
          <Button color="red" loading={isPending} onClick={() => mutate()}>Cancel at the end of the period</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
